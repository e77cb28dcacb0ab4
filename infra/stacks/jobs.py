"""Work that no Lambda function can hold: two Batch queues in a network with no way out, and their images."""

from __future__ import annotations

from aws_cdk import CfnOutput, Stack
from aws_cdk.aws_ecr import LifecycleRule, Repository, TagMutability
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from infra.constructs.batch_network import CONTAINER_INSTANCES, PULL_AND_LOG, BatchNetwork
from infra.constructs.batch_queues import CpuQueue, GpuQueue, Sandboxed
from infra.settings import CONVERTERS, Stage
from infra.stacks.storage import StorageStack


class JobsStack(Stack):
    """With `stage.cpu_jobs` and `stage.gpu_jobs` off the queues take no jobs, and nothing here costs by the hour."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, storage: StorageStack) -> None:
        super().__init__(scope, construct_id)
        services: tuple[str, ...] = PULL_AND_LOG if stage.cpu_jobs or stage.gpu_jobs else ()
        if stage.gpu_jobs:
            services += CONTAINER_INSTANCES
        network = BatchNetwork(self, stage=stage, storage=storage, services=services)
        images = Repository(
            self,
            "images",
            repository_name=f"{stage.prefix}-jobs",
            image_tag_mutability=TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            lifecycle_rules=[
                LifecycleRule(
                    description="the last ten of each image", max_image_count=10 * len((*CONVERTERS, "cpu", "gpu"))
                )
            ],
            removal_policy=stage.removal_policy,
            empty_on_delete=not stage.keep_data,
        )
        log = LogGroup(
            self,
            "log",
            log_group_name=f"/aws/batch/{stage.prefix}-jobs",
            retention=stage.log_retention,
            encryption_key=storage.key,
            removal_policy=stage.removal_policy,
        )
        for queue, enabled in ((CpuQueue, stage.cpu_jobs), (GpuQueue, stage.gpu_jobs)):
            queue(self, network=network, repository=images, tag=stage.image_tag, log=log, enabled=enabled)
        tag = stage.image_tag
        for name in (f"convert-{environment}" for environment in CONVERTERS):
            Sandboxed(
                self,
                name,
                image=f"{name}-{tag}",
                module="convert",
                wanted=stage.conversions,
                repository=images,
                log=log,
            )
        Sandboxed(
            self,
            "compress",
            image=f"cpu-{tag}",
            module="compress",
            wanted=stage.compressions,
            repository=images,
            log=log,
        )
        CfnOutput(self, "repository", value=images.repository_uri)
