"""What all tests share."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# A test never reaches AWS, whatever the machine it runs on is configured for.
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_DEFAULT_REGION="eu-central-1",
    AWS_EC2_METADATA_DISABLED="true",
)
