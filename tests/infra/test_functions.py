from __future__ import annotations

import json
from dataclasses import asdict
from operator import attrgetter
from pathlib import Path

import pytest

from aimass.domain.placement import KEPT_MB
from aimass.usecases import compression_progress, conversion_progress
from aimass.usecases.run_prediction import ATTEMPT_SECONDS, LOST_SECONDS
from infra.settings import OWN_MB, STAGES

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture" / "README.md"
ROWS = [
    [cell.strip() for cell in line.strip("| \n").split("|")]
    for line in DOCUMENT.read_text().partition("## Functions")[2].splitlines()
    if line.startswith("| ") and not line.startswith(("| function ", "| ---"))
]
NAMES = [row[0] for row in ROWS]

TABLE = "registrytable.Arn"
IDEMPOTENCY = "idempotencytable.Arn"
UPLOADS = "uploadsbucket.Arn/uploads/*"
ARTIFACTS = "artifactsbucket.Arn/artifacts/*"
KEY = "key.Arn"
EXECUTIONS = [
    f"arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:aimass-dev-{machine}:*"
    for machine in ("import", "compression")
]
START_IMPORT = ("states:StartExecution", "importmachine")
START_COMPRESSION = ("states:StartExecution", "compressionmachine")


def on(resource, *actions):
    return {(action, resource) for action in actions}


def through(service, *actions):
    """On the key, for the service alone."""
    return on(f"{KEY} via {service}.AWS::Region.amazonaws.com", *(f"kms:{action}" for action in actions))


READ_TABLES = through("dynamodb", "Decrypt", "DescribeKey")
WRITE_TABLES = READ_TABLES | through(
    "dynamodb", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"
)
READ_OBJECTS = through("s3", "Decrypt")
WRITE_OBJECTS = READ_OBJECTS | through("s3", "GenerateDataKey")
READ_ONE = on(TABLE, "dynamodb:GetItem") | READ_TABLES
STEP = on(TABLE, "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem") | WRITE_TABLES
TRANSACTIONS = STEP | on(TABLE, "dynamodb:Query", "dynamodb:ConditionCheckItem")
DELETE = on(TABLE, "dynamodb:DeleteItem")
FETCH_UPLOAD = on(UPLOADS, "s3:GetObject", "s3:GetObjectVersion") | READ_OBJECTS
READ_WRITE_ARTIFACTS = on(ARTIFACTS, "s3:GetObject", "s3:PutObject") | WRITE_OBJECTS
BODIES = "uploadsbucket.Arn/predictions/in/*"
ANSWERS = "uploadsbucket.Arn/predictions/out/*"
CONVERSIONS = "uploadsbucket.Arn/conversions/*"
EXAMPLES = "uploadsbucket.Arn/data/*"
WORKSPACE = (
    STEP
    | on("uploadsbucket.Arn/compressions/*", "s3:GetObject", "s3:PutObject")
    | on("uploadsbucket.Arn", "s3:ListBucket")
    | WRITE_OBJECTS
)
READ_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
TELL = on("webhooks.Arn", "sqs:SendMessage") | through("sqs", "Decrypt", "GenerateDataKey")
PREDICT = (
    READ_ONE
    | on(TABLE, "dynamodb:Query")
    | on(IDEMPOTENCY, "dynamodb:UpdateItem")
    | on(ARTIFACTS, "s3:GetObject")
    | WRITE_TABLES
    | READ_OBJECTS
)
DEAD_EVENTS = on("deadevents.Arn", "sqs:SendMessage") | through("sqs", "Decrypt", "GenerateDataKey")
RIGHTS = {
    "authorize": READ_ONE,
    "api": TRANSACTIONS
    | DELETE
    | on(TABLE, "dynamodb:BatchGetItem")
    | on(IDEMPOTENCY, *(f"dynamodb:{action}Item" for action in ("Get", "Put", "Update", "Delete")))
    | on(UPLOADS, "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    | on(BODIES, "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject")
    | on(ANSWERS, "s3:GetObjectVersion")
    | TELL
    | READ_WRITE_ARTIFACTS
    | on(EXAMPLES, "s3:PutObject")
    | on("uploadsbucket.Arn", "s3:ListBucketVersions")
    | {(f"states:{action}Execution", one) for one in EXECUTIONS for action in ("Describe", "Stop")}
    | {START_IMPORT, START_COMPRESSION},
    "predict-small": PREDICT | {("lambda:InvokeFunction", f"predict{tier}live") for tier in ("medium", "large")},
    "predict-medium": PREDICT,
    "predict-large": PREDICT,
    "start_import": TRANSACTIONS
    | FETCH_UPLOAD
    | on("uploadsbucket.Arn", "s3:ListBucket", "s3:ListBucketVersions")
    | on("uploaded.Arn", *READ_QUEUE)
    | through("sqs", "Decrypt")
    | {START_IMPORT},
    "identify": STEP | FETCH_UPLOAD | READ_WRITE_ARTIFACTS,
    "order_conversion": STEP
    | on(ARTIFACTS, "s3:GetObject")
    | on(CONVERSIONS, "s3:GetObject", "s3:PutObject")
    | WRITE_OBJECTS,
    "collect_conversion": STEP | on(CONVERSIONS, "s3:GetObject") | READ_WRITE_ARTIFACTS,
    "verify": STEP | READ_WRITE_ARTIFACTS,
    "register": TRANSACTIONS,
    "fail_import": TRANSACTIONS,
    "settle_import": TRANSACTIONS | DEAD_EVENTS,
    "note_progress": STEP | DEAD_EVENTS,
    "start_compression": TRANSACTIONS
    | on("examples.Arn", *READ_QUEUE)
    | through("sqs", "Decrypt")
    | {START_COMPRESSION},
    "prepare": WORKSPACE
    | on(EXAMPLES, "s3:GetObjectVersion")
    | on("uploadsbucket.Arn", "s3:ListBucketVersions")
    | on(ARTIFACTS, "s3:GetObject"),
    "plan": WORKSPACE,
    "compress": WORKSPACE,
    "evaluate": WORKSPACE,
    "repair": WORKSPACE,
    "choose": WORKSPACE,
    "order_compression": WORKSPACE,
    "publish": TRANSACTIONS
    | on("uploadsbucket.Arn/compressions/*", "s3:GetObject", "s3:PutObject")
    | on("uploadsbucket.Arn", "s3:ListBucket")
    | READ_WRITE_ARTIFACTS,
    "fail_compression": TRANSACTIONS | on("uploadsbucket.Arn/compressions/*", "s3:GetObject") | READ_OBJECTS,
    "sweep": TRANSACTIONS
    | DELETE
    | DEAD_EVENTS
    | TELL
    | on("artifactsbucket.Arn", "s3:ListBucket")
    | on(ARTIFACTS, "s3:DeleteObject")
    | on(UPLOADS, "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
    | on(BODIES, "s3:GetObject")
    | READ_OBJECTS,
    "run_prediction": TRANSACTIONS
    | on(BODIES, "s3:GetObjectVersion")
    | on(ANSWERS, "s3:PutObject")
    | on(ARTIFACTS, "s3:GetObject")
    | WRITE_OBJECTS
    | on("predictions.Arn", *READ_QUEUE)
    | TELL,
    "deliver_webhook": on(TABLE, "dynamodb:GetItem", "dynamodb:PutItem")
    | WRITE_TABLES
    | on("webhooks.Arn", *READ_QUEUE, "sqs:ChangeMessageVisibility")
    | through("sqs", "Decrypt"),
}
DEV = STAGES["dev"]
VALUES = {
    "TABLE_NAME": "registrytable",
    "IDEMPOTENCY_TABLE": "idempotencytable",
    "UPLOADS_BUCKET": "uploadsbucket",
    "ARTIFACTS_BUCKET": "artifactsbucket",
    "IMPORT_STATE_MACHINE_ARN": "importmachine",
    "COMPRESSION_STATE_MACHINE_ARN": "compressionmachine",
    "MODEL_MEMORY_MB": str(min(DEV.tiers.large - 384, DEV.verify_memory_mb - 512)),
    "PREDICTION_SECONDS": str(DEV.prediction_seconds),
    "DEFAULT_LIMITS": json.dumps(asdict(DEV.limits)),
    "TIERS": json.dumps(asdict(DEV.tiers)),
    "WEBHOOKS_QUEUE_URL": "webhooks",
    "CONVERTERS": "",
    "CONVERSION_LIMITS": DEV.conversions.limits,
    "COMPRESSORS": "",
    "COMPRESSION_LIMITS": DEV.compressions.limits,
    "COMPRESS_LARGE_MB": str(DEV.compress_large_mb),
}
QUEUES = {
    "uploaded.Arn": "queue of Object Created in uploads",
    "examples.Arn": "queue of Object Created in data",
    "predictions.Arn": "queue of Object Created in predictions/in",
    "webhooks.Arn": "queue of webhooks",
}
TIERS = ("small", "medium", "large")
BADLY_ENDED = "an execution ended badly"


def occasion(rule):
    if rule.get("ScheduleExpression") == "rate(1 hour)":
        return "every hour"
    if rule["EventPattern"]["source"] == ["aws.s3"]:
        keys = [one["wildcard"] for one in rule["EventPattern"]["detail"]["object"]["key"]]
        assert keys == [f"{one.FOLDER}/*{one.ENDING}" for one in (conversion_progress, compression_progress)]
        return "Object Created, " + " or ".join(f"`{key}`" for key in keys)
    return BADLY_ENDED


def plain(name):
    """As in a logical id."""
    return name.replace("_", "").replace("-", "")


def test_the_document_lists_every_function_and_no_other(dev):
    assert sorted(NAMES) == sorted(dev.functions())


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_memory_timeout_layers_and_environment_are_as_documented(dev, row):
    name, _, memory, timeout, layers, environment = row
    properties = dev.functions()[name]
    assert properties["MemorySize"] == (int(memory) if memory.isdigit() else attrgetter(memory.strip("`"))(DEV))
    assert properties["Timeout"] == int(timeout)
    assert properties["Layers"] == layers.split(", ")
    assert set(properties["Environment"]["Variables"]) == {*environment.split(), "POWERTOOLS_SERVICE_NAME"}


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_the_trigger_is_as_documented_and_calls_the_alias(dev, row):
    name, trigger = row[0], row[1]
    alias = f"{plain(name)}live"
    found = []
    if any(state.get("Resource") == alias for state in dev.states()):
        found.append("state (catch)" if name in ("fail_import", "fail_compression") else "state")
    if any(r["Properties"]["IntegrationUri"] == alias for r in dev.of_type("AWS::ApiGatewayV2::Integration").values()):
        found.append("HTTP API")
    if f"/{alias}/" in dev.properties("AWS::ApiGatewayV2::Authorizer", "fronthttpbykey")["AuthorizerUri"]:
        found.append("HTTP API authorizer")
    if alias in dev.functions()["predict-small"]["Environment"]["Variables"]["FORWARD"]:
        found.append("predict-small")
    for mapping in dev.of_type("AWS::Lambda::EventSourceMapping").values():
        if alias in json.dumps(mapping["Properties"]["FunctionName"]):  # cut out of the alias's ARN
            found.append(QUEUES[mapping["Properties"]["EventSourceArn"]])
    for rule in dev.of_type("AWS::Events::Rule").values():
        if alias in [target["Arn"] for target in rule["Properties"]["Targets"]]:
            found.append(f"EventBridge: {occasion(rule['Properties'])}")
    assert found == [trigger]


def test_nothing_calls_a_function_but_by_its_alias(dev):
    callers = ("Integration", "Authorizer", "StateMachine", "Rule", "EventSourceMapping", "Permission", "Policy")
    for kind in dev.types():
        if kind.endswith(callers):
            assert "function.Arn" not in json.dumps(dev.of_type(kind)), kind


@pytest.mark.parametrize("name", NAMES)
def test_environment_variables_point_at_the_deployed_things(dev, name):
    variables = dict(dev.functions()[name]["Environment"]["Variables"])
    assert variables.pop("POWERTOOLS_SERVICE_NAME") == name
    if name.startswith("predict-"):
        assert variables.pop("TIER") == name.removeprefix("predict-")
        forward = {"medium": "predictmediumlive", "large": "predictlargelive"} if name == "predict-small" else {}
        assert json.loads(variables.pop("FORWARD")) == forward
    if name == "run_prediction":
        own = {one: variables.pop(one) for one in ("TIER", "FORWARD", "PREDICTION_SECONDS")}
        assert own == {"TIER": "large", "FORWARD": "{}", "PREDICTION_SECONDS": "600"}
    assert variables == {key: VALUES[key] for key in variables}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_the_tiers_of_predict_are_the_stages_and_verify_holds_models_to_the_largest(stage, request):
    functions = request.getfixturevalue(stage.name).functions()
    memory = (stage.tiers.small, stage.tiers.medium, stage.tiers.large)
    model_mb = int(functions["verify"]["Environment"]["Variables"]["MODEL_MEMORY_MB"])
    assert tuple(functions[f"predict-{tier}"]["MemorySize"] for tier in TIERS) == memory
    tiers = {functions[f"predict-{tier}"]["Environment"]["Variables"]["TIERS"] for tier in TIERS}
    assert [json.loads(one) for one in tiers] == [dict(zip(TIERS, memory, strict=True))]
    assert model_mb == min(memory[-1] - 384, functions["verify"]["MemorySize"] - 512)


def test_an_attempt_counts_as_given_up_after_its_function_and_before_its_message_comes_again(dev):
    function = dev.functions()["run_prediction"]
    seconds = int(function["Environment"]["Variables"]["PREDICTION_SECONDS"])
    again = dev.properties("AWS::SQS::Queue", "predictions")["VisibilityTimeout"]
    assert seconds < function["Timeout"] < ATTEMPT_SECONDS < again < ATTEMPT_SECONDS + LOST_SECONDS


def test_verify_leaves_of_the_largest_tier_what_predict_keeps_for_itself():
    assert OWN_MB == KEPT_MB


def test_one_prediction_is_cut_off_before_predict_itself_is(dev):
    functions = dev.functions()
    names = [*(f"predict-{tier}" for tier in TIERS), "verify", "publish"]
    (seconds,) = {functions[name]["Environment"]["Variables"]["PREDICTION_SECONDS"] for name in names}
    assert all(functions[f"predict-{tier}"]["Timeout"] > int(seconds) for tier in TIERS)


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_tenants_limits_are_the_stages(stage, request):
    functions = request.getfixturevalue(stage.name).functions()
    for name in ("api", "authorize", "start_import", "start_compression"):
        assert json.loads(functions[name]["Environment"]["Variables"]["DEFAULT_LIMITS"]) == asdict(stage.limits)


@pytest.mark.parametrize("name", NAMES)
def test_the_role_holds_exactly_these_rights(dev, name):
    prefix = plain(name)
    own_log = on(f"{prefix}log.Arn", "logs:CreateLogStream", "logs:PutLogEvents")
    assert dev.functions()[name]["Role"] == f"{prefix}role.Arn"
    assert dev.rights(f"{prefix}role") == RIGHTS[name] | own_log


def test_no_function_may_use_the_key_itself(dev):
    roles = [f"{plain(name)}role" for name in NAMES]
    assert not [right for role in roles for right in dev.rights(role) if right[1] == KEY]


def test_the_rights_of_prod_are_those_of_dev(dev, prod):
    for name in NAMES:
        role = f"{plain(name)}role"
        theirs = {(action, resource.replace("-prod-", "-dev-")) for action, resource in prod.rights(role)}
        assert theirs == dev.rights(role)


@pytest.mark.parametrize("name", NAMES)
def test_only_lambda_takes_the_role_on_and_it_has_no_managed_policy(dev, name):
    role = dev.properties("AWS::IAM::Role", f"{plain(name)}role")
    assert set(role) == {"AssumeRolePolicyDocument"}
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}


@pytest.mark.parametrize(
    ("name", "prefixes"),
    [
        ("start_import", {"uploads/*"}),
        ("sweep", {"artifacts/*"}),
        ("api", {"data/*"}),
        ("prepare", {"data/*", "compressions/*"}),
        *((name, {"compressions/*"}) for name in ("plan", "compress", "evaluate", "repair", "choose")),
        *((name, {"compressions/*"}) for name in ("order_compression", "publish")),
    ],
)
def test_a_bucket_is_listed_under_prefixes_only(dev, name, prefixes):
    statements = dev.statements("AWS::IAM::Policy", f"{plain(name)}roleDefaultPolicy")
    listing = [s for s in statements if "s3:ListBucket" in str(s["Action"])]
    assert [set(one["Condition"]) for one in listing] == [{"StringLike"}] * len(prefixes)
    assert {one["Condition"]["StringLike"]["s3:prefix"] for one in listing} == prefixes


@pytest.mark.parametrize("name", NAMES)
def test_the_function_runs_its_own_folder_on_python_3_13(dev, name):
    properties = dev.functions()[name]
    assert properties["FunctionName"] == f"aimass-dev-{name.replace('_', '-')}"
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["x86_64"])
    assert properties["Handler"] == "handler.handler"
    asset = dev.assembly / f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}"
    folder = DOCUMENT.parents[2] / "functions" / ("predict" if name.startswith("predict-") else name)
    assert files_of(asset) == files_of(folder)


def files_of(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_functions_that_hold_large_models_have_room_on_disk(dev):
    scratch = {name: p["EphemeralStorage"]["Size"] for name, p in dev.functions().items() if "EphemeralStorage" in p}
    large = ("predict-medium", "predict-large", "identify", "collect_conversion", "verify", "run_prediction")
    compression = ("prepare", "plan", "compress", "evaluate", "repair", "choose", "publish")
    assert scratch == dict.fromkeys((*large, *compression), 10240)


def test_the_small_tier_alone_starts_from_a_snapshot(dev):
    snapped = {name: p["SnapStart"] for name, p in dev.functions().items() if "SnapStart" in p}
    assert snapped == {"predict-small": {"ApplyOn": "PublishedVersions"}}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_imports_and_compressions_leave_concurrency_to_predictions_where_the_stage_says_so(stage, request):
    functions = request.getfixturevalue(stage.name).functions()
    reserved = {name: one.get("ReservedConcurrentExecutions") for name, one in functions.items()}
    wanted = dict.fromkeys(("identify", "verify"), stage.reserved_imports)
    wanted |= dict.fromkeys(("compress", "evaluate"), stage.reserved_compressions)
    assert {name: count for name, count in reserved.items() if count} == {
        name: count for name, count in wanted.items() if count
    }


def test_what_asynchronous_calls_leave_behind_goes_to_a_queue(dev):
    kept = {name: p["DeadLetterConfig"]["TargetArn"] for name, p in dev.functions().items() if "DeadLetterConfig" in p}
    assert kept == dict.fromkeys(("note_progress", "settle_import", "sweep"), "deadevents.Arn")


@pytest.mark.parametrize(("stage", "days"), [("dev", 7), ("prod", 90)])
def test_every_log_is_kept_for_a_time(stage, days, request):
    deployment = request.getfixturevalue(stage)
    logs = [log["Properties"] for log in deployment.of_type("AWS::Logs::LogGroup").values()]
    assert {log["RetentionInDays"] for log in logs} == {days}


def test_every_function_writes_to_an_encrypted_log_of_its_own(dev):
    for name, properties in dev.functions().items():
        log = dev.properties("AWS::Logs::LogGroup", f"{plain(name)}log")
        assert log["LogGroupName"] == f"/aws/lambda/{properties['FunctionName']}"
        assert properties["LoggingConfig"] == {"LogGroup": f"{plain(name)}log"}
        assert log["KmsKeyId"] == KEY


def test_the_package_layer_is_the_tree_without_what_building_leaves(dev):
    key = dev.properties("AWS::Lambda::LayerVersion", "aimass")["Content"]["S3Key"]
    layer = files_of(dev.assembly / f"asset.{key.removesuffix('.zip')}")
    assert {path.parts[:2] for path in layer} == {("python", "aimass")}
