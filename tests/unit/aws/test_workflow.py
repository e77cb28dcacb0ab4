"""The Step Functions adapter against the responses that AWS documents, by botocore's own stubber."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from aimass.adapters.aws.workflow import StepFunctionsImportRunner

MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:import"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:import:name"


@pytest.fixture
def stubbed():
    client = boto3.client("stepfunctions")
    with Stubber(client) as stubber:
        yield StepFunctionsImportRunner(client, MACHINE), stubber
        stubber.assert_no_pending_responses()


def test_an_execution_starts_under_its_name_with_the_document(stubbed):
    runner, stubber = stubbed
    request = {"stateMachineArn": MACHINE, "name": "name", "input": json.dumps({"job_id": "j"})}
    stubber.add_response("start_execution", {"executionArn": EXECUTION, "startDate": 0}, request)
    runner.start("name", {"job_id": "j"})


def test_a_name_that_ran_before_starts_nothing(stubbed):
    runner, stubber = stubbed
    stubber.add_client_error("start_execution", "ExecutionAlreadyExists")
    runner.start("name", {})


def test_other_errors_are_told(stubbed):
    runner, stubber = stubbed
    stubber.add_client_error("start_execution", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        runner.start("name", {})


@pytest.mark.parametrize(
    ("status", "ended"), [("RUNNING", False), ("FAILED", True), ("ABORTED", True), ("SUCCEEDED", True)]
)
def test_an_execution_has_ended_whatever_its_end(stubbed, status, ended):
    runner, stubber = stubbed
    described = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": 0}
    stubber.add_response("describe_execution", described, {"executionArn": EXECUTION})
    assert runner.has_ended("name") is ended


def test_an_execution_that_never_was_has_not_ended(stubbed):
    runner, stubber = stubbed
    stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")
    assert runner.has_ended("name") is False
