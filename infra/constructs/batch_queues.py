"""Two queues for what no Lambda function can hold: Fargate for CPU work, Spot instances for GPUs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration, Size, Stack
from aws_cdk.aws_batch import (
    Action,
    AllocationStrategy,
    CfnJobDefinition,
    EcsEc2ContainerDefinition,
    EcsFargateContainerDefinition,
    EcsJobDefinition,
    EcsMachineImage,
    EcsMachineImageType,
    EcsVolume,
    FairshareSchedulingPolicy,
    FargateComputeEnvironment,
    IComputeEnvironment,
    JobQueue,
    JobStateTimeLimitAction,
    JobStateTimeLimitActionsReason,
    ManagedEc2EcsComputeEnvironment,
    OrderedComputeEnvironment,
    Reason,
    RetryStrategy,
    Ulimit,
    UlimitName,
)
from aws_cdk.aws_ec2 import (
    BlockDevice,
    BlockDeviceVolume,
    EbsDeviceVolumeType,
    InstanceType,
    LaunchTemplate,
    LaunchTemplateHttpTokens,
    MultipartBody,
    MultipartUserData,
    UserData,
)
from aws_cdk.aws_ecr import IRepository
from aws_cdk.aws_ecs import ContainerImage, LogDriver
from aws_cdk.aws_iam import PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import ILogGroup
from constructs import Construct

from infra.constructs.acknowledged import acknowledge
from infra.constructs.batch_network import ISOLATED, BatchNetwork
from infra.settings import SandboxedJob

SCRATCH, JOB_USER = "/scratch", "10001"
MAX_VCPUS = 16
RESERVED_PERCENT = 25  # of them, for a tenant that has no jobs yet: one job's
LOGIN = "ecr:GetAuthorizationToken and ecs:DiscoverPollEndpoint know no resource"
GPU_INSTANCES = ("g4dn.xlarge", "g5.xlarge", "g6.xlarge")
INSTANCE_ACTIONS = (
    "ecs:DeregisterContainerInstance",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
    "ecs:UpdateContainerInstancesState",
)
# `python -m jobs.*`: 1 is worth another try, anything else is not.
TRY_AGAIN = RetryStrategy.of(Action.RETRY, Reason.custom(on_exit_code="1"))
SPOT_TAKEN_BACK = RetryStrategy.of(Action.RETRY, Reason.custom(on_status_reason="Host EC2*"))
NO_IMAGE_YET = RetryStrategy.of(Action.RETRY, Reason.CANNOT_PULL_CONTAINER)
GIVE_UP = RetryStrategy.of(Action.EXIT, Reason.custom(on_reason="*"))


class CpuQueue(Construct):
    """Fargate: 4 vCPU, 30 GB of memory and 100 GB of scratch a job, 16 vCPU in all, shared fairly among tenants.

    The task has no role.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        network: BatchNetwork,
        repository: IRepository,
        tag: str,
        log: ILogGroup,
        enabled: bool,
    ) -> None:
        super().__init__(scope, "cpu")
        environment = FargateComputeEnvironment(
            self,
            "environment",
            vpc=network.vpc,
            vpc_subnets=ISOLATED,
            security_groups=[network.jobs],
            maxv_cpus=MAX_VCPUS,
        )
        _queue(self, environment, enabled=enabled, shared=self._shared())
        container = EcsFargateContainerDefinition(
            self,
            "container",
            image=ContainerImage.from_ecr_repository(repository, f"cpu-{tag}"),
            cpu=4,
            memory=Size.gibibytes(30),
            ephemeral_storage_size=Size.gibibytes(100),
            logging=LogDriver.aws_logs(stream_prefix="cpu", log_group=log),
            readonly_root_filesystem=True,
            user=JOB_USER,
            volumes=[EcsVolume.host(name="scratch", container_path=SCRATCH)],
        )
        _definition(self, container, [TRY_AGAIN, NO_IMAGE_YET, GIVE_UP])

    def _shared(self) -> FairshareSchedulingPolicy:
        """The next job is of the tenant that uses the least. What one alone may not take is the next one's."""
        return FairshareSchedulingPolicy(
            self,
            "shared",
            scheduling_policy_name=f"{Stack.of(self).stack_name}-{self.node.id}",
            compute_reservation=RESERVED_PERCENT,
        )


class Sandboxed(Construct):
    """A job on the queue for CPUs that opens what a tenant sent: `python -m jobs.<module>` in an image.

    The container starts as root, without capabilities to administer the machine: it gives the process that opens a
    model a user of its own, and shuts it off (ADR 49).
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        image: str,
        module: str,
        wanted: SandboxedJob,
        repository: IRepository,
        log: ILogGroup,
    ) -> None:
        super().__init__(scope, name)
        container = EcsFargateContainerDefinition(
            self,
            "container",
            image=ContainerImage.from_ecr_repository(repository, image),
            command=["python", "-m", f"jobs.{module}"],
            cpu=wanted.vcpus,
            memory=Size.gibibytes(wanted.memory_gib),
            ephemeral_storage_size=Size.gibibytes(wanted.disk_gib),
            logging=LogDriver.aws_logs(stream_prefix=name, log_group=log),
            readonly_root_filesystem=True,
            user="0",
            volumes=[EcsVolume.host(name="scratch", container_path=SCRATCH)],
        )
        retries = [TRY_AGAIN, NO_IMAGE_YET, GIVE_UP]
        _definition(self, container, retries, minutes=wanted.minutes, attempts=wanted.attempts)


class GpuQueue(Construct):
    """Spot instances with one GPU, none while nothing is queued: 4 vCPU and 14 GB of memory a job."""

    def __init__(
        self,
        scope: Construct,
        *,
        network: BatchNetwork,
        repository: IRepository,
        tag: str,
        log: ILogGroup,
        enabled: bool,
    ) -> None:
        super().__init__(scope, "gpu")
        environment = ManagedEc2EcsComputeEnvironment(
            self,
            "environment",
            vpc=network.vpc,
            vpc_subnets=ISOLATED,
            security_groups=[network.jobs],
            spot=True,
            allocation_strategy=AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED,
            instance_types=[InstanceType(name) for name in GPU_INSTANCES],
            use_optimal_instance_classes=False,
            images=[EcsMachineImage(image_type=EcsMachineImageType.ECS_AL2023_NVIDIA)],
            instance_role=self._instance_role(repository, log),
            launch_template=self._launch_template(),
            minv_cpus=0,
            maxv_cpus=MAX_VCPUS,
        )
        _queue(self, environment, enabled=enabled)
        container = EcsEc2ContainerDefinition(
            self,
            "container",
            image=ContainerImage.from_ecr_repository(repository, f"gpu-{tag}"),
            cpu=4,
            gpu=1,
            memory=Size.mebibytes(14_000),
            logging=LogDriver.aws_logs(stream_prefix="gpu", log_group=log),
            privileged=False,
            readonly_root_filesystem=True,
            user=JOB_USER,
            ulimits=[
                Ulimit(name=UlimitName.NOFILE, soft_limit=4096, hard_limit=4096),
                Ulimit(name=UlimitName.NPROC, soft_limit=512, hard_limit=512),
                Ulimit(name=UlimitName.CORE, soft_limit=0, hard_limit=0),
            ],
            volumes=[EcsVolume.host(name="scratch", container_path=SCRATCH)],
        )
        _definition(self, container, [SPOT_TAKEN_BACK, TRY_AGAIN, NO_IMAGE_YET, GIVE_UP])

    def _instance_role(self, repository: IRepository, log: ILogGroup) -> Role:
        """What Amazon's managed policy for container instances allows, without making clusters or other logs."""
        role = Role(self, "instance_role", assumed_by=ServicePrincipal("ec2.amazonaws.com"))
        clusters, instances = (
            Stack.of(self).format_arn(service="ecs", resource=kind, resource_name="*")
            for kind in ("cluster", "container-instance")
        )
        for actions, resources in (
            (INSTANCE_ACTIONS, [clusters, instances]),
            (("ecs:Poll", "ecs:StartTelemetrySession"), [instances]),
            (("ecs:DiscoverPollEndpoint",), ["*"]),
        ):
            role.add_to_policy(PolicyStatement(actions=list(actions), resources=resources))
        repository.grant_pull(role)
        log.grant_write(role)
        for kind in ("cluster", "container-instance"):
            resource = f"arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:{kind}/*"
            acknowledge(role, f"IAM5[Resource::{resource}]", "Batch makes the cluster, under a name that it picks")
        acknowledge(role, "IAM5[Resource::*]", LOGIN)
        return role

    def _launch_template(self) -> LaunchTemplate:
        """Its disk, and the instance's own credentials kept from jobs, whichever network mode they have."""
        commands = UserData.for_linux()
        commands.add_commands(
            "iptables --insert OUTPUT --destination 169.254.169.254/32 "
            f"--match owner --uid-owner {JOB_USER} --jump REJECT",
            "iptables --insert FORWARD --destination 169.254.169.254/32 --jump REJECT",
        )
        user_data = MultipartUserData()
        user_data.add_part(MultipartBody.from_user_data(commands))
        return LaunchTemplate(
            self,
            "instance",
            user_data=user_data,
            http_tokens=LaunchTemplateHttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
            block_devices=[
                BlockDevice(
                    device_name="/dev/xvda",
                    volume=BlockDeviceVolume.ebs(100, encrypted=True, volume_type=EbsDeviceVolumeType.GP3),
                )
            ],
        )


def _queue(
    scope: Construct,
    environment: IComputeEnvironment,
    *,
    enabled: bool,
    shared: FairshareSchedulingPolicy | None = None,
) -> None:
    """A job that can't be placed within the hour is cancelled, and says why, in place of waiting for ever."""
    JobQueue(
        scope,
        "queue",
        job_queue_name=f"{Stack.of(scope).stack_name}-{scope.node.id}",
        enabled=enabled,
        scheduling_policy=shared,
        compute_environments=[OrderedComputeEnvironment(compute_environment=environment, order=1)],
        job_state_time_limit_actions=[
            JobStateTimeLimitAction(max_time=Duration.hours(1), reason=reason)
            for reason in (
                JobStateTimeLimitActionsReason.INSUFFICIENT_INSTANCE_CAPACITY,
                JobStateTimeLimitActionsReason.COMPUTE_ENVIRONMENT_MAX_RESOURCE,
                JobStateTimeLimitActionsReason.JOB_RESOURCE_REQUIREMENT,
            )
        ],
    )


def _definition(
    scope: Construct,
    container: EcsFargateContainerDefinition | EcsEc2ContainerDefinition,
    retries: Sequence[RetryStrategy],
    minutes: int = 60,
    attempts: int = 3,
) -> None:
    acknowledge(container.execution_role, "IAM5[Resource::*]", LOGIN)
    definition = EcsJobDefinition(
        scope,
        "definition",
        job_definition_name=f"{Stack.of(scope).stack_name}-{scope.node.id}",
        container=container,
        timeout=Duration.minutes(minutes),
        retry_attempts=attempts,
        retry_strategies=list(retries),
        propagate_tags=True,
    )
    resource = definition.node.default_child
    assert isinstance(resource, CfnJobDefinition)
    # The L2 says `Host: {}`, which Batch takes on instances only; a volume that is but named is empty on both.
    resource.add_property_deletion_override("ContainerProperties.Volumes.0.Host")
