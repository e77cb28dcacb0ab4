"""A process that is killed right after its last answer, and what the next one has."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.local.durable.scenarios import LARGE, MB

ROOT = Path(__file__).parents[4]


@pytest.fixture
def run(tmp_path):
    """Runs a scenario in a process on the test's state, which then kills itself."""

    def run_scenario(name):
        command = [sys.executable, "-m", "tests.unit.local.durable.in_process", str(tmp_path), name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == -9, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run_scenario


def digest(body):
    return hashlib.sha256(body).hexdigest()


def test_every_kind_of_write_to_a_table_is_there(run):
    run("write_items")
    assert run("read_items") == {"kept": "1", "changed": "2", "one": "3", "two": "3", "batched": "4"}


def test_objects_versions_and_markers_are_there_with_their_bytes(run, tmp_path):
    versions = run("write_objects")
    found = run("read_objects")
    bodies = {"small": b"second", "large": LARGE, "empty": b"", "copy": LARGE}
    assert {key: found[key] for key in bodies} == {key: digest(body) for key, body in bodies.items()}
    assert versions.keys() <= found["versions"].keys()
    by_key = [(versions[version], sha256) for version, sha256 in found["versions"].items() if version in versions]
    assert {sha256 for key, sha256 in by_key if key == "small"} == {digest(b"first"), digest(b"second")}
    assert [sha256 for key, sha256 in by_key if key == "gone"] == [digest(b"was")]
    assert found["markers"] == ["gone"]
    assert (found["metadata"], found["tags"]) == ({"job": "7"}, [{"Key": "a", "Value": "b"}])
    cut = [digest(LARGE[5 : 2 * MB + 5]), f"bytes 5-{2 * MB + 4}/{len(LARGE)}"]
    assert (found["range"], found["pinned range"]) == (cut, cut)
    assert len(list((tmp_path / "blobs").iterdir())) == 4  # one of each body that isn't empty; a copy shares its


def test_an_upload_in_parts_goes_on_and_keeps_no_other_bytes(run, tmp_path):
    run("begin_upload")
    etag = run("complete_upload")
    found = run("read_upload")
    assert found == {"body": digest(LARGE + b"end"), "etag": etag, "metadata": {"job": "7"}, "uploads": []}
    parts = [hashlib.md5(part, usedforsecurity=False).digest() for part in (LARGE, b"end")]
    assert etag == f'"{hashlib.md5(b"".join(parts), usedforsecurity=False).hexdigest()}-2"'
    assert sum(file.stat().st_size for file in (tmp_path / "blobs").iterdir()) == len(LARGE) + 3


def test_messages_that_were_not_deleted_are_received_again(run):
    run("send_messages")
    assert run("receive_messages") == [["received", "2"], ["sent", "1"]]


def test_an_execution_that_was_started_is_known_to_have_been_cut_off(run):
    run("start_execution")
    assert run("describe_execution") == ["e", "FAILED", "States.ServiceRestart"]


def test_an_event_is_delivered_until_its_function_has_taken_it(run):
    version = run("put_without_delivery")
    assert run("count_pending") == 1
    (event,) = run("deliver")
    assert event["detail"]["object"]["version-id"] == version
    assert event["detail"]["object"]["key"] == "uploads/t/m/f"
    assert run("count_pending") == 0


def test_queries_answer_page_by_page_what_they_ask_for(run):
    found = run("query_in_pages")
    ones = [n for n in range(1, 300, 3) if n != 1]
    assert found["by limit"] == [ones[:40], ones[40:80], ones[80:]]
    backward = list(reversed(range(0, 300, 3)))
    assert found["backward"] == [backward[:30], backward[30:60], backward[60:90], backward[90:]]
    assert [n for page in found["filtered"] for n in page] == [n for n in ones if n < 100]
    assert [n for page in found["by size"] for n in page] == [*ones, *range(2, 300, 3)]
    assert len(found["by size"][0]) == 116  # of 9 KB each, as many as 1 MB holds
    assert found["other tenant"] == [[]]
