"""Versions that are kept as they came: listed, downloaded, deleted, and not answered with."""

from dataclasses import replace

import pytest

from aimass.domain.errors import InvalidArguments, NotServable, VersionNotReady
from aimass.domain.files import ModelFiles, StoredFile
from aimass.usecases.aliases import move_alias
from aimass.usecases.download import downloads
from aimass.usecases.reverify import request_verification
from aimass.usecases.variants import change_version
from aimass.usecases.versions import delete_version, purge_version, restore_version
from tests.unit.aws.test_registry import FILES, listed, ready, running

KEPT = ModelFiles("m.gguf", (StoredFile("m.gguf", "cd" * 32, 100),))


def stored(registry, number=1):
    version, job = running(registry, number)
    done = replace(version, state="stored", ready_at="now", source=FILES, kept=KEPT, format="gguf", facts={"n": 1.5})
    registry.register("t", done, job)
    return done


def test_a_stored_version_reads_back_exactly(registry):
    version = stored(registry)
    assert registry.get_version("t", "m", 1) == version


def test_lists_show_it_with_its_size(registry):
    stored(registry)
    (summary,) = listed(registry)
    assert (summary.state, summary.size, summary.variant_names) == ("stored", 100, ())
    assert listed(registry, state="ready") == ()
    assert [one.number for one in listed(registry, state="stored")] == [1]


def test_its_files_can_be_downloaded(registry, artifacts):
    stored(registry)
    found = downloads(registry, artifacts, "t", "m", 1, "original")
    assert (found["main"], [one["path"] for one in found["files"]]) == ("m.gguf", ["m.gguf"])
    with pytest.raises(InvalidArguments, match="'int8' is none of original, source"):
        downloads(registry, artifacts, "t", "m", 1, "int8")


def test_what_was_uploaded_can_be_downloaded_as_it_came(registry, artifacts):
    version = stored(registry)
    found = downloads(registry, artifacts, "t", "m", 1, "source")
    assert (found["variant"], found["main"]) == ("source", version.source.main)
    assert [(one["path"], one["sha256"]) for one in found["files"]] == [
        (file.path, file.sha256) for file in version.source.files
    ]


def test_no_alias_points_at_it(registry):
    stored(registry)
    with pytest.raises(NotServable, match="needs a language-model target"):
        move_alias(registry, "t", "m", "prod", 1)


def test_the_latest_is_one_that_answers_and_where_none_does_the_reason_is_told(registry):
    stored(registry)
    with pytest.raises(NotServable) as refused:
        registry.latest_version("t", "m")
    assert refused.value.details["version"] == 1
    ready(registry, 2)
    stored(registry, 3)
    assert registry.latest_version("t", "m").number == 2


def test_it_is_not_verified_again(at):
    stored(at.registry)
    with pytest.raises(VersionNotReady, match="is stored"):
        request_verification(at, "t", "m", 1)


def test_it_is_described_deleted_and_restored_as_any_other(registry):
    stored(registry)
    assert change_version(registry, "t", "m", 1, {"notes": "for later"}).notes == "for later"
    delete_version(registry, "t", "m", 1)
    assert registry.get_version("t", "m", 1).state == "deleted"
    assert restore_version(registry, "t", "m", 1).state == "stored"


def test_its_bytes_count_until_it_is_purged(registry, index, limits):
    stored(registry)
    assert limits.usage_of("t").bytes == KEPT.size + FILES.size
    delete_version(registry, "t", "m", 1)
    purge_version(registry, index, "t", "m", 1)
    assert limits.usage_of("t").bytes == 0
