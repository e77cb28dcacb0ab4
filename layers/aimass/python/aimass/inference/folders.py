"""Models as folders on local disk, fetched once."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.ports import ArtifactReader
from aimass.inference.cache import BoundedCache, CacheCounts


class ModelFolders:
    """Folders of fetched models under `root`, `max_bytes` together; the least recently used is deleted.

    What was stored packed counts for what it took while it was unpacked.
    """

    def __init__(self, root: Path, artifacts: ArtifactReader, max_bytes: int) -> None:
        self._root = root
        self._artifacts = artifacts
        self._folders: BoundedCache[tuple[str, str], Path] = BoundedCache(max_bytes, _delete)

    def folder(self, tenant: str, model: ModelFiles) -> Path:
        """A folder with each file at its relative path. A fetch that fails leaves nothing behind."""
        return self._folders.get((tenant, model.sha256), model.room, lambda: self._fetch(tenant, model))

    def file(self, tenant: str, file: StoredFile) -> Path:
        """A single file, kept as a folder of its own."""
        return self.folder(tenant, ModelFiles(file.path, (file,))) / file.path

    def counts(self) -> CacheCounts:
        """How often a folder was there already, and how many bytes are."""
        return self._folders.counts()

    def _fetch(self, tenant: str, model: ModelFiles) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix="model-", dir=self._root))
        try:
            for file in model.files:
                target = folder / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                self._artifacts.fetch(tenant, file, target)
        except BaseException:
            _delete(folder)
            raise
        return folder


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
