"""`python -m infra.grant --stage prod --tenant acme --jobs 50`: a tenant's limits and usage; changes what is named.

It takes credentials that may read the storage stack, and read and write its table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import boto3

from aimass.adapters.aws.registry.limits import DynamoTenantLimits
from aimass.domain.names import check_name
from aimass.domain.tenants import Limits
from infra.account import ended_by_a_sentence, registry_table
from infra.settings import STAGES

NO_LIMIT = "none"


@ended_by_a_sentence()
def main(arguments: Sequence[str] | None = None, client: Any = boto3.client) -> None:
    """`client` makes a service's client by its name."""
    options = _options(arguments)
    stage = STAGES[options.stage]
    table = registry_table(client("cloudformation"), stage.prefix)
    limits = DynamoTenantLimits(client("dynamodb"), table, Limits(**asdict(stage.limits)))
    tenant = check_name("tenant", options.tenant)
    before = limits.limits_of(tenant)
    after = replace(before, **_changes(options))
    if after != before:
        limits.grant(tenant, after)
    used = asdict(limits.usage_of(tenant))
    for what, limit in asdict(after).items():
        print(f"{what}: {NO_LIMIT if limit is None else limit}" + (f", used {used[what]}" if what in used else ""))


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    changes: dict[str, Any] = {
        what: getattr(options, what) for what in ("bytes", "models", "jobs") if getattr(options, what) is not None
    }
    if options.calls_per_second is not None:
        changes["calls_per_second"] = None if options.calls_per_second < 0 else options.calls_per_second
    return changes


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.grant")
    parser.add_argument("--stage", choices=sorted(STAGES), required=True)
    parser.add_argument("--tenant", required=True)
    for what in ("bytes", "models", "jobs"):
        parser.add_argument(f"--{what}", type=_count)
    parser.add_argument("--calls-per-second", type=_rate, help=f"a number, or {NO_LIMIT}")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    count = int(text)
    if count < 0:
        raise ValueError
    return count


def _rate(text: str) -> int:
    return -1 if text == NO_LIMIT else _count(text)


if __name__ == "__main__":
    main()
