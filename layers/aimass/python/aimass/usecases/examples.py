"""The examples that a compression is shown: where they may lie, and how much of them is read."""

from __future__ import annotations

import re

from aimass.domain.errors import InvalidArguments, PayloadTooLarge
from aimass.domain.jobs import SourceFile
from aimass.domain.names import check_filename
from aimass.domain.ports import ExampleFiles

MAX_FILES = 1000
MAX_BYTES = 2048 * 1024 * 1024
MAX_PREFIX_BYTES = 512
KEPT_DAYS = 35
_CONTROL = re.compile(r"[\\\x00-\x1f\x7f]")


def checked_prefix(tenant: str, prefix: str) -> str:
    """A folder of the tenant's examples, without the slash at its end. Raises InvalidArguments."""
    folder = prefix.removesuffix("/")
    parts = folder.split("/")
    if len(folder.encode(errors="replace")) > MAX_PREFIX_BYTES or _CONTROL.search(folder) or {"", ".", ".."} & {*parts}:
        raise InvalidArguments.of_fields(
            {
                "data.prefix": f"wants the name of a folder under data/{tenant}/, such as 'digits' or 'digits/2026', "
                f"of {MAX_PREFIX_BYTES} bytes at most; got {prefix[:80]!r}"
            }
        )
    return folder


def check_upload(filename: str, size: int) -> None:
    """Raises InvalidArguments for a name that can't be an object's, PayloadTooLarge for more than one takes."""
    try:
        check_filename(filename)
    except InvalidArguments as error:
        raise InvalidArguments(error.message, fields={"data.filename": repr(filename[:80])}) from error
    if size > MAX_BYTES:
        raise PayloadTooLarge(
            f"data.size: {size} bytes are more than the {MAX_BYTES} that one compression reads; send fewer rows: "
            "a few thousand tell as much",
            size=size,
            limit=MAX_BYTES,
        )


def listed(files: ExampleFiles, tenant: str, folder: str) -> list[SourceFile]:
    """The folder's files, pinned to their versions.

    Raises InvalidArguments where there are none, more than 1,000, or more than 2 GiB.
    """
    found = files.list_folder(tenant, folder, MAX_FILES + 1)
    where, size = f"data/{tenant}/{folder}/", sum(file.size for file in found)
    if not found:
        told = f"nothing lies under {where}; put examples there, which are kept for {KEPT_DAYS} days, or send `data`"
    elif len(found) > MAX_FILES:
        told = f"more than {MAX_FILES} files lie under {where}; name a folder with fewer, or put them into one archive"
    elif size > MAX_BYTES:
        told = f"{size} bytes lie under {where}, more than the {MAX_BYTES} that one compression reads; show it fewer"
    else:
        return found
    raise InvalidArguments.of_fields({"data.prefix": told})
