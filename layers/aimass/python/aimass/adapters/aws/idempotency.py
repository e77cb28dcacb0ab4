"""Calls that are made once, and answered again from the idempotency table for a day: Powertools' idempotency.

An item holds `id` (a hash), `status`, `validation` (a hash of what was asked), `data` and `expiration`. While the first
call is under way the item holds when its function is dead at the latest; after that the call may be made again.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.base import IdempotencyHandler
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.serialization.custom_dict import CustomDictSerializer

from aimass.domain.errors import IdempotencyInProgress, IdempotencyMismatch

Answer = TypeVar("Answer")
Json = dict[str, Any]

_KEPT_SECONDS = 24 * 3600


class DynamoIdempotency:
    """Makes a call once, on one DynamoDB table."""

    def __init__(self, client: Any, table: str) -> None:
        self._store = DynamoDBPersistenceLayer(table_name=table, boto3_client=client)

    def once(
        self,
        call: tuple[str, ...],
        asked: str,
        run: Callable[[], Answer],
        *,
        keep: Callable[[Answer], Json],
        restore: Callable[[Json], Answer],
        lambda_context: Any,
    ) -> Answer:
        """What `run` answers the first time this `call` is made; later what `restore` makes of what `keep` kept of it.

        What `run` raises is not kept. Raises IdempotencyMismatch where `asked` is another than the first time,
        IdempotencyInProgress while the first is under way.
        """
        config = IdempotencyConfig(
            event_key_jmespath="call",
            payload_validation_jmespath="asked",
            expires_after_seconds=_KEPT_SECONDS,
            hash_function="sha256",
            lambda_context=lambda_context,
        )
        kept = CustomDictSerializer(
            to_dict=lambda answer: _packed(keep(answer)), from_dict=lambda data: restore(_unpacked(data))
        )
        handler = IdempotencyHandler(
            run,
            {"call": call, "asked": asked},
            config,
            self._store,
            kept,
            "answer",
            function_args=(),
            function_kwargs={},
        )
        try:
            answer: Answer = handler.handle()
        except IdempotencyValidationError as error:
            raise IdempotencyMismatch("this Idempotency-Key was used with another body; use a new key") from error
        except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
            raise IdempotencyInProgress(
                "the first call with this Idempotency-Key has not ended; try again", retry_after=1
            ) from error
        return answer


def _packed(answer: Json) -> Json:
    # An item holds 400 KB and a write costs by the KB; presigned URLs say much the same again and again.
    return {"zlib": base64.b64encode(zlib.compress(json.dumps(answer).encode())).decode("ascii")}


def _unpacked(data: Json) -> Json:
    answer: Json = json.loads(zlib.decompress(base64.b64decode(data["zlib"])))
    return answer
