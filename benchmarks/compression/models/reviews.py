"""Sentences of films, products, newspapers and tweets that people rated, of vaderSentiment's 0.5."""

from __future__ import annotations

import io
import tarfile

import numpy as np

from benchmarks.compression.packages import PACKAGES, SENTENCES

_ARCHIVE = PACKAGES / SENTENCES.name / SENTENCES.folder / "additional_resources/hutto_ICWSM_2014.tar.gz"
_SOURCES = ("movieReviewSnippets", "amazonReviewSnippets", "nytEditorialSnippets", "tweets")
_NEUTRAL = 0.5  # of ratings from -4 to 4


def reviews() -> tuple[list[str], np.ndarray]:
    """Distinct sentences that people found good (1) or bad (0), and which."""
    found: dict[str, int] = {}
    with tarfile.open(_ARCHIVE) as archive:
        for name in _SOURCES:
            member = archive.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt")
            assert member is not None
            for line in io.TextIOWrapper(member, "utf-8", errors="replace"):
                _, rating, text = line.rstrip("\r\n").split("\t")
                if abs(float(rating)) >= _NEUTRAL:
                    found.setdefault(text, int(float(rating) > 0))
    return list(found), np.array(list(found.values()), np.int64)
