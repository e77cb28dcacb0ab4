"""What is deployed. jsii, which the CDK runs on, finds its Node in a wheel, whatever is on the PATH."""

import os

from infra.synth import node

os.environ.setdefault("JSII_NODE", str(node()))
