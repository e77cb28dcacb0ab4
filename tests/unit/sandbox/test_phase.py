"""What a child tells of its phases while it works."""

import threading
import time
from pathlib import Path

import pytest

from aimass.domain.errors import InvalidModel
from aimass.sandbox.limits import Limits
from aimass.sandbox.phase import Phases, tell
from aimass.sandbox.runner import run


def heard_of(*chunks):
    heard = []
    phases = Phases(heard.append)
    for chunk in chunks:
        phases.feed(chunk)
    phases.close()
    return heard


def test_phases_are_heard_once_each_in_whatever_pieces_they_come():
    assert heard_of(b'{"phase": "ope', b'ning"}\n{"phase": "converting"}\n', b'{"phase": "opening"}\n') == [
        "opening",
        "converting",
    ]


@pytest.mark.parametrize(
    "written",
    [b'{"phase": "boasting"}\n', b'{"phase": "opening"', b'{"answer": {"phase": "opening"}}\n', b"x" * 10**6 + b"\n"],
)
def test_what_is_no_phase_is_not_heard(written):
    assert heard_of(written) == []


def test_what_was_begun_and_never_ended_is_kept_within_bounds():
    phases = Phases(None)
    for _ in range(100):
        phases.feed(b"x" * 10**4)
    assert len(phases._begun) <= 200


def test_outside_of_a_child_nothing_is_told(capfd):
    tell("opening")
    assert capfd.readouterr() == ("", "")


def test_a_childs_phases_are_heard_beside_its_answer(tmp_path):
    heard = []
    limits = Limits(seconds=60, memory_bytes=1 << 30, file_bytes=1 << 20)
    answer = run("tests.unit.sandbox.telling", {}, folder=tmp_path, limits=limits, heard=heard.append)
    assert (answer, heard) == ({"told": 2}, ["opening", "replaying"])


def test_limits_are_watched_while_a_phase_is_told(tmp_path):
    ended = []

    def heard(_):
        """Takes until the child is gone, whose limits the runner watches meanwhile, or until nobody will end it."""
        child = Path("/proc", (tmp_path / "child").read_text())
        until = time.monotonic() + 20
        while (alive := child.exists()) and time.monotonic() < until:
            time.sleep(0.01)
        ended.append(not alive)

    limits = Limits(seconds=60, memory_bytes=1 << 30, file_bytes=1 << 20, folder_bytes=1 << 20)
    with pytest.raises(InvalidModel, match="writes more than the 1 MiB"):
        run("tests.unit.sandbox.telling", {"then fills": True}, folder=tmp_path, limits=limits, heard=heard)
    assert ended == [True]


def test_what_takes_too_long_to_tell_holds_nothing_up_for_ever():
    told, released = [], threading.Event()

    def heard(phase):
        released.wait(20)
        told.append(phase)

    phases = Phases(heard)
    phases.feed(b'{"phase": "opening"}\n')
    phases.close(seconds=0.01)
    assert told == []
    released.set()
    phases.close()
    assert told == ["opening"]
