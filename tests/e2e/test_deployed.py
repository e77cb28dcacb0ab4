"""What ran is what was synthesized: the deployed state machines, routes and functions are those of the templates."""

import json
import re

import pytest

from infra.synth import synthesize_cached
from local.aws import client as aws_client

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def resources():
    """Every resource of the synthesized templates, by type."""
    found = {}
    for template in synthesize_cached().glob("*.template.json"):
        for resource in json.loads(template.read_text())["Resources"].values():
            found.setdefault(resource["Type"], []).append(resource["Properties"])
    return found


def test_the_deployed_state_machines_are_the_synthesized_ones(stack, resources):
    states = aws_client("stepfunctions", stack.aws_endpoint)
    deployed = {
        machine["name"]: states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
        for machine in states.list_state_machines()["stateMachines"]
    }
    synthesized = {one["StateMachineName"]: one for one in resources["AWS::StepFunctions::StateMachine"]}
    assert {*deployed} == {*synthesized}
    known = {"AWS::Partition": "aws"}
    for name, one in synthesized.items():
        pieces = one["DefinitionString"]["Fn::Join"][1]
        wanted = "".join(
            piece if isinstance(piece, str) else known.get(piece.get("Ref"), "FUNCTION") for piece in pieces
        )
        assert json.loads(re.sub(r"arn:aws:lambda:[^\"]+", "FUNCTION", deployed[name])) == json.loads(wanted)


def test_the_deployed_routes_are_the_synthesized_ones(stack, resources):
    gateway = aws_client("apigatewayv2", stack.aws_endpoint)
    (api,) = gateway.get_apis()["Items"]
    deployed = {
        (one["RouteKey"], one["AuthorizationType"])
        for one in gateway.get_routes(ApiId=api["ApiId"], MaxResults="500")["Items"]
    }
    assert deployed == {(one["RouteKey"], one["AuthorizationType"]) for one in resources["AWS::ApiGatewayV2::Route"]}


def test_the_deployed_functions_are_the_synthesized_ones(stack, resources):
    functions = aws_client("lambda", stack.aws_endpoint).list_functions()["Functions"]
    settings = ("FunctionName", "Handler", "MemorySize", "Timeout", "Runtime")
    deployed = {tuple(one[name] for name in settings) for one in functions}
    assert deployed == {tuple(one[name] for name in settings) for one in resources["AWS::Lambda::Function"]}


def test_an_execution_went_through_the_states_in_order(client, stack):
    with open("examples/digits/digits.onnx", "rb") as file:
        assert client.import_model("executed", file.read())["state"] == "succeeded"
    states = aws_client("stepfunctions", stack.aws_endpoint)
    (machine,) = (one for one in states.list_state_machines()["stateMachines"] if one["name"].endswith("import"))
    executions = states.list_executions(stateMachineArn=machine["stateMachineArn"], maxResults=1000)["executions"]
    newest = max(executions, key=lambda one: one["startDate"])
    history = states.get_execution_history(executionArn=newest["executionArn"], maxResults=1000)["events"]
    entered = [one["stateEnteredEventDetails"]["name"] for one in history if "stateEnteredEventDetails" in one]
    assert entered == ["starts_at", "identify", "needs_conversion", "verify", "register"]
