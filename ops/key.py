"""`python -m ops.key --table NAME --tenant T`: a tenant's first API key in AWS, printed once.

Runs with the operator's own AWS credentials and region; they need dynamodb:Query and dynamodb:PutItem on the table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from aimass.adapters.aws.clients import client
from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.domain.errors import AimassError
from aimass.usecases.keys import create_key


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.key", description="Makes an API key and prints it, once.")
    parser.add_argument("--table", required=True, help="the registry table's name: an output of the storage stack")
    parser.add_argument("--tenant", required=True)
    options = parser.parse_args(arguments)
    try:
        print(create_key(DynamoApiKeys(client("dynamodb"), options.table), options.tenant))
    except (AimassError, BotoCoreError, ClientError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
