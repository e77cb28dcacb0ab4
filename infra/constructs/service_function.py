"""A Lambda function from `functions/<folder>/`: its log, its role, its alias `live` and how that moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import Duration, Size
from aws_cdk.aws_iam import PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_lambda import Alias, Code, Function, ILayerVersion, SnapStartConf
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_sqs import IQueue
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.python_layer import ARCHITECTURE, RUNTIME
from infra.constructs.rollout import Rollout
from infra.settings import Stage

FUNCTIONS = Path(__file__).parents[2] / "functions"
SCRATCH_MB = 10240


class ServiceFunction(Construct):
    """By itself the function may write its own log and nothing else; what it uses says `allow`.

    Whoever calls it calls `live`, an alias that CodeDeploy moves to each new version. `scratch` gives it 10 GB under
    /tmp in place of 512 MB, `snapshot` SnapStart. `refuses` says that it raises what an upload is refused for, so that
    an error of its is not always ours. An asynchronous call that fails for good goes to `dead_letters`.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        key: IKey,
        layers: Sequence[ILayerVersion],
        memory_mb: int,
        seconds: int,
        environment: Mapping[str, str],
        folder: str | None = None,
        scratch: bool = False,
        snapshot: bool = False,
        reserved: int | None = None,
        refuses: bool = False,
        dead_letters: IQueue | None = None,
    ) -> None:
        super().__init__(scope, name)
        self.function_name = f"{stage.prefix}-{name.replace('_', '-')}"
        log_group = LogGroup(
            self,
            "log",
            log_group_name=f"/aws/lambda/{self.function_name}",
            retention=stage.log_retention,
            encryption_key=key,
            removal_policy=stage.removal_policy,
        )
        self.seconds = seconds
        self._role = Role(self, "role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        function = Function(
            self,
            "function",
            function_name=self.function_name,
            code=Code.from_asset(str(FUNCTIONS / (folder or name)), exclude=["**/__pycache__"]),
            handler="handler.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=list(layers),
            memory_size=memory_mb,
            timeout=Duration.seconds(seconds),
            ephemeral_storage_size=Size.mebibytes(SCRATCH_MB) if scratch else None,
            snap_start=SnapStartConf.ON_PUBLISHED_VERSIONS if snapshot else None,
            reserved_concurrent_executions=reserved,
            dead_letter_queue=dead_letters,
            environment={**environment, "POWERTOOLS_SERVICE_NAME": name},
            log_group=log_group,
            role=self._role,
        )
        acknowledge(function, "L1", "Python 3.13 is what the layers' wheels are pinned for and the tests run on")
        if snapshot:
            published = "@aws-cdk/aws-lambda:snapStartRequirePublish"
            acknowledge(function, published, "whoever calls it calls `live`, an alias of published versions")
        log_group.grant_write(self._role)
        self.live = Alias(self, "live", alias_name="live", version=function.current_version)
        Rollout(self, stage=stage, function_name=self.function_name, alias=self.live, refuses=refuses)

    def allow(
        self, service: str, actions: Sequence[str], resource: str, *, conditions: Mapping[str, Any] | None = None
    ) -> None:
        """Adds `service:action` on one resource to the function's role."""
        self._role.add_to_policy(
            PolicyStatement(
                actions=[f"{service}:{action}" for action in actions], resources=[resource], conditions=conditions
            )
        )
