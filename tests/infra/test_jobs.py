"""The Batch queues and their network, as deployed by default (taking no jobs) and switched on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.settings import CONVERTERS, STAGES
from infra.synth import synthesize
from tests.infra.conftest import Deployment

ROOT = Path(__file__).parents[2]
SWITCHED_ON = """
from dataclasses import replace
import aws_cdk as cdk
from infra.settings import STAGES
from infra.stacks.compression import CompressionStack
from infra.stacks.imports import ImportsStack
from infra.stacks.jobs import JobsStack
from infra.stacks.predictions import PredictionsStack
from infra.stacks.storage import StorageStack

app = cdk.App(analytics_reporting=False)
stage = replace(STAGES["dev"], cpu_jobs=True, gpu_jobs=app.node.try_get_context("gpu"), image_tag="7")
storage = StorageStack(app, "storage", stage=stage)
predictions = PredictionsStack(app, "predictions", stage=stage, storage=storage)
ImportsStack(app, "imports", stage=stage, storage=storage, predictions=predictions)
CompressionStack(app, "compression", stage=stage, storage=storage)
JobsStack(app, "jobs", stage=stage, storage=storage)
app.synth()
"""


def switched_on(tmp_path_factory, *, gpu):
    root = tmp_path_factory.mktemp("switched-on")
    (root / "app.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{SWITCHED_ON}")
    (root / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    return Deployment(synthesize(root / "out", root=root, context={"gpu": gpu}))


@pytest.fixture(scope="module")
def cpu_on(tmp_path_factory):
    return switched_on(tmp_path_factory, gpu=False)


@pytest.fixture(scope="module")
def all_on(tmp_path_factory):
    return switched_on(tmp_path_factory, gpu=True)


def endpoints(deployment):
    """Service -> policy statements, None without a policy."""
    return {
        resource["Properties"]["ServiceName"].removeprefix("com.amazonaws.AWS::Region."): resource["Properties"]
        .get("PolicyDocument", {})
        .get("Statement")
        for resource in deployment.of_type("AWS::EC2::VPCEndpoint").values()
    }


def queues(deployment):
    return {
        one["Properties"]["JobQueueName"].rsplit("-", 1)[1]: one["Properties"]["State"]
        for one in deployment.of_type("AWS::Batch::JobQueue").values()
    }


def container(deployment, queue):
    return deployment.properties("AWS::Batch::JobDefinition", f"{queue}definition")["ContainerProperties"]


@pytest.mark.parametrize("deployment", ["dev", "prod", "all_on"])
def test_the_network_has_no_way_out(deployment, request):
    deployment = request.getfixturevalue(deployment)
    way_out = {"InternetGateway", "NatGateway", "EgressOnlyInternetGateway", "TransitGatewayAttachment", "Route"}
    assert not {f"AWS::EC2::{kind}" for kind in way_out} & deployment.types()
    assert all(not one["Properties"]["MapPublicIpOnLaunch"] for one in deployment.of_type("AWS::EC2::Subnet").values())


def test_by_default_no_queue_takes_jobs_and_nothing_costs_by_the_hour(dev):
    assert queues(dev) == {"cpu": "DISABLED", "gpu": "DISABLED"}
    assert set(endpoints(dev)) == {"s3"}


def test_tenants_share_the_queue_for_cpus_and_one_alone_leaves_a_jobs_room(dev):
    policy = dev.properties("AWS::Batch::SchedulingPolicy", "cpushared")
    queue = dev.properties("AWS::Batch::JobQueue", "cpuqueue")
    assert queue["SchedulingPolicyArn"] == "cpushared.Arn"
    assert "ShareDecaySeconds" not in policy["FairsharePolicy"]
    reserved = policy["FairsharePolicy"]["ComputeReservation"] / 100
    most = dev.properties("AWS::Batch::ComputeEnvironment", "cpuenvironment")["ComputeResources"]["MaxvCpus"]
    assert most * reserved == STAGES["dev"].conversions.vcpus


def test_cpu_jobs_bring_what_pulls_images_and_takes_logs(cpu_on):
    assert queues(cpu_on) == {"cpu": "ENABLED", "gpu": "DISABLED"}
    assert set(endpoints(cpu_on)) == {"s3", "ecr.api", "ecr.dkr", "logs"}


def test_gpu_jobs_bring_what_container_instances_register_with(all_on):
    assert queues(all_on) == {"cpu": "ENABLED", "gpu": "ENABLED"}
    assert set(endpoints(all_on)) == {"s3", "ecr.api", "ecr.dkr", "logs", "ecs", "ecs-agent", "ecs-telemetry"}


def test_s3_means_our_two_buckets_and_the_layers_of_images(dev):
    allowed = {
        (action, resource)
        for statement in endpoints(dev)["s3"]
        for action in many(statement["Action"])
        for resource in many(statement["Resource"])
    }
    s3 = "arn:AWS::Partition:s3:::"
    uploads, artifacts = f"{s3}uploadsbucket/uploads/*", f"{s3}artifactsbucket/artifacts/*"
    conversions, compressions = (f"{s3}uploadsbucket/{one}/*" for one in ("conversions", "compressions"))
    assert allowed == {
        ("s3:GetObject", uploads),
        ("s3:GetObjectVersion", uploads),
        ("s3:GetObject", artifacts),
        ("s3:GetObjectVersion", artifacts),
        ("s3:PutObject", artifacts),
        ("s3:GetObject", conversions),
        ("s3:PutObject", conversions),
        ("s3:GetObject", compressions),
        ("s3:PutObject", compressions),
        ("s3:GetObject", f"{s3}prod-AWS::Region-starport-layer-bucket/*"),
    }


def test_the_other_endpoints_serve_this_account_only(all_on):
    for service, statements in endpoints(all_on).items():
        if service in {"ecr.api", "ecr.dkr", "logs", "ecs"}:
            (statement,) = statements
            assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": "AWS::AccountId"}}


def test_jobs_may_leave_by_https_and_nothing_may_enter(all_on):
    groups = all_on.of_type("AWS::EC2::SecurityGroup")
    (egress,) = groups["networkjobs"]["Properties"]["SecurityGroupEgress"]
    assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)
    assert "SecurityGroupIngress" not in groups["networkjobs"]["Properties"]
    (ingress,) = all_on.of_type("AWS::EC2::SecurityGroupIngress").values()
    assert ingress["Properties"]["SourceSecurityGroupId"] == "networkjobs.GroupId"
    assert ingress["Properties"]["GroupId"] == "networkendpoints.GroupId"


def test_cpu_jobs_run_on_fargate_and_gpu_jobs_on_spot_instances_from_zero(dev):
    cpu = dev.properties("AWS::Batch::ComputeEnvironment", "cpuenvironment")["ComputeResources"]
    gpu = dev.properties("AWS::Batch::ComputeEnvironment", "gpuenvironment")["ComputeResources"]
    assert (cpu["Type"], cpu["MaxvCpus"]) == ("FARGATE", 16)
    assert (gpu["Type"], gpu["MinvCpus"], gpu["MaxvCpus"]) == ("SPOT", 0, 16)
    assert gpu["InstanceTypes"] == ["g4dn.xlarge", "g5.xlarge", "g6.xlarge"]
    assert "DesiredvCpus" not in gpu


CONVERSIONS = tuple(f"convert{environment}" for environment in CONVERTERS)
SANDBOXED = (*CONVERSIONS, "compress")


@pytest.mark.parametrize("name", ["cpu", "gpu", *SANDBOXED])
def test_a_job_has_no_role_no_privileges_and_one_place_to_write(dev, name):
    properties = container(dev, name)
    assert "JobRoleArn" not in properties
    assert properties.get("Privileged", False) is False
    # What converts or compresses gives the process that opens a model another user, and takes root to do so.
    assert properties["User"] == ("0" if name in SANDBOXED else "10001")
    assert properties["ReadonlyRootFilesystem"] is True
    assert properties["MountPoints"] == [{"ContainerPath": "/scratch", "SourceVolume": "scratch"}]
    assert properties["Volumes"] == [{"Name": "scratch"}]
    assert not properties.get("Secrets")
    assert properties["LogConfiguration"]["Options"]["awslogs-group"] == "log"


def test_the_image_is_the_queues_own_under_the_tag_of_the_settings(all_on):
    for queue in ("cpu", "gpu"):
        assert json.dumps(container(all_on, queue)["Image"]).endswith(f':{queue}-7"')


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_conversion_has_the_image_of_its_environment_and_what_the_settings_say(all_on, name):
    properties, wanted = container(all_on, name), STAGES["dev"].conversions
    assert json.dumps(properties["Image"]).endswith(f':{name.replace("convert", "convert-")}-7"')
    assert properties["Command"] == ["python", "-m", "jobs.convert"]
    assert {one["Type"]: one["Value"] for one in properties["ResourceRequirements"]} == {
        "VCPU": str(wanted.vcpus),
        "MEMORY": str(wanted.memory_gib * 1024),
    }
    assert properties["EphemeralStorage"] == {"SizeInGiB": wanted.disk_gib}


def test_a_compression_has_the_image_for_cpus_and_what_the_settings_say(all_on):
    properties, wanted = container(all_on, "compress"), STAGES["dev"].compressions
    assert json.dumps(properties["Image"]).endswith(':cpu-7"')
    assert properties["Command"] == ["python", "-m", "jobs.compress"]
    assert {one["Type"]: one["Value"] for one in properties["ResourceRequirements"]} == {
        "VCPU": str(wanted.vcpus),
        "MEMORY": str(wanted.memory_gib * 1024),
    }
    assert properties["EphemeralStorage"] == {"SizeInGiB": wanted.disk_gib}


@pytest.mark.parametrize(
    ("function", "variable", "job", "wanted"),
    [
        ("order_conversion", "CONVERSION_LIMITS", "converttrees", STAGES["dev"].conversions),
        ("order_compression", "COMPRESSION_LIMITS", "compress", STAGES["dev"].compressions),
    ],
)
def test_the_process_that_opens_a_model_ends_before_its_container_and_leaves_it_memory(
    dev, function, variable, job, wanted
):
    limits = json.loads(dev.functions()[function]["Environment"]["Variables"][variable])
    definition = dev.properties("AWS::Batch::JobDefinition", f"{job}definition")
    assert limits["seconds"] < definition["Timeout"]["AttemptDurationSeconds"]
    assert limits["memory_mb"] < wanted.memory_gib * 1024
    assert limits["disk_mb"] < wanted.disk_gib * 1024


@pytest.mark.parametrize(
    ("function", "variable", "there"),
    [("order_conversion", "CONVERTERS", " ".join(CONVERTERS)), ("order_compression", "COMPRESSORS", "1")],
)
def test_what_is_ordered_is_what_the_queue_takes(cpu_on, dev, function, variable, there):
    enabled = [one.functions()[function]["Environment"]["Variables"][variable] for one in (dev, cpu_on)]
    assert enabled == ["", there]


def test_the_user_and_the_folder_are_those_of_the_image(dev):
    dockerfile = (ROOT / "gpu_batch" / "Dockerfile").read_text()
    assert f"USER {container(dev, 'cpu')['User']}\n" in dockerfile
    assert 'VOLUME ["/scratch"]' in dockerfile


def test_a_gpu_job_is_bounded_where_instances_allow_it(dev):
    properties = container(dev, "gpu")
    assert {one["Name"]: one["HardLimit"] for one in properties["Ulimits"]} == {"nofile": 4096, "nproc": 512, "core": 0}
    assert {"Type": "GPU", "Value": "1"} in properties["ResourceRequirements"]


def test_an_interrupted_or_unlucky_job_is_tried_again_and_a_hopeless_one_is_not(dev):
    stage = STAGES["dev"]
    wanted = dict.fromkeys(CONVERSIONS, stage.conversions) | {"compress": stage.compressions}

    def tries(queue):
        definition = dev.properties("AWS::Batch::JobDefinition", f"{queue}definition")
        minutes, attempts = (wanted[queue].minutes, wanted[queue].attempts) if queue in wanted else (60, 3)
        assert definition["Timeout"] == {"AttemptDurationSeconds": 60 * minutes}
        assert definition["RetryStrategy"]["Attempts"] == attempts
        return definition["RetryStrategy"]["EvaluateOnExit"]

    try_again = [
        {"Action": "RETRY", "OnExitCode": "1"},
        {"Action": "RETRY", "OnReason": "CannotPullContainerError:*"},
        {"Action": "EXIT", "OnReason": "*"},
    ]
    assert tries("cpu") == try_again
    assert [tries(name) for name in SANDBOXED] == [try_again] * 4
    assert tries("gpu") == [{"Action": "RETRY", "OnStatusReason": "Host EC2*"}, *try_again]


def test_jobs_on_an_instance_do_not_reach_its_credentials(dev):
    template = dev.properties("AWS::EC2::LaunchTemplate", "gpuinstance")["LaunchTemplateData"]
    assert template["MetadataOptions"] == {"HttpPutResponseHopLimit": 1, "HttpTokens": "required"}
    script = json.dumps(template["UserData"])
    assert "--destination 169.254.169.254/32 --match owner --uid-owner 10001 --jump REJECT" in script
    (volume,) = template["BlockDeviceMappings"]
    assert volume["Ebs"]["Encrypted"] is True


def test_roles_of_jobs_pull_our_images_and_write_our_log_and_nothing_else(dev):
    own = {"ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage"}
    own |= {"ecr:GetDownloadUrlForLayer", "logs:CreateLogStream", "logs:PutLogEvents"}
    instance = dev.rights("gpuinstancerole")
    assert {action for action, _ in instance if not action.startswith("ecs:")} == own
    for queue in ("cpu", "gpu", *SANDBOXED):
        rights = dev.rights(f"{queue}containerExecutionRole")
        assert {action for action, _ in rights} == own
        assert {resource for action, resource in rights if action != "ecr:GetAuthorizationToken"} == {
            "images.Arn",
            "log.Arn",
        }


def test_images_are_scanned_and_never_replaced_under_their_tag(dev):
    properties = dev.properties("AWS::ECR::Repository", "images")
    assert properties["ImageTagMutability"] == "IMMUTABLE"
    assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}


def test_what_the_network_refuses_is_logged(dev):
    (flow,) = dev.of_type("AWS::EC2::FlowLog").values()
    assert (flow["Properties"]["TrafficType"], flow["Properties"]["ResourceId"]) == ("REJECT", "networkvpc")


def many(value):
    return value if isinstance(value, list) else [value]
