"""What the job of a large model tells by putting empty objects."""

from dataclasses import replace

import pytest

from aimass.domain.compression import Candidate
from aimass.domain.jobs import Job
from aimass.usecases.compression_progress import note_compression, progress_key, progress_slugs

JOB = Job(
    id="job", kind="compression", model="m", version=1, filename="", state="running", created_at="", step="compress"
)
MOMENT = "2026-05-01T10:00:00Z"


class Registry:
    """One job, its log in the order that a reader sees, and what was noted of it."""

    def __init__(self, **job):
        self.job = replace(JOB, attempt=1, **job)
        self.lines = {}

    def get_job(self, tenant, job_id):
        assert (tenant, job_id) == ("t", "job")
        return self.job

    def log(self, tenant, job_id, attempt, step, message, *, at, place):
        self.lines[at, place] = (step, message)

    def enter_step(self, tenant, job_id, attempt, step):
        self.job = replace(self.job, step=step)

    def note_candidate(self, tenant, job_id, attempt, name, candidate):
        self.job = replace(self.job, candidates={**self.job.candidates, name: candidate})

    @property
    def log_lines(self):
        return [line for _, line in sorted(self.lines.items())]


def told(registry, slug, moment=MOMENT, attempt=1):
    return note_compression(registry, progress_key("t", replace(JOB, attempt=attempt), slug), moment)


def states(registry):
    return {name: candidate.state for name, candidate in registry.job.candidates.items()}


def test_every_slug_of_an_order_is_a_line_of_the_log_and_no_two_are_one():
    registry, slugs = Registry(), progress_slugs(["int8", "matmul_nbits.4-mixed"])
    assert all(told(registry, slug) for slug in slugs)
    assert len(registry.log_lines) == len(slugs) == 11


def test_a_candidate_goes_through_its_states():
    registry = Registry(candidates={"int8": Candidate("waiting")})
    seen = []
    for kind in ("compress", "evaluate", "evaluated"):
        told(registry, f"0.{kind}.int8")
        seen.append(states(registry)["int8"])
    assert seen == ["compressing", "evaluating", "evaluated"]
    assert registry.log_lines[0] == ("compress", "int8: being made")


def test_what_comes_late_and_twice_takes_nothing_back_and_keeps_its_place():
    registry = Registry()
    for slug in ("1.compress.fp16", "0.evaluated.int8", "0.compress.int8", "0.evaluate.int8", "0.compress.int8"):
        told(registry, slug)
    assert states(registry) == {"fp16": "compressing", "int8": "evaluated"}
    assert [message.partition(":")[0] for _, message in registry.log_lines] == ["int8", "int8", "int8", "fp16"]


def test_the_steps_go_on_and_never_back():
    registry = Registry()
    told(registry, "0.repair.int8")
    assert registry.job.step == "repair"
    told(registry, "2.choose")
    told(registry, "1.compress.int8-mixed")
    assert registry.job.step == "choose"
    registry.job = replace(registry.job, step="publish")
    told(registry, "2.choose")
    assert registry.job.step == "publish"


def test_what_a_repair_makes_is_a_candidate_of_its_own():
    registry = Registry(candidates={"int8": Candidate("evaluated")})
    told(registry, "0.repair.int8")
    assert states(registry) == {"int8": "evaluated", "int8-mixed": "compressing"}
    told(registry, "1.evaluated.int8-mixed")
    assert states(registry)["int8-mixed"] == "evaluated"


@pytest.mark.parametrize("job", [{"state": "cancelled"}, {"state": "succeeded"}])
def test_a_job_that_ended_keeps_its_candidates(job):
    registry = Registry(**job)
    assert told(registry, "0.compress.int8")
    assert states(registry) == {}


def test_another_attempts_candidates_are_left_alone():
    registry = Registry()
    told(registry, "0.compress.int8", attempt=2)
    assert states(registry) == {}


def test_what_was_seen_of_a_candidate_stays():
    registry = Registry(candidates={"int8": Candidate("waiting", smaller=4.0)})
    told(registry, "0.compress.int8")
    assert registry.job.candidates["int8"] == Candidate("compressing", smaller=4.0)


@pytest.mark.parametrize(
    "key",
    [
        "compressions/.progress/t/job/1/0.boast.int8.progress",
        "compressions/.progress/t/job/1/compress.int8.progress",
        "compressions/.progress/t/job/0/0.compress.int8.progress",
        "compressions/.progress/t/job/1/0.compress.../x.progress",
        "compressions/.progress/t/job/1/0.compress.INT8.progress",
        "compressions/.progress/t/a/b/1/0.choose.progress",
        "compressions/t/job/1/0.choose.progress",
        "conversions/t/job/1/started.progress",
    ],
)
def test_other_objects_are_no_lines(key):
    registry = Registry()
    assert note_compression(registry, key, MOMENT) is False
    assert registry.lines == {}
