"""Open models and tokenizers, reused from call to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aimass.domain.errors import PredictionOutOfMemory
from aimass.domain.files import StoredFile
from aimass.domain.model import Variant
from aimass.inference.cache import BoundedCache, CacheCounts
from aimass.inference.dataplane import Runtime, Session
from aimass.inference.folders import ModelFolders
from aimass.inference.memory import release_memory

if TYPE_CHECKING:
    from aimass.inference.described.tokenizers import OpenTokenizer


@dataclass(frozen=True)
class HeldModels:
    """What is in memory, by the bytes that it was measured to take, and files on local disk by their sizes."""

    sessions: CacheCounts
    files: CacheCounts

    @property
    def changes(self) -> int:
        """Grows with each model that is opened or fetched, closed or deleted."""
        return sum(one.misses + one.evictions for one in (self.sessions, self.files))


class Sessions:
    """Sessions and tokenizers of `max_bytes` together, by the memory that each was measured to take."""

    def __init__(self, runtime: Runtime, folders: ModelFolders, max_bytes: int) -> None:
        self._runtime = runtime
        self._folders = folders
        self._sessions: BoundedCache[tuple[str, ...], Any] = BoundedCache(max_bytes)
        self._told_changes = 0

    def session(self, tenant: str, variant: Variant) -> Session:
        """The open session of a tenant's variant. Raises PredictionOutOfMemory, PredictionFailed."""
        key = (tenant, variant.files.sha256)
        found: Session = self._sessions.get(key, variant.measurements.memory_bytes, lambda: self._open(tenant, variant))
        return found

    def tokenizer(self, tenant: str, file: StoredFile, limit: int | None) -> OpenTokenizer:
        """The open tokenizer of a tenant's file that cuts at `limit` tokens. Raises PredictionFailed.

        Room for it is made beforehand: its library ends the process where memory is refused.
        """
        from aimass.inference.described.tokenizers import open_tokenizer

        found: OpenTokenizer = self._sessions.get(
            (tenant, file.sha256, f"tokenizer of {limit}"),
            file.open_bytes,
            lambda: open_tokenizer(self._folders.file(tenant, file), file.path, limit),
        )
        return found

    def held(self) -> HeldModels:
        """What is open and fetched, and how often it was there when asked for."""
        return HeldModels(self._sessions.counts(), self._folders.counts())

    def news(self) -> HeldModels | None:
        """What is held, where that changed since this was last asked."""
        held = self.held()
        if held.changes == self._told_changes:
            return None
        self._told_changes = held.changes
        return held

    def clear(self) -> int:
        """Closes every session and tokenizer, gives the memory back and says how many there were."""
        count = self._sessions.clear()
        release_memory()
        return count

    def _open(self, tenant: str, variant: Variant) -> Session:
        files = self._runtime.files_of(variant)
        folder = self._folders.folder(tenant, files)
        try:
            return self._runtime.open(folder / files.main)
        except PredictionOutOfMemory:
            if not self.clear():
                raise
        return self._runtime.open(folder / files.main)
