"""Files of models, and the artifacts that hold them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_OPEN_TOKENIZER = 18  # times its file: 0.7 MB took 9 MiB, 15.6 MB took 282


@dataclass(frozen=True)
class Packed:
    """A file's bytes as they are stored: a Zstandard frame, its SHA-256 and its size."""

    sha256: str
    size: int


@dataclass(frozen=True)
class StoredFile:
    """One file of a model: its path inside the model's folder and the artifact that holds its bytes.

    `memory` is what a tokenizer's file was measured to take once it is open, in bytes; 0 where nobody measured.
    `packed`: the artifact holds the file packed by Zstandard, under a digest of its own.
    """

    path: str
    sha256: str
    size: int
    memory: int = 0
    packed: Packed | None = None

    @property
    def artifact(self) -> str:
        """The digest of the bytes that are stored."""
        return self.packed.sha256 if self.packed else self.sha256

    @property
    def stored_size(self) -> int:
        """How many bytes are stored."""
        return self.packed.size if self.packed else self.size

    @property
    def open_bytes(self) -> int:
        """Memory that a tokenizer's file takes open: as measured, else by what most of them take."""
        return self.memory or self.size * _OPEN_TOKENIZER


@dataclass(frozen=True)
class ModelFiles:
    """A model as files, `main` being the one a runtime opens; the others are its external data."""

    main: str
    files: tuple[StoredFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def room(self) -> int:
        """Bytes of disk that fetching it takes: a packed file lies beside what it unpacks to for a moment."""
        return self.size + max((file.packed.size for file in self.files if file.packed), default=0)

    @property
    def sha256(self) -> str:
        """The file's own digest, or for several files the digest of their sorted `digest  path` lines."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = sorted(f"{file.sha256}  {file.path}\n" for file in self.files)
        return hashlib.sha256("".join(lines).encode()).hexdigest()
