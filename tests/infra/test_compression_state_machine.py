"""The definition as it is deployed, read, and run with functions that answer what a test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aimass.usecases.order_compression import URL_SECONDS
from infra.settings import STAGES

ROOT = Path(__file__).parents[2]
RESULTS = {
    "prepare": "$.prepared",
    "plan": "$.planned",
    "choose": "$.chosen",
    "order_compression": "$.ordered",
    "publish": "$.published",
}
ITEMS = ("compress", "evaluate", "repair")
FUNCTIONS = (*RESULTS, *ITEMS, "fail_compression")
JOB = {"tenant": "acme", "model": "m", "version": 2, "job_id": "job", "attempt": 1}
WORKSPACE = {"workspace": "compressions/acme/m/2/abc"}
ANSWERS = {
    "prepare": WORKSPACE,
    "plan": {"names": ["int8", "fp16", "int4"], "repairs": [0, 1], "large": False},
    "compress": {"dropped": True},
    "choose": {"publish": ["int8"]},
    "ordercompression": {"order_url": "https://order"},
    "publish": {"variants": ["int8"]},
}


@pytest.fixture(scope="module")
def machine(dev):
    return dev.state_machine("compression")


@pytest.fixture
def run(machine):
    """Runs it and answers `calls` as (function, event), `most` at once by function, and how it `ended`."""

    def run(*, at_once=4, fails=None, stop_at=None, **planned):
        answers = ANSWERS | {"plan": ANSWERS["plan"] | planned}
        asked = {"definition": machine, "input": JOB, "answers": answers, "at_once": at_once}
        asked |= {"fails": fails or {}, "stop_at": stop_at}
        ended = subprocess.run(
            [sys.executable, "-m", "tests.infra.run_machine"],
            input=json.dumps(asked),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


def called(ran):
    return [name for name, _ in ran["calls"]]


def events(ran, name):
    return [event for called, event in ran["calls"] if called == name]


def tasks(states):
    """Every state that does something, those of items too."""
    for name, state in states.items():
        if state["Type"] == "Task":
            yield name, state
        yield from tasks(state.get("ItemProcessor", {}).get("States", {}))


def test_each_candidate_is_made_and_looked_at_before_any_is_repaired_and_one_is_chosen(run):
    ran = run()
    names = called(ran)
    assert (names[:2], names[-2:]) == (["prepare", "plan"], ["choose", "publish"])
    assert sorted(names[2:-4]) == ["compress"] * 3 + ["evaluate"] * 3
    assert names[-4:-2] == ["repair", "repair"]
    assert ran["ended"]["status"] == "SUCCEEDED"


def test_a_candidate_is_given_the_job_the_workspace_and_its_name(run):
    ran = run()
    of_names = [JOB | {"prepared": WORKSPACE, "name": name} for name in ("fp16", "int4", "int8")]
    for step in ("compress", "evaluate"):
        assert sorted(events(ran, step), key=lambda event: event["name"]) == of_names


def test_a_repair_is_given_its_place_and_what_was_planned(run):
    given = sorted(events(run(), "repair"), key=lambda event: event["place"])
    assert given == [JOB | {"prepared": WORKSPACE, "planned": ANSWERS["plan"], "place": place} for place in (0, 1)]


def test_choose_and_publish_are_given_what_came_before_and_not_what_items_answered(run):
    ran = run()
    (chosen,), (published,) = events(ran, "choose"), events(ran, "publish")
    assert chosen == JOB | {"prepared": WORKSPACE, "planned": ANSWERS["plan"]}
    assert published == chosen | {"chosen": ANSWERS["choose"]}
    assert json.loads(ran["ended"]["output"]) == published | {"published": ANSWERS["publish"]}


def test_nothing_to_make_goes_straight_to_the_choice(run):
    assert called(run(names=[], repairs=[])) == ["prepare", "plan", "choose", "publish"]


def test_a_large_model_is_one_job_that_gets_the_order_under_the_executions_name(run):
    ran = run(large=True)
    assert called(ran) == ["prepare", "plan", "ordercompression", "job", "publish"]
    (job,) = events(ran, "job")
    assert (job["JobName"], job["JobDefinition"]) == ("compress-job", "aimass-dev-jobs-compress")
    assert job["ContainerOverrides"] == {"Environment": [{"Name": "ORDER_URL", "Value": "https://order"}]}
    (published,) = events(ran, "publish")
    assert published == JOB | {
        "prepared": WORKSPACE,
        "planned": ANSWERS["plan"] | {"large": True},
        "ordered": {"order_url": {"status": "SUCCEEDED"}},
    }


@pytest.mark.parametrize("name", ["prepare", "plan", "compress", "evaluate", "repair", "choose", "publish"])
def test_any_error_of_a_step_is_written_down_and_is_the_executions(run, name):
    ran = run(fails={name: {"error": "StepRefused", "cause": "because"}})
    assert called(ran)[-1] == "failcompression"
    (written,) = events(ran, "failcompression")
    assert written["error"] == {"Error": "StepRefused", "Cause": "because"}
    assert {key: written[key] for key in JOB} == JOB
    assert (ran["ended"]["status"], ran["ended"]["error"]) == ("FAILED", "StepRefused")


@pytest.mark.parametrize("name", ["ordercompression", "job"])
def test_so_is_an_error_of_a_large_models_job(run, name):
    ran = run(large=True, fails={name: {"error": "States.TaskFailed", "cause": "status 2"}})
    assert called(ran)[-1] == "failcompression"
    assert events(ran, "publish") == []


def test_candidates_of_one_that_failed_are_not_begun(run):
    ran = run(at_once=1, fails={"compress": {"of": {"name": "int8"}, "error": "StepRefused", "cause": "because"}})
    assert called(ran) == ["prepare", "plan", "compress", "failcompression"]


def test_nothing_is_begun_after_the_execution_was_stopped(run):
    ran = run(at_once=1, stop_at="compress")
    assert called(ran) == ["prepare", "plan", "compress"]
    assert ran["ended"]["status"] == "ABORTED"


@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (2, 2), (9, 4)])
def test_so_many_candidates_are_worked_on_at_once(run, at_once, most):
    assert run(at_once=at_once, names=list("abcdef"))["most"]["compress"] == most


def test_the_settings_say_how_many(machine):
    at_once = {machine["States"][name]["MaxConcurrency"] for name in ("candidates", "repairs")}
    assert at_once == {stage.compress_at_once for stage in STAGES.values()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_state_calls_the_function_of_its_name_and_outlasts_it(dev, machine, name):
    state = dict(tasks(machine["States"]))[name]
    assert state["Resource"] == f"{name.replace('_', '')}live"
    assert state["ResultPath"] == RESULTS.get(name)
    assert state["TimeoutSeconds"] == dev.functions()[name]["Timeout"] + 10


def test_every_state_that_does_something_is_bounded_and_tried_again_with_jitter(machine):
    found = dict(tasks(machine["States"]))
    assert set(found) == {*FUNCTIONS, "compress_large"}
    for state in found.values():
        assert state["TimeoutSeconds"] > 0
        assert {retry["JitterStrategy"] for retry in state["Retry"]} == {"FULL"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_waits_for_concurrency_and_is_retried_as_the_states_of_imports_are(dev, machine, name):
    imports = dev.state_machine()["States"]
    alike = imports["fail_import" if name == "fail_compression" else "verify"]
    assert dict(tasks(machine["States"]))[name]["Retry"] == alike["Retry"]


def test_a_compression_ends_within_a_day_and_two_dozen_candidates_at_their_longest_fit_into_it(machine):
    seconds = {name: state["TimeoutSeconds"] for name, state in tasks(machine["States"])}
    rounds = 24 // machine["States"]["candidates"]["MaxConcurrency"]
    once = sum(seconds[name] for name in ("prepare", "plan", "repair", "choose", "publish", "fail_compression"))
    assert machine["TimeoutSeconds"] == 24 * 3600
    assert once + rounds * (seconds["compress"] + seconds["evaluate"]) < 24 * 3600


def test_the_urls_of_an_order_outlive_the_wait_for_its_job_and_the_wait_its_attempts(dev, machine):
    waits = machine["States"]["compress_large"]["TimeoutSeconds"]
    definition = dev.properties("AWS::Batch::JobDefinition", "compressdefinition")
    attempts = definition["RetryStrategy"]["Attempts"] * definition["Timeout"]["AttemptDurationSeconds"]
    assert attempts < waits < URL_SECONDS


def test_the_machine_may_invoke_its_own_functions_and_run_its_job(dev):
    invoked = {("lambda:InvokeFunction", f"{name.replace('_', '')}live") for name in FUNCTIONS}
    batch = "arn:AWS::Partition:batch:AWS::Region:AWS::AccountId"
    definitions = [f"job-definition/aimass-dev-jobs-compress{end}" for end in ("", ":*")]
    jobs = {("batch:SubmitJob", f"{batch}:{one}") for one in ("job-queue/aimass-dev-jobs-cpu", *definitions)}
    granted = dev.rights("compressionmachineRole")
    named = {right for right in granted if right[1] != "*" and not right[0].startswith("events:")}
    assert named == invoked | jobs | {("batch:TerminateJob", f"{batch}:job/*")}
    assert {right for right in granted if right[1] == "*" or right[0].startswith("events:")} == {
        right for right in dev.rights("importmachineRole") if right[1] == "*" or right[0].startswith("events:")
    }


def test_errors_are_logged_without_what_tenants_sent_and_executions_kept(dev):
    properties = dev.properties("AWS::StepFunctions::StateMachine", "compressionmachine")
    assert (properties["StateMachineType"], properties["StateMachineName"]) == ("STANDARD", "aimass-dev-compression")
    assert (
        properties["LoggingConfiguration"]["Level"],
        properties["LoggingConfiguration"]["IncludeExecutionData"],
    ) == (
        "ERROR",
        False,
    )
    log = dev.properties("AWS::Logs::LogGroup", "compressionlog")
    assert (log["LogGroupName"], log["KmsKeyId"]) == ("/aws/vendedlogs/aimass-dev/compression", "key.Arn")
