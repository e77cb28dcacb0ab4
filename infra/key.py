"""`python -m infra.key --stage prod --tenant acme`: makes an API key in a deployed stage and prints it, once.

`--list` shows the tenant's keys, `--revoke ID` ends one, `--revoke-all` ends them all: the last one too, which a tenant
itself can't. The gateway remembers a key for up to a minute. It takes credentials that may read the storage stack, and
read and write its table. A tenant makes further keys by the API.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import boto3

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.domain.tenants import ApiKey
from aimass.usecases.keys import create_key, end_key, valid_keys
from infra.account import STAGES, ended_by_a_sentence, registry_table

REMEMBERED = "ended {}; the gateway lets it in for up to a minute more"


@ended_by_a_sentence()
def main(arguments: Sequence[str] | None = None, client: Any = boto3.client) -> None:
    """`client` makes a service's client by its name."""
    options = _options(arguments)
    table = registry_table(client("cloudformation"), f"aimass-{options.stage}")
    keys = DynamoApiKeys(client("dynamodb"), table)
    if options.list:
        for key in valid_keys(keys, options.tenant):
            print(_line(key))
    elif options.revoke or options.revoke_all:
        for key_id in [options.revoke] if options.revoke else [key.id for key in keys.list_keys(options.tenant)]:
            end_key(keys, options.tenant, key_id)
            print(REMEMBERED.format(key_id))
    else:
        print(create_key(keys, options.tenant))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.key")
    parser.add_argument("--stage", choices=STAGES, required=True)
    parser.add_argument("--tenant", required=True)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--list", action="store_true", help="show the tenant's keys, no secrets")
    instead.add_argument("--revoke", metavar="ID", help="end this key, be it the tenant's last")
    instead.add_argument("--revoke-all", action="store_true", help="end all of the tenant's keys")
    return parser.parse_args(arguments)


def _line(key: ApiKey) -> str:
    until = f"until {key.expires_at}" if key.expires_at else "without end"
    return f"{key.id}  {key.prefix}…  {key.name}, since {key.created_at}, {until}"


if __name__ == "__main__":
    main()
