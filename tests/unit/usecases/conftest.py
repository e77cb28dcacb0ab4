import pytest

from aimass.usecases.start_import import Imports
from tests.unit.usecases.converting import Place


class Runner:
    def __init__(self):
        self.started = []
        self.ended = set()

    def start(self, name, document):
        if name not in [one for one, _ in self.started]:
            self.started.append((name, document))

    def stop(self, name):
        self.ended.add(name)

    def has_ended(self, name):
        return name in self.ended


class Webhooks:
    """The port `WebhookQueue` in memory."""

    def __init__(self):
        self.announced = []

    def announce(self, tenant, job_id, attempt):
        self.announced.append((tenant, job_id, attempt))


@pytest.fixture
def webhooks():
    return Webhooks()


@pytest.fixture
def at(registry, uploads, limits):
    return Imports(registry, uploads, Runner(), limits)


@pytest.fixture
def place(registry, artifacts, uploads, tmp_path):
    def make(**asked):
        return Place(registry, artifacts, tmp_path, uploads._client, **asked)

    return make
