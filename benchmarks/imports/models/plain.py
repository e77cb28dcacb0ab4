"""Files that need no library: made with the standard library, or taken from packages."""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PACKAGES = Path(sys.prefix) / "models"


class _Calls:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/aimass-was-here",)


def _pickle_with_os_system(folder: Path) -> str:
    (folder / "model.pkl").write_bytes(pickle.dumps(_Calls()))
    return "model.pkl"


def _core_ml(folder: Path) -> str:
    shutil.copy(next(PACKAGES.glob("basic_pitch/**/*.mlmodel")), folder / "nmp.mlmodel")
    return "nmp.mlmodel"


def _web_page(folder: Path) -> str:
    (folder / "model.pt").write_text("<!DOCTYPE html>\n<html><head><title>404</title></head><body></body></html>\n")
    return "model.pt"


def _gguf(folder: Path) -> str:
    """Version 3: three facts and one tensor of 32 zeros (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md)."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    facts = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    facts += text("general.name") + struct.pack("<I", 8) + text("tiny")
    facts += text("llama.context_length") + struct.pack("<II", 4, 2048)
    tensor = text("token_embd.weight") + struct.pack("<IQQIQ", 2, 8, 4, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + facts + tensor
    (folder / "tiny.gguf").write_bytes(head + bytes(-len(head) % 32) + bytes(128))
    return "tiny.gguf"


#: Each writes one file into an empty folder and returns its name.
FILES: dict[str, Callable[[Path], str]] = {
    "pickle_with_os_system": _pickle_with_os_system,
    "core_ml": _core_ml,
    "web_page": _web_page,
    "gguf": _gguf,
}
