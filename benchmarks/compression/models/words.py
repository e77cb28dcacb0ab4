"""PaddleOCR's recogniser, taken as it is, and pictures of words in the font that Pillow brings."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.compression.models.built import MODEL, Built, Rows
from benchmarks.compression.models.reviews import reviews
from benchmarks.compression.packages import ROOT, SENTENCES

_MODEL = ROOT / ".venv/models/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
_HEIGHT, _WIDTH = 48, 160
_DATA, _TEST = 640, 500
_LONGEST = 7  # letters


def ppocr(folder: Path, share: float) -> Built:
    shutil.copyfile(_MODEL, folder / MODEL)
    texts, _ = reviews()
    found = sorted({word for text in texts for word in re.findall(rf"\b[A-Za-z]{{3,{_LONGEST}}}\b", text)})
    words = np.random.default_rng(9).permutation(found)
    data, test = words[: int(_DATA * share)], words[_DATA : _DATA + int(_TEST * share)]
    about = {
        "data": f"words of {SENTENCES.name} {SENTENCES.version}, model of rapidocr-onnxruntime 1.4.4",
        "trained on": 0,
    }
    return Built(_rows(data, 1), {**_rows(test, 2), "labels": test}, about)


def _rows(words: np.ndarray, seed: int) -> Rows:
    generator = np.random.default_rng(seed)
    return {"x": np.stack([_picture(str(word), generator) for word in words])}


def _picture(word: str, generator: np.random.Generator) -> np.ndarray:
    """[3, 48, 160] from -1 to 1: dark on bright or bright on dark, with noise."""
    back, ink = (int(generator.integers(170, 256)), int(generator.integers(0, 90)))
    if generator.random() < 0.5:
        back, ink = ink, back
    picture = Image.new("L", (_WIDTH, _HEIGHT), back)
    font = ImageFont.load_default(size=int(generator.integers(22, 33)))
    place = (int(generator.integers(2, 9)), int(generator.integers(4, 11)))
    ImageDraw.Draw(picture).text(place, word, fill=ink, font=font)
    values = np.asarray(picture, np.float32) + generator.normal(0, 12, (_HEIGHT, _WIDTH))
    grey = (np.clip(values, 0, 255) / 127.5 - 1).astype(np.float32)
    return np.repeat(grey[np.newaxis], 3, axis=0)


MODELS: dict[str, Callable[[Path, float], Built]] = {"ppocr": ppocr}
