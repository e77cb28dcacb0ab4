"""Programs that were exported on a GPU, opened where there is none: torch.export.load takes no `map_location`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_PRIORITY = 5  # before torch's own, which are 10 and more


@contextmanager
def on_cpu() -> Iterator[None]:
    """Whatever device a file says its tensors are on, they are loaded into memory, and its graph names the CPU.

    torch.export.load asks for weights alone and, where that fails, for anything: within, it does not get it.
    """
    import torch
    from torch._export.serde import serialize
    from torch.export.pt2_archive import _package

    os.environ[_FORCED] = "1"
    entry = (_PRIORITY, lambda storage: None, _kept)
    torch.serialization.register_package(*entry)
    was = serialize.deserialize_device, _package.deserialize_device
    serialize.deserialize_device = _package.deserialize_device = lambda device: torch.device("cpu")
    try:
        yield
    finally:
        serialize.deserialize_device, _package.deserialize_device = was
        torch.serialization._package_registry.remove(entry)


def _kept(storage: Any, location: str) -> Any:
    """A storage of another device's stays where it was read: in memory."""
    return None if location in {"cpu", "meta"} else storage
