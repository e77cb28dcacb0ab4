"""The sweep's ports in process: an index, a bucket, a registry, a place to go on from."""

from aimass.domain.clock import later
from aimass.domain.errors import ArtifactBusy, VersionNotFound

START = "2026-01-01T00:00:00.000Z"


class Clock:
    def __init__(self, now=START):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **duration):
        self.now = later(self.now, **duration)


class MemoryIndex:
    """The port `ArtifactIndex`; tests/unit/aws/test_artifact_index.py holds it to what the real one does."""

    def __init__(self, clock):
        self.clock = clock
        self.touched = {}
        self.marks = {}
        self.refs = set()

    def touch(self, tenant, sha256):
        if self._marked((tenant, sha256)):
            raise ArtifactBusy("busy")
        self.marks.pop((tenant, sha256), None)
        self.touched[tenant, sha256] = self.clock()

    def refer(self, tenant, model, version, digests):
        self.refs |= {(tenant, sha256, model, version) for sha256 in digests}

    def unrefer(self, tenant, model, version, digests):
        self.refs -= {(tenant, sha256, model, version) for sha256 in digests}

    def references(self, tenant, sha256):
        return [(model, number) for *one, model, number in sorted(self.refs) if one == [tenant, sha256]]

    def mark_deleting(self, tenant, sha256, unwanted_since):
        if self._marked((tenant, sha256)) or self.touched.get((tenant, sha256), "") >= unwanted_since:
            return False
        self.marks[tenant, sha256] = self.clock()
        return True

    def forget(self, tenant, sha256):
        if self.marks.pop((tenant, sha256), None):
            self.touched.pop((tenant, sha256), None)

    def _marked(self, one):
        return one in self.marks and self.marks[one] > later(self.clock(), minutes=-15)


class MemoryBucket:
    """The port `ArtifactSweeper`, and what an import does to a bucket."""

    def __init__(self, clock):
        self.clock = clock
        self.stored = {}

    def put(self, tenant, sha256):
        self.stored.setdefault((tenant, sha256), self.clock())

    def older_than(self, moment, after=""):
        for (tenant, sha256), at in sorted(self.stored.items()):
            if at < moment and f"{tenant}/{sha256}" > after:
                yield tenant, sha256

    def delete(self, tenant, sha256):
        self.stored.pop((tenant, sha256), None)


class MemoryRegistry:
    def __init__(self):
        self.versions = {}

    def get_version(self, tenant, model, number):
        if (tenant, model, number) not in self.versions:
            raise VersionNotFound("no such version")
        return self.versions[tenant, model, number]


class MemoryProgress:
    def __init__(self):
        self.kept = ("", None)

    def read(self):
        return self.kept

    def keep(self, started_at, after):
        self.kept = (started_at, after)
