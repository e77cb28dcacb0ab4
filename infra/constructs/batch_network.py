"""A network with no way out: what runs in it reaches our buckets and, while jobs may run, what starts them."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy, Stack
from aws_cdk.aws_ec2 import (
    FlowLogDestination,
    FlowLogTrafficType,
    GatewayVpcEndpointAwsService,
    InterfaceVpcEndpoint,
    InterfaceVpcEndpointAwsService,
    IpAddresses,
    Peer,
    Port,
    SecurityGroup,
    SubnetConfiguration,
    SubnetSelection,
    SubnetType,
    Vpc,
)
from aws_cdk.aws_iam import AnyPrincipal, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from infra.constructs.buckets import COMPRESSIONS, CONVERSIONS
from infra.settings import Stage
from infra.stacks.storage import StorageStack

ISOLATED = SubnetSelection(subnet_type=SubnetType.PRIVATE_ISOLATED)
HTTPS = Port.tcp(443)
PULL_AND_LOG = ("ecr.api", "ecr.dkr", "logs")
CONTAINER_INSTANCES = ("ecs", "ecs-agent", "ecs-telemetry")
# The agent's two endpoints take no policy.
WITH_POLICY = (*PULL_AND_LOG, "ecs")


class BatchNetwork(Construct):
    """Isolated subnets in two zones, without NAT, without an internet gateway.

    Everything leaves by TCP 443 or not at all: to S3 through a gateway endpoint whose policy names our two buckets and
    the one where ECR keeps its layers, and to the interface endpoints that `services` asks for, by this account only.
    Refused packets are logged.
    """

    def __init__(self, scope: Construct, *, stage: Stage, storage: StorageStack, services: Sequence[str]) -> None:
        super().__init__(scope, "network")
        self.vpc = Vpc(
            self,
            "vpc",
            ip_addresses=IpAddresses.cidr("10.60.0.0/20"),
            max_azs=2,
            nat_gateways=0,
            create_internet_gateway=False,
            subnet_configuration=[SubnetConfiguration(name="isolated", subnet_type=SubnetType.PRIVATE_ISOLATED)],
        )
        self.jobs = SecurityGroup(
            self, "jobs", vpc=self.vpc, description="Batch jobs: nothing in, HTTPS out", allow_all_outbound=False
        )
        self.jobs.add_egress_rule(Peer.any_ipv4(), HTTPS, "S3 and the interface endpoints; no route leads elsewhere")
        self._s3_endpoint(storage)
        if services:
            self._interface_endpoints(services)
        self._log_refused(stage, storage)

    def _s3_endpoint(self, storage: StorageStack) -> None:
        stack = Stack.of(self)
        s3 = f"arn:{stack.partition}:s3:::"
        uploads, artifacts = (f"{s3}{one.name}/{one.prefix}/*" for one in (storage.uploads, storage.artifacts))
        orders = [f"{s3}{storage.uploads.name}/{one}/*" for one in (CONVERSIONS, COMPRESSIONS)]
        image_layers = f"{s3}prod-{stack.region}-starport-layer-bucket/*"
        endpoint = self.vpc.add_gateway_endpoint("s3", service=GatewayVpcEndpointAwsService.S3, subnets=[ISOLATED])
        for actions, resources in (
            (["s3:GetObject", "s3:GetObjectVersion"], [uploads, artifacts]),
            (["s3:PutObject"], [artifacts]),
            (["s3:GetObject", "s3:PutObject"], orders),
            (["s3:GetObject"], [image_layers]),
        ):
            endpoint.add_to_policy(PolicyStatement(principals=[AnyPrincipal()], actions=actions, resources=resources))

    def _interface_endpoints(self, services: Sequence[str]) -> None:
        """One zone: an endpoint costs by the hour and zone, and the other zone's jobs reach it too."""
        group = SecurityGroup(
            self,
            "endpoints",
            vpc=self.vpc,
            description="Interface endpoints: HTTPS from jobs",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(self.jobs, HTTPS, "jobs")
        zone = SubnetSelection(subnets=[self.vpc.isolated_subnets[0]])
        for service in services:
            endpoint = InterfaceVpcEndpoint(
                self,
                service,
                vpc=self.vpc,
                service=InterfaceVpcEndpointAwsService(service),
                subnets=zone,
                security_groups=[group],
                private_dns_enabled=True,
                open=False,
            )
            if service in WITH_POLICY:
                endpoint.add_to_policy(self._by_this_account())

    def _by_this_account(self) -> PolicyStatement:
        """Keys that a model brings along open nobody else's account from here."""
        ours = {"StringEquals": {"aws:PrincipalAccount": Stack.of(self).account}}
        return PolicyStatement(principals=[AnyPrincipal()], actions=["*"], resources=["*"], conditions=ours)

    def _log_refused(self, stage: Stage, storage: StorageStack) -> None:
        log = LogGroup(
            self,
            "refused",
            log_group_name=f"/aws/vpc/{stage.prefix}-refused",
            retention=stage.log_retention,
            encryption_key=storage.key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = Role(self, "flow_logs", assumed_by=ServicePrincipal("vpc-flow-logs.amazonaws.com"))
        self.vpc.add_flow_log(
            "refused",
            destination=FlowLogDestination.to_cloud_watch_logs(log, role),
            traffic_type=FlowLogTrafficType.REJECT,
        )
