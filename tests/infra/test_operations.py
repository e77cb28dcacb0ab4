"""The operator's guide names what there is."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

from infra.settings import STAGES

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations" / "README.md").read_text()
NAMED = {
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Batch::JobQueue": "JobQueueName",
    "AWS::Batch::JobDefinition": "JobDefinitionName",
    "AWS::CodeDeploy::Application": "ApplicationName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
MADE_BY_THE_OPERATOR = {"aimass-prod-restored"}


def names(deployment):
    return {
        resource["Properties"][name] for kind, name in NAMED.items() for resource in deployment.of_type(kind).values()
    }


def test_every_name_in_a_command_is_deployed(prod):
    named = set(re.findall(r"aimass-prod-[a-z0-9-]*[a-z0-9]", GUIDE)) - MADE_BY_THE_OPERATOR
    looped = re.findall(r"for (?:f|machine) in ([a-z -]+); do", GUIDE)
    named |= {f"aimass-prod-{name}" for names in looped for name in names.split()}
    assert named <= names(prod) | prod.stacks
    assert prod.stacks <= named, "a stack that the guide does not know"


def test_every_alarm_of_the_table_is_deployed_and_every_alarm_is_in_the_table(prod):
    table = GUIDE.partition("| alarm | means |")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in table.splitlines() if line.startswith("| `")]
    endings = {name.removeprefix("…").removeprefix("<function>") for row in rows for name in row}
    alarms = {one["Properties"]["AlarmName"] for one in prod.of_type("AWS::CloudWatch::Alarm").values()}
    assert [alarm for alarm in alarms if not alarm.endswith(tuple(endings))] == []
    assert [ending for ending in endings if not any(alarm.endswith(ending) for alarm in alarms)] == []


def test_every_module_target_and_setting_it_names_exists():
    for module in set(re.findall(r"python -m ([\w.]+)", GUIDE)):
        assert find_spec(module), module
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake (?:-s )?([a-z]+)", GUIDE)):
        assert f"\n{target}:" in makefile, target
    for setting in (
        *("alarm_email", "monthly_budget_usd", "origins", "cpu_jobs", "gpu_jobs", "image_tag", "conversions"),
        *("tiers", "limits", "identify_memory_mb", "verify_memory_mb", "reserved_imports"),
        *("compressions", "compress_memory_mb", "compress_large_mb", "reserved_compressions"),
    ):
        assert hasattr(STAGES["prod"], setting)
        assert f"`{setting}" in GUIDE


def test_the_version_of_the_cdk_command_is_the_one_of_the_readme():
    versions = set(re.findall(r"aws-cdk@([\d.]+)", GUIDE + (ROOT / "README.md").read_text()))
    assert len(versions) == 1


def test_no_function_needs_more_memory_than_the_quota_that_is_asked_for(dev, prod):
    (asked,) = re.findall(r"\| Lambda: memory of a function \| [^|]+ \| ([\d,]+) MB \|", GUIDE)
    memory = [one["MemorySize"] for stage in (dev, prod) for one in stage.functions().values()]
    assert max(memory) <= int(asked.replace(",", ""))


def test_the_policy_of_an_s3_client_is_the_uploads_of_one_tenant_and_the_key_through_s3(prod):
    policy = json.loads(GUIDE.partition("```json\n")[2].partition("```")[0])
    put, use = policy["Statement"]
    assert put["Resource"] == [f"arn:aws:s3:::UPLOADSBUCKET/{one}/TENANT/*" for one in ("uploads", "data")]
    assert set(put["Action"]) == {"s3:PutObject", "s3:AbortMultipartUpload"}
    assert (use["Resource"], use["Action"]) == ("CUSTOMERKEY", ["kms:GenerateDataKey", "kms:Decrypt"])
    assert use["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}


def test_every_output_that_a_command_reads_is_one_of_the_storage_stack(prod):
    template = json.loads((prod.assembly / "aimass-prod-storage.template.json").read_text())
    read = set(re.findall(r"\$\(value (\w+)\)", GUIDE))
    read |= {name for names in re.findall(r"for (?:table|bucket) in ([a-z ]+);", GUIDE) for name in names.split()}
    assert read == {"registrytable", "idempotencytable", "uploadsbucket", "artifactsbucket", "customerkey"}
    assert read <= set(template["Outputs"])


def test_every_shell_block_is_shell():
    for block in re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL):
        run = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (0, ""), block
