"""The stack of the end-to-end tests, and one line that says how many backend tests came through."""

from __future__ import annotations

import pytest

from tests.conformance.platform import IMPORTS
from tests.e2e.conftest import stack as stack


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if IMPORTS in config.stash:
        terminalreporter.write_line(config.stash[IMPORTS].summary())
