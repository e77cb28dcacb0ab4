"""The rules for a name inside an archive."""

from __future__ import annotations

import re
import unicodedata

from aimass.domain.errors import UnsafeArchive

# A file system takes 255 bytes, of which a name stored under a longer one needs some; a path 4096.
MAX_NAME_BYTES = 200
MAX_PATH_BYTES = 1024
MAX_DEPTH = 32
_DRIVE = re.compile(r"[A-Za-z]:[/\\]")


def split_name(name: str) -> list[str]:
    """The folders and the file of a member's name. Raises UnsafeArchive for a name that leaves the folder or is odd."""
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        raise UnsafeArchive(f"{shown(name)} is an absolute path", member=shown(name))
    # Some archivers on Windows separate folders with backslashes.
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    if ".." in parts:
        raise UnsafeArchive(f"{shown(name)} leaves the archive's folder", member=shown(name))
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise UnsafeArchive(f"{shown(name)} holds control characters or is not UTF-8", member=shown(name))
    if what := _too_long(parts):
        raise UnsafeArchive(f"{shown(name)} {what}", member=shown(name))
    return parts


def _too_long(parts: list[str]) -> str | None:
    if len(parts) > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} folders"
    if any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        return f"has a name longer than {MAX_NAME_BYTES} bytes"
    return f"is a path longer than {MAX_PATH_BYTES} bytes" if len("/".join(parts).encode()) > MAX_PATH_BYTES else None


def is_clutter(parts: list[str]) -> bool:
    """Whether only a file manager has a use for this file, or it is a folder."""
    return not parts or "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._")


def shown(name: str) -> str:
    """A name as a message can carry it: escaped, and no longer than a line."""
    text = name.encode("unicode_escape" if not name.isprintable() else "utf-8", "backslashreplace").decode()
    return text if len(text) <= 120 else f"{text[:100]}…{text[-19:]}"
