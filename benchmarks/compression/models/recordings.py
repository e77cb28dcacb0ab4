"""Silero's voice detector, taken as it is, and recordings made of spoken prompts, silence and noise."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.compression.models.built import MODEL, Built, Rows
from benchmarks.compression.packages import PACKAGES, PROMPTS, ROOT

_MODEL = ROOT / ".venv/models/silero_vad/data/silero_vad_16k_sequence.onnx"
_FRAME, _CONTEXT, _STATE = 512, 64, 128
_FRAMES = 94  # three seconds
_DATA, _TEST = 800, 400
_LOUD = 0.01  # -40 dB


def silero(folder: Path, share: float) -> Built:
    """A row is a recording with the state before it; a frame's label says whether it is speech."""
    shutil.copyfile(_MODEL, folder / MODEL)
    paths = sorted((PACKAGES / PROMPTS.name / PROMPTS.folder).rglob("*.wav"))
    prompts = [one for one in map(_read, paths) if len(one) > _FRAME]
    generator = np.random.default_rng(5)
    parts = [prompts[at] for at in generator.permutation(len(prompts))]
    half = len(parts) // 2
    data, test = (
        _rows(some, int(count * share), generator) for some, count in ((parts[:half], _DATA), (parts[half:], _TEST))
    )
    about = {
        "data": f"{PROMPTS.name} {PROMPTS.version}, model of silero-vad 6.2.3",
        "trained on": 0,
        "prompts": len(prompts),
        "speech": float(test["labels"].mean()),
    }
    return Built(data, test, about)


def _read(path: Path) -> np.ndarray:
    """At 16 kHz, from -1 to 1: between any two of its samples the one that the spectrum gives."""
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
        rate = file.getframerate()
    spectrum = np.fft.rfft(sound)
    doubled = len(sound) * 16_000 // rate
    return np.fft.irfft(spectrum, doubled) * (doubled / len(sound))


def _rows(prompts: list[np.ndarray], count: int, generator: np.random.Generator) -> Rows:
    recordings = [_recording(prompts, generator) for _ in range(count)]
    state = np.zeros((count, 1, 1, _STATE), np.float32)
    frames = np.stack([_frames(sound) for sound, _ in recordings])
    return {"input": frames, "h": state, "c": state, "labels": np.stack([spoken for _, spoken in recordings])}


def _recording(prompts: list[np.ndarray], generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two prompts somewhere, 0 to 25 dB louder than the noise; which frames are louder than -40 dB without it."""
    length = _FRAMES * _FRAME
    clean = np.zeros(length)
    for half in (0, length // 2):
        prompt = prompts[generator.integers(len(prompts))]
        start = half + generator.integers(length // 4)
        part = prompt[: min(length // 4, length - start)]
        clean[start : start + len(part)] = part
    loud = np.sqrt((clean.reshape(_FRAMES, _FRAME) ** 2).mean(1))
    level = max(loud.max(), _LOUD) / 10 ** (generator.uniform(0, 25) / 20)
    noisy = clean + generator.normal(0, level, length)
    return noisy.astype(np.float32), (loud > _LOUD).astype(np.int64)


def _frames(sound: np.ndarray) -> np.ndarray:
    """[frames, 64 + 512]: each with the end of the one before."""
    padded = np.concatenate([np.zeros(_CONTEXT, np.float32), sound])
    return np.stack([padded[at * _FRAME : at * _FRAME + _CONTEXT + _FRAME] for at in range(_FRAMES)])


MODELS: dict[str, Callable[[Path, float], Built]] = {"silero": silero}
