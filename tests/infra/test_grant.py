"""The operator's way to a tenant's limits."""

from __future__ import annotations

import pytest

from infra import grant
from infra.settings import STAGES
from tests.infra.test_key import client  # noqa: F401 a fixture


def run(client, capsys, *options):  # noqa: F811
    grant.main(["--stage", "dev", "--tenant", "acme", *options], client)
    return capsys.readouterr().out.splitlines()


def test_without_changes_it_shows_the_stages_defaults_and_the_usage(client, capsys):  # noqa: F811
    default = STAGES["dev"].limits
    assert run(client, capsys) == [
        f"bytes: {default.bytes}, used 0",
        f"models: {default.models}, used 0",
        f"jobs: {default.jobs}, used 0",
        "calls_per_second: none",
    ]


def test_what_is_named_changes_and_the_rest_stays(client, capsys):  # noqa: F811
    run(client, capsys, "--jobs", "7", "--calls-per-second", "20")
    assert run(client, capsys, "--calls-per-second", "none")[2:] == ["jobs: 7, used 0", "calls_per_second: none"]


def test_a_number_below_nothing_is_refused(client, capsys):  # noqa: F811
    with pytest.raises(SystemExit):
        run(client, capsys, "--jobs", "-1")
