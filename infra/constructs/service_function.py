"""A Lambda function from `functions/<name>/`, with a log group and a role of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import Duration, Size
from aws_cdk.aws_iam import PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import Code, Function, ILayerVersion
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from infra.constructs.python_layer import ARCHITECTURE, RUNTIME
from infra.settings import Stage

FUNCTIONS = Path(__file__).parents[2] / "functions"
SCRATCH_MB = 10240


class ServiceFunction(Construct):
    """By itself the function may write its own log and nothing else; what it uses says `allow`.

    `scratch` gives it 10 GB under /tmp in place of 512 MB.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        layers: Sequence[ILayerVersion],
        memory_mb: int,
        seconds: int,
        environment: Mapping[str, str],
        scratch: bool = False,
    ) -> None:
        super().__init__(scope, name)
        function_name = f"{stage.prefix}-{name.replace('_', '-')}"
        log_group = LogGroup(
            self,
            "log",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
        )
        self.seconds = seconds
        self._role = Role(self, "role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        self.lambda_function = Function(
            self,
            "function",
            function_name=function_name,
            code=Code.from_asset(str(FUNCTIONS / name), exclude=["**/__pycache__"]),
            handler="handler.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=list(layers),
            memory_size=memory_mb,
            timeout=Duration.seconds(seconds),
            ephemeral_storage_size=Size.mebibytes(SCRATCH_MB) if scratch else None,
            environment={**environment, "POWERTOOLS_SERVICE_NAME": name},
            log_group=log_group,
            role=self._role,
        )
        log_group.grant_write(self._role)

    def allow(
        self, service: str, actions: Sequence[str], resource: str, *, conditions: Mapping[str, Any] | None = None
    ) -> None:
        """Adds `service:action` on one resource to the function's role."""
        self._role.add_to_policy(
            PolicyStatement(
                actions=[f"{service}:{action}" for action in actions], resources=[resource], conditions=conditions
            )
        )
