"""Open models, reused from call to call."""

from __future__ import annotations

from aimass.domain.errors import PredictionOutOfMemory
from aimass.domain.model import Variant
from aimass.inference.cache import BoundedCache
from aimass.inference.dataplane import Runtime, Session
from aimass.inference.folders import ModelFolders
from aimass.inference.memory import release_memory


class Sessions:
    """Sessions of `max_bytes` together, by the memory that each variant was measured to take."""

    def __init__(self, runtime: Runtime, folders: ModelFolders, max_bytes: int) -> None:
        self._runtime = runtime
        self._folders = folders
        self._sessions: BoundedCache[tuple[str, str], Session] = BoundedCache(max_bytes)

    def session(self, tenant: str, variant: Variant) -> Session:
        """The open session of a tenant's variant. Raises PredictionOutOfMemory, PredictionFailed."""
        key = (tenant, variant.files.sha256)
        return self._sessions.get(key, variant.measurements.memory_bytes, lambda: self._open(tenant, variant))

    def clear(self) -> int:
        """Closes every session, gives the memory back and says how many there were."""
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
