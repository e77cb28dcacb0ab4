"""A function's process as Lambda starts it: AWS's runtime client, native HTTP part and all. Argument: the handler."""

import os
import sys

sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main

main(["awslambdaric", sys.argv[1]])
