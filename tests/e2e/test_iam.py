"""The roles are enforced: each function may do what its policy says, and nothing else that is tried here."""

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.synth import synthesize_cached
from local.aws import ACCOUNT, REGION
from local.aws import client as aws_client

pytestmark = pytest.mark.e2e

DENIED = {"AccessDenied", "AccessDeniedException", "403"}
KEY = {"S": "T#iam"}
ABSENT = {"PK": KEY, "SK": KEY}
SERVICES = ("dynamodb", "iam", "kms", "lambda", "s3", "sqs", "stepfunctions")


class Try(NamedTuple):
    """A call that changes nothing that matters; `action` and `arn` are what it must be allowed. `prefix`: listing."""

    action: str
    arn: str
    service: str
    method: str
    arguments: dict
    prefix: str | None = None

    def __str__(self):
        return f"{self.action} {self.arn} {self.prefix or ''}"


class Roles:
    def __init__(self, stack):
        self.endpoint = stack.aws_endpoint
        self.session = boto3.Session(region_name=REGION)
        self.iam = self.root("iam")
        functions = self.root("lambda").list_functions()["Functions"]
        self.functions = {one["FunctionName"]: one for one in functions}
        self.variables = {k: v for one in functions for k, v in one["Environment"]["Variables"].items()}

    def root(self, service):
        return aws_client(service, self.endpoint)

    def role(self, function):
        return self.functions[function]["Role"]

    def acting_as(self, role):
        made = self.root("sts").assume_role(RoleArn=role, RoleSessionName="test-iam")["Credentials"]
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        keys = dict(zip(names, (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]), strict=True))
        config = Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return {name: self.session.client(name, endpoint_url=self.endpoint, config=config, **keys) for name in SERVICES}

    def simulate(self, role, action, arn):
        asked = {"PolicySourceArn": role, "ActionNames": [action], "ResourceArns": [arn]}
        (verdict,) = self.iam.simulate_principal_policy(**asked)["EvaluationResults"]
        return verdict["EvalDecision"] == "allowed"

    @cache  # noqa: B019 it lives as long as the module's tests
    def statements(self, role):
        name = role.rpartition("/")[2]
        policies = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        documents = [self.iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in policies]
        return [statement for document in documents for statement in document["Statement"]]


@pytest.fixture(scope="module")
def roles(stack):
    return Roles(stack)


@pytest.fixture(scope="module")
def outcomes(roles, client):
    """(function, call) -> whether the function's role may make it."""
    client.import_model("for-iam", Path("examples/digits/digits.onnx").read_bytes())
    asked = client.call(
        "POST", "/api/v1/models/for-iam/versions/1/compressions", json={"methods": ["trees"]}
    )  # of which it has none
    client.await_job(asked.json()["job_id"])
    calls = all_calls(roles)
    found = {}
    for function in roles.functions:
        clients = roles.acting_as(roles.role(function))
        for call in calls:
            found[function, str(call)] = (call, is_allowed(clients, call))
    return found


def is_allowed(clients, call):
    try:
        getattr(clients[call.service], call.method)(**call.arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] not in DENIED
    return True


def all_calls(roles):
    variables = roles.variables
    machines = (variables["IMPORT_STATE_MACHINE_ARN"], variables["COMPRESSION_STATE_MACHINE_ARN"])
    buckets = {"uploads": variables["UPLOADS_BUCKET"], "artifacts": variables["ARTIFACTS_BUCKET"]}
    absent = f"{variables['TABLE_NAME']}-absent"
    calls = [
        *(call for machine in machines for call in state_machine_calls(machine, known_execution(roles, machine))),
        Try("iam:ListRoles", "*", "iam", "list_roles", {}),
        Try("dynamodb:DeleteTable", table_arn(absent), "dynamodb", "delete_table", {"TableName": absent}),
    ]
    for table in (variables["TABLE_NAME"], variables["IDEMPOTENCY_TABLE"], "another"):
        calls += table_calls(table, ABSENT if table == variables["TABLE_NAME"] else {"id": KEY})
    for prefix, bucket in buckets.items():
        calls += bucket_calls(bucket, prefix, "elsewhere")
    calls += bucket_calls(
        buckets["uploads"], "predictions/in", "predictions/out", "conversions", "data", "compressions"
    )
    for function in roles.functions:
        calls += function_calls(function)
    for queue in roles.root("sqs").list_queues().get("QueueUrls", []):
        calls += queue_calls(queue)
    return [*calls, *key_calls(roles.root("kms"))]


def table_arn(table):
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"


def table_calls(table, key):
    arn = table_arn(table)
    (partition, value), *_ = key.items()
    never = {"ConditionExpression": f"attribute_exists({partition})"}
    on = {"TableName": table}
    transacted = [{"ConditionCheck": {**on, **never, "Key": key}}]
    where = {"KeyConditionExpression": f"{partition} = :p", "ExpressionAttributeValues": {":p": value}}
    yield Try("dynamodb:GetItem", arn, "dynamodb", "get_item", {**on, "Key": key})
    yield Try("dynamodb:BatchGetItem", arn, "dynamodb", "batch_get_item", {"RequestItems": {table: {"Keys": [key]}}})
    yield Try("dynamodb:Query", arn, "dynamodb", "query", {**on, **where})
    yield Try("dynamodb:Scan", arn, "dynamodb", "scan", on)
    yield Try("dynamodb:PutItem", arn, "dynamodb", "put_item", {**on, **never, "Item": key})
    yield Try("dynamodb:UpdateItem", arn, "dynamodb", "update_item", {**on, **never, "Key": key})
    yield Try("dynamodb:DeleteItem", arn, "dynamodb", "delete_item", {**on, "Key": key})
    yield Try("dynamodb:ConditionCheckItem", arn, "dynamodb", "transact_write_items", {"TransactItems": transacted})
    yield Try("dynamodb:DescribeTable", arn, "dynamodb", "describe_table", on)


def bucket_calls(bucket, *prefixes):
    arn = f"arn:aws:s3:::{bucket}"
    for folder in prefixes:
        key, under = f"{folder}/iam/absent", f"{folder}/iam/"
        on = {"Bucket": bucket, "Key": key}
        part = {**on, "UploadId": "none"}
        listed = {"Bucket": bucket, "Prefix": under}
        yield Try("s3:GetObject", f"{arn}/{key}", "s3", "get_object", on)
        yield Try("s3:GetObjectVersion", f"{arn}/{key}", "s3", "get_object", {**on, "VersionId": "none"})
        yield Try("s3:PutObject", f"{arn}/{key}", "s3", "upload_part", {**part, "PartNumber": 1, "Body": b"x"})
        yield Try("s3:DeleteObject", f"{arn}/{key}", "s3", "delete_object", on)
        yield Try("s3:AbortMultipartUpload", f"{arn}/{key}", "s3", "abort_multipart_upload", part)
        yield Try("s3:ListMultipartUploadParts", f"{arn}/{key}", "s3", "list_parts", part)
        yield Try("s3:ListBucket", arn, "s3", "list_objects_v2", listed, under)
        yield Try("s3:ListBucketVersions", arn, "s3", "list_object_versions", listed, under)
    yield Try("s3:GetBucketPolicy", arn, "s3", "get_bucket_policy", {"Bucket": bucket})


def known_execution(roles, machine):
    return roles.root("stepfunctions").list_executions(stateMachineArn=machine)["executions"][0]["name"]


def state_machine_calls(machine, known):
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:absent"
    name = machine.rpartition("-")[2]
    elsewhere = execution.replace(f"{name}:absent", "other:absent")
    again = {"stateMachineArn": machine, "name": known, "input": "{}"}  # a name that is taken: nothing starts
    yield Try("states:StartExecution", machine, "stepfunctions", "start_execution", again)
    listed = {"stateMachineArn": machine}
    yield Try("states:ListExecutions", machine, "stepfunctions", "list_executions", listed)
    for arn in (execution, elsewhere):
        yield Try("states:DescribeExecution", arn, "stepfunctions", "describe_execution", {"executionArn": arn})
    yield Try("states:StopExecution", execution, "stepfunctions", "stop_execution", {"executionArn": execution})


def function_calls(function):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    dry = {"FunctionName": f"{arn}:live", "InvocationType": "DryRun"}
    yield Try("lambda:InvokeFunction", f"{arn}:live", "lambda", "invoke", dry)


def queue_calls(url):
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"
    on = {"QueueUrl": url}
    yield Try("sqs:GetQueueAttributes", arn, "sqs", "get_queue_attributes", {**on, "AttributeNames": ["QueueArn"]})
    yield Try("sqs:ReceiveMessage", arn, "sqs", "receive_message", {**on, "VisibilityTimeout": 0})
    yield Try("sqs:DeleteMessage", arn, "sqs", "delete_message", {**on, "ReceiptHandle": "none"})
    hidden = {**on, "ReceiptHandle": "none", "VisibilityTimeout": 0}
    yield Try("sqs:ChangeMessageVisibility", arn, "sqs", "change_message_visibility", hidden)
    yield Try("sqs:SendMessage", arn, "sqs", "send_message", {**on, "MessageBody": ""})


def key_calls(kms):
    for key in kms.list_keys()["Keys"]:
        on = {"KeyId": key["KeyArn"]}
        yield Try("kms:Decrypt", key["KeyArn"], "kms", "decrypt", {**on, "CiphertextBlob": b"none"})
        yield Try("kms:GenerateDataKey", key["KeyArn"], "kms", "generate_data_key", {**on, "KeySpec": "AES_256"})
        yield Try("kms:GetKeyPolicy", key["KeyArn"], "kms", "get_key_policy", on)


def test_each_role_has_the_rights_of_its_policy_and_no_other(roles, outcomes):
    wrong = []
    for (function, named), (call, allowed) in outcomes.items():
        granted = any(grants(one, call) for one in roles.statements(roles.role(function)))
        if granted != allowed:
            wrong.append(f"{function}: {named} is {'allowed' if allowed else 'denied'}")
    assert not wrong


def test_each_statement_was_tried(roles, outcomes):
    """But those of logs, which a function here doesn't write itself and MiniStack checks against the wrong resource,

    and those of the key: S3, DynamoDB and SQS alone may use it in a function's name, and here they don't.
    """
    tried = {}
    for (function, _), (call, allowed) in outcomes.items():
        if allowed:
            tried.setdefault(function, []).append(call)
    for function in roles.functions:
        for statement in roles.statements(roles.role(function)):
            for action in (one for one in many(statement["Action"]) if not one.startswith(("logs:", "kms:"))):
                one = {**statement, "Action": action}
                assert any(grants(one, call) for call in tried[function]), (function, one)


def test_the_deployed_policies_are_the_synthesized_ones(roles):
    synthesized = {}
    for template in synthesize_cached().glob("*.template.json"):
        resources = json.loads(template.read_text())["Resources"]
        for one in resources.values():
            if one["Type"] == "AWS::Lambda::Function":
                role = one["Properties"]["Role"]["Fn::GetAtt"][0]
                synthesized[one["Properties"]["FunctionName"]] = sorted(actions_of(resources, role))
    deployed = {
        function: sorted(action for one in roles.statements(roles.role(function)) for action in many(one["Action"]))
        for function in roles.functions
    }
    assert deployed == synthesized


def test_what_no_function_may_do(outcomes):
    """Whatever the policies say: this list is not read from them."""
    never = ("iam:", "dynamodb:DeleteTable", "dynamodb:Scan", "s3:GetBucketPolicy", "kms:")
    for (function, named), (call, allowed) in outcomes.items():
        if call.action.startswith(never) or "elsewhere" in named or "table/another" in named:
            assert not allowed, (function, named)


@pytest.mark.parametrize(
    ("functions", "actions", "on"),
    [
        ("predict-", ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"), "registrytable"),
        ("predict-", ("s3:PutObject", "s3:DeleteObject", "s3:ListBucket"), ""),
        ("predict-", ("s3:",), "uploadsbucket"),
        ("predict-large", ("lambda:",), ""),
        ("predict-small", ("lambda:",), "-dev-api"),
        ("identify", ("s3:PutObject", "s3:DeleteObject"), "uploadsbucket"),
        ("verify", ("s3:",), "uploadsbucket"),
        ("order-conversion", ("s3:PutObject", "s3:DeleteObject"), "artifactsbucket"),
        ("order-conversion", ("s3:",), "/uploads/"),
        ("collect-conversion", ("s3:PutObject",), "uploadsbucket"),
        ("authorize", ("s3:", "states:", "dynamodb:PutItem", "dynamodb:Query"), ""),
        ("api", ("s3:DeleteObject", "lambda:"), ""),
        ("api", ("s3:ListBucket",), "artifactsbucket"),
        ("api", ("s3:PutObject", "s3:GetObject"), "/compressions/"),
        ("prepare", ("s3:PutObject", "s3:DeleteObject"), "/data/"),
        ("compress", ("s3:",), "/data/"),
        ("publish", ("s3:",), "/data/"),
        ("api", ("s3:PutObject",), "predictions/out"),
        ("run-prediction", ("s3:PutObject",), "predictions/in"),
        ("run-prediction", ("s3:", "dynamodb:DeleteItem"), "/uploads/"),
        ("deliver-webhook", ("s3:", "states:", "dynamodb:UpdateItem", "dynamodb:Query"), ""),
        ("predict-", ("sqs:",), ""),
    ],
)
def test_what_a_function_may_not_do(outcomes, functions, actions, on):
    tried = 0
    for (function, named), (call, allowed) in outcomes.items():
        if f"-dev-{functions}" in function and call.action.startswith(actions) and on in call.arn:
            tried += 1
            assert not allowed, (function, named)
    assert tried


def grants(statement, call):
    condition = statement.get("Condition", {})
    prefix = condition.get("StringLike", {}).get("s3:prefix", "*")
    return (
        "kms:ViaService" not in condition.get("StringEquals", {})  # a call of ours comes through no service
        and call.action in many(statement["Action"])
        and any(fnmatchcase(call.arn, one) for one in many(statement["Resource"]))
        and fnmatchcase(call.prefix or "", prefix)
    )


def many(value):
    return [value] if isinstance(value, str) else value


def actions_of(resources, role):
    for one in resources.values():
        if one["Type"] == "AWS::IAM::Policy" and {"Ref": role} in one["Properties"]["Roles"]:
            for statement in one["Properties"]["PolicyDocument"]["Statement"]:
                yield from many(statement["Action"])


def test_the_state_machine_may_invoke_its_functions_only(roles):
    states = roles.root("stepfunctions")
    machine = states.describe_state_machine(stateMachineArn=roles.variables["IMPORT_STATE_MACHINE_ARN"])
    aliases = [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:live" for function in roles.functions]
    invocable = {arn for arn in aliases if roles.simulate(machine["roleArn"], "lambda:InvokeFunction", arn)}
    assert invocable == {arn for arn in arns_in(json.loads(machine["definition"])) if ":lambda:" in arn}


def arns_in(value):
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from arns_in(one)
    elif isinstance(value, str) and value.startswith("arn:"):
        yield value


def test_the_gateway_may_invoke_what_its_routes_name(roles):
    """Our front doesn't ask; API Gateway would answer 500."""
    gateway, functions = roles.root("apigatewayv2"), roles.root("lambda")
    (api,) = gateway.get_apis()["Items"]
    uris = [one["IntegrationUri"] for one in gateway.get_integrations(ApiId=api["ApiId"])["Items"]]
    uris += [one["AuthorizerUri"] for one in gateway.get_authorizers(ApiId=api["ApiId"])["Items"]]
    for uri in uris:
        arn = uri.partition("/functions/")[2].removesuffix("/invocations") or uri
        policy = json.loads(functions.get_policy(FunctionName=arn)["Policy"])
        assert any(lets_in(one, "apigateway.amazonaws.com", api["ApiId"]) for one in policy["Statement"]), arn


def test_events_may_invoke_what_their_rules_name(roles):
    events, functions = roles.root("events"), roles.root("lambda")
    for rule in events.list_rules()["Rules"]:
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            if ":lambda:" in target["Arn"]:
                policy = json.loads(functions.get_policy(FunctionName=target["Arn"])["Policy"])
                assert any(lets_in(one, "events.amazonaws.com", rule["Arn"]) for one in policy["Statement"]), rule


def lets_in(statement, service, source):
    condition = statement["Condition"]["ArnLike"]["AWS:SourceArn"]
    return statement["Principal"] == {"Service": service} and source in condition


class Without:
    """A role, for a while, without some of its actions."""

    def __init__(self, roles, function, *actions):
        self.iam = roles.iam
        self.name = roles.role(function).rpartition("/")[2]
        (self.policy,) = self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        self.whole = self.iam.get_role_policy(RoleName=self.name, PolicyName=self.policy)["PolicyDocument"]
        self.actions = actions

    def __enter__(self):
        left = []
        for statement in self.whole["Statement"]:
            actions = [one for one in many(statement["Action"]) if one not in self.actions]
            left += [{**statement, "Action": actions}] if actions else []
        self._put({**self.whole, "Statement": left})

    def __exit__(self, *_):
        self._put(self.whole)

    def _put(self, document):
        self.iam.put_role_policy(RoleName=self.name, PolicyName=self.policy, PolicyDocument=json.dumps(document))


def test_a_function_whose_right_is_taken_fails_and_says_so(roles, stack, client):
    log = Path(stack.state, "logs", "aimass-dev-api.log")
    assert client.call("GET", "/api/v1/models").status_code == 200
    with Without(roles, "aimass-dev-api", "dynamodb:Query"):
        written = log.stat().st_size
        refused = client.call("GET", "/api/v1/models")
        assert (refused.status_code, refused.json()["code"]) == (500, "internal_error")
        said = log.read_text()[written:]
        assert "is not authorized to perform: dynamodb:Query" in said
        assert refused.json()["request_id"] in said
    assert client.call("GET", "/api/v1/models").status_code == 200


def test_a_presigned_part_is_taken_while_the_api_may_put_it(roles, client):
    announced = {"model": "presigned", "filename": "m.onnx", "size": 5, "sha256": 64 * "0"}
    upload = client.call("POST", "/api/v1/uploads", json=announced).json()
    (part,) = upload["parts"]
    with Without(roles, "aimass-dev-api", "s3:PutObject"):
        refused = requests.put(part["url"], data=b"bytes", timeout=30)
        assert refused.status_code == 403
        assert "AccessDenied" in refused.text
    assert requests.put(part["url"].replace("Signature=", "Signature=0"), data=b"bytes", timeout=30).status_code == 403
    assert requests.put(part["url"], data=b"bytes", timeout=30).status_code == 200
    assert client.call("DELETE", f"/api/v1/uploads/{upload['upload_id']}").status_code == 204


def test_an_unknown_access_key_is_refused(roles):
    for bucket in (roles.variables["UPLOADS_BUCKET"], roles.variables["ARTIFACTS_BUCKET"]):
        stranger = boto3.client(
            "s3",
            endpoint_url=roles.endpoint,
            region_name=REGION,
            aws_access_key_id="x",
            aws_secret_access_key="x",
            config=Config(s3={"addressing_style": "path"}),
        )
        with pytest.raises(ClientError, match="InvalidAccessKeyId"):
            stranger.list_objects_v2(Bucket=bucket)
