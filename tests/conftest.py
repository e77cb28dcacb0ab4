"""What all tests share."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests run in one process where they run in several: those of a file, and of some folders."""
    for item in items:
        path = item.path.relative_to(Path(__file__).parent)
        item.add_marker(pytest.mark.xdist_group(_TOGETHER.get(path.parts[0], str(path))))
    # What can't be shared out begins first.
    items.sort(key=lambda item: item.get_closest_marker("xdist_group").args[0] != "stack")


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
