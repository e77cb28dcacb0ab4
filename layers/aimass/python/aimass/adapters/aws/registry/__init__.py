"""The registry in one DynamoDB table, every item under its tenant's partition.

PK=T#<tenant>; SK = MODEL#<m> | VER#<m>#<000001> | ALIAS#<m>#<alias> | MOVE#<m>#<alias>#<moved at>
| TAG#<key>#<value>#<m> | JOB#<ulid> | LOG#<job>#<at> | LIMITS | USAGE. What comes due, of all tenants: PK=DUE.
"""

from aimass.adapters.aws.registry.aliases import Aliases
from aimass.adapters.aws.registry.predictions import Predictions


class DynamoModelRegistry(Aliases, Predictions):
    """The port `ModelRegistry` on one DynamoDB table."""


__all__ = ["DynamoModelRegistry"]
