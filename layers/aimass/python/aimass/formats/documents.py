"""What people upload instead of a model."""

from __future__ import annotations

import re

from aimass.formats.content import Content

TITLES = {
    "empty": "an empty file",
    "git-lfs": "a Git LFS pointer, not the file that it points to (run `git lfs pull` and upload again)",
    "html": "an HTML page (a download may have answered with an error page)",
    "xml": "an XML document",
    "json": "a JSON document",
    "text": "a text",
    "npy": "a NumPy array (.npy)",
    "png": "a PNG picture",
    "jpeg": "a JPEG picture",
    "pdf": "a PDF document",
    "elf": "a Linux program or library",
}
_HEAD = 1024
_HEADS = (
    ("git-lfs", re.compile(rb"version https://git-lfs\.github\.com/")),
    ("npy", re.compile(rb"\x93NUMPY")),
    ("png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("jpeg", re.compile(rb"\xff\xd8\xff")),
    ("pdf", re.compile(rb"%PDF-")),
    ("elf", re.compile(rb"\x7fELF")),
    ("html", re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)", re.I | re.S)),
    ("xml", re.compile(rb"\s*<\?xml")),
    ("json", re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*["\[{\d\]-])')),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def recognise(content: Content) -> str | None:
    head = content[:_HEAD]
    if not head:
        return "empty"
    name = next((name for name, pattern in _HEADS if pattern.match(head)), None)
    return name or ("text" if _is_text(head) else None)


def _is_text(head: bytes) -> bool:
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two where the head ends.
        return error.start > len(head) - 4 and len(head) == _HEAD
    return True
