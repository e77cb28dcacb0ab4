from __future__ import annotations

import json
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture" / "README.md"
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split("|")]
    for line in DOCUMENT.read_text().partition("## Functions")[2].splitlines()
    if line.startswith("| ") and not line.startswith(("| function ", "| ---"))
]
NAMES = [row[0] for row in ROWS]

TABLE = "registrytable.Arn"
UPLOADS = "uploadsbucket.Arn/uploads/*"
ARTIFACTS = "artifactsbucket.Arn/artifacts/*"
START_IMPORT = ("states:StartExecution", "importmachine")
RESTART_IMPORT = (
    "states:DescribeExecution",
    "arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:aimass-dev-import:*",
)


def on(resource, *actions):
    return {(action, resource) for action in actions}


READ_ONE = on(TABLE, "dynamodb:GetItem")
STEP = on(TABLE, "dynamodb:GetItem", "dynamodb:UpdateItem")
TRANSACTIONS = STEP | on(TABLE, "dynamodb:Query", "dynamodb:ConditionCheckItem", "dynamodb:PutItem")
FETCH_UPLOAD = on(UPLOADS, "s3:GetObject", "s3:GetObjectVersion")
READ_WRITE_ARTIFACTS = on(ARTIFACTS, "s3:GetObject", "s3:PutObject")
RIGHTS = {
    "authorize": READ_ONE,
    "api": TRANSACTIONS
    | on(UPLOADS, "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    | READ_WRITE_ARTIFACTS
    | {START_IMPORT, RESTART_IMPORT},
    "predict": READ_ONE | on(TABLE, "dynamodb:Query") | on(ARTIFACTS, "s3:GetObject"),
    "start_import": TRANSACTIONS
    | FETCH_UPLOAD
    | on("uploadsbucket.Arn", "s3:ListBucket", "s3:ListBucketVersions")
    | {START_IMPORT},
    "identify": STEP | FETCH_UPLOAD | READ_WRITE_ARTIFACTS,
    "convert": STEP,
    "verify": STEP | READ_WRITE_ARTIFACTS,
    "register": TRANSACTIONS,
    "fail_import": TRANSACTIONS,
}
VALUES = {
    "TABLE_NAME": "registrytable",
    "UPLOADS_BUCKET": "uploadsbucket",
    "ARTIFACTS_BUCKET": "artifactsbucket",
    "IMPORT_STATE_MACHINE_ARN": "importmachine",
    "MODEL_MEMORY_MB": "5760",
    "PREDICTION_SECONDS": "20",
}


def test_the_document_lists_every_function_and_no_other(dev):
    assert sorted(NAMES) == sorted(dev.functions())


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_memory_timeout_layers_and_environment_are_as_documented(dev, row):
    name, _, memory, timeout, layers, environment = row
    properties = dev.functions()[name]
    assert properties["MemorySize"] == int(memory)
    assert properties["Timeout"] == int(timeout)
    assert properties["Layers"] == layers.split(", ")
    assert set(properties["Environment"]["Variables"]) == {*environment.split(), "POWERTOOLS_SERVICE_NAME"}


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_the_trigger_is_as_documented(dev, row):
    name, trigger = row[0], row[1]
    arn = f"{name.replace('_', '')}function.Arn"
    found = []
    if any(state.get("Resource") == arn for state in dev.state_machine()["States"].values()):
        found.append("state (catch)" if name == "fail_import" else "state")
    if any(r["Properties"]["IntegrationUri"] == arn for r in dev.of_type("AWS::ApiGatewayV2::Integration").values()):
        found.append("HTTP API")
    if arn in dev.properties("AWS::ApiGatewayV2::Authorizer", "httpbykey")["AuthorizerUri"]:
        found.append("HTTP API authorizer")
    if arn in json.dumps(dev.of_type("AWS::Events::Rule")):
        found.append("EventBridge: Object Created in uploads")
    assert found == [trigger]


@pytest.mark.parametrize("name", NAMES)
def test_environment_variables_point_at_the_deployed_things(dev, name):
    variables = dict(dev.functions()[name]["Environment"]["Variables"])
    assert variables.pop("POWERTOOLS_SERVICE_NAME") == name
    assert variables == {key: VALUES[key] for key in variables}


def test_a_model_is_verified_against_the_memory_that_predict_leaves_it(dev):
    functions = dev.functions()
    budget = functions["verify"]["Environment"]["Variables"]["MODEL_MEMORY_MB"]
    assert int(budget) == functions["predict"]["MemorySize"] - 384 < functions["verify"]["MemorySize"]


def test_one_prediction_is_cut_off_before_predict_itself_is(dev):
    functions = dev.functions()
    limits = {functions[name]["Environment"]["Variables"]["PREDICTION_SECONDS"] for name in ("predict", "verify")}
    assert limits == {"20"}
    assert functions["predict"]["Timeout"] > 20


@pytest.mark.parametrize("name", NAMES)
def test_the_role_holds_exactly_these_rights(dev, name):
    prefix = name.replace("_", "")
    own_log = on(f"{prefix}log.Arn", "logs:CreateLogStream", "logs:PutLogEvents")
    assert dev.functions()[name]["Role"] == f"{prefix}role.Arn"
    assert dev.rights(f"{prefix}role") == RIGHTS[name] | own_log


def test_roles_hold_no_rights_beside_their_policies(dev):
    for role in dev.of_type("AWS::IAM::Role").values():
        assert set(role["Properties"]) == {"AssumeRolePolicyDocument"}


def test_uploads_are_listed_under_their_prefix_only(dev):
    policy = dev.properties("AWS::IAM::Policy", "startimportroleDefaultPolicy")["PolicyDocument"]
    (listing,) = [s for s in policy["Statement"] if "s3:ListBucket" in s["Action"]]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "uploads/*"}}


@pytest.mark.parametrize("name", NAMES)
def test_the_function_runs_its_own_folder_on_python_3_13(dev, name):
    properties = dev.functions()[name]
    assert properties["FunctionName"] == f"aimass-dev-{name.replace('_', '-')}"
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["x86_64"])
    assert properties["Handler"] == "handler.handler"
    asset = dev.assembly / f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}"
    folder = DOCUMENT.parents[2] / "functions" / name
    assert files_of(asset) == files_of(folder)


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_functions_that_hold_models_have_room_on_disk(dev):
    scratch = {name: p["EphemeralStorage"]["Size"] for name, p in dev.functions().items() if "EphemeralStorage" in p}
    assert scratch == {"predict": 10240, "identify": 10240, "verify": 10240}


@pytest.mark.parametrize(("stage", "days"), [("dev", 7), ("prod", 90)])
def test_logs_are_kept_for_a_time(stage, days, request):
    deployment = request.getfixturevalue(stage)
    logs = [log["Properties"] for log in deployment.of_type("AWS::Logs::LogGroup").values()]
    assert {log["RetentionInDays"] for log in logs} == {days}
    names = {f"/aws/lambda/{properties['FunctionName']}" for properties in deployment.functions().values()}
    assert {log["LogGroupName"] for log in logs} == names


def test_the_package_layer_is_the_tree_without_what_building_leaves(dev):
    key = dev.properties("AWS::Lambda::LayerVersion", "aimass")["Content"]["S3Key"]
    layer = files_of(dev.assembly / f"asset.{key.removesuffix('.zip')}")
    assert {path.parts[:2] for path in layer} == {("python", "aimass")}
