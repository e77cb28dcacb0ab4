"""`python -m local.key --tenant T`: makes an API key in the running stack and prints it, once."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.domain.errors import InvalidArguments
from aimass.usecases.keys import create_key
from local.aws import client, isolate
from local.stack_file import NotRunning, read_stack_file


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.key")
    parser.add_argument("--state", type=Path, default=Path(".aimass"))
    parser.add_argument("--tenant", required=True)
    options = parser.parse_args()
    isolate()
    try:
        stack = read_stack_file(options.state)
        keys = DynamoApiKeys(client("dynamodb", stack.aws_endpoint), stack.table)
        print(create_key(keys, options.tenant))
    except (InvalidArguments, NotRunning) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
