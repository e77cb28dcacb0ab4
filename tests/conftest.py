"""What all tests share."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A test says nothing of how fast a machine is, or how busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# A test never reaches AWS, whatever the machine it runs on is configured for.
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_EC2_METADATA_DISABLED="true",
)

# Folders whose tests share something that takes long to make: one local stack, one synthesis of the app.
_TOGETHER = {"e2e": "stack", "conformance": "stack", "infra": "synthesis"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Says which tests run in one process where they run in several: those of a file, and of some folders.

    Marks would say it too; pytest-xdist 3.8 does not read them from pytest 9.2 on.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = Path(nodeid.partition("::")[0]).relative_to("tests")
            return _TOGETHER.get(path.parts[0], str(path))

    return Together(config, log)


@pytest.fixture(scope="session", autouse=True)
def _folder_of_its_own() -> Iterator[None]:
    """Each process gets its own TMPDIR: a step of an import removes what another process of its environment left."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    before = tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix="aimass-tests-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        yield
    tempfile.tempdir = os.environ["TMPDIR"] = before
