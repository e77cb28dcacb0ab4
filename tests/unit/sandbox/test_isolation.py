"""From inside the child that opens a hostile model. Every set of layers that this machine allows proves itself."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimass.domain.errors import InternalError, InvalidModel, ModelCrashed, ModelOutOfMemory, ModelTimeout
from aimass.domain.leftovers import remove
from aimass.sandbox import isolation_probe
from aimass.sandbox.isolation import CONFINED, LANDLOCK, NAMESPACES, SECCOMP, USER, Isolation
from aimass.sandbox.isolation_probe import isolation_in_force, reached
from aimass.sandbox.limits import MIB, Limits
from aimass.sandbox.runner import run

ROOT = Path(__file__).parents[3]
LIMITS = Limits(seconds=20, memory_bytes=512 * MIB, file_bytes=4 * MIB, folder_bytes=8 * MIB, processes=64)
SETS = [(NAMESPACES, USER, LANDLOCK, SECCOMP), (NAMESPACES, SECCOMP), (LANDLOCK, SECCOMP), (USER, SECCOMP)]

Attempt = Callable[..., Any]


_reached = functools.cache(reached)


@pytest.fixture(params=SETS, ids="+".join)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    leaks = _reached(request.param)
    if leaks is None:
        pytest.skip("this machine lacks one of the layers, or Python lies where no other user may read")
    if leaks:
        pytest.skip(f"not strong here, and not called so: {leaks}")
    return Isolation(request.param, strong=True, readable=(str(ROOT),))


@pytest.fixture
def strongest() -> Isolation:
    found = isolation_in_force()
    if not found.strong:
        pytest.skip("no strong isolation on this machine")
    return replace(found, readable=(str(ROOT),))


@pytest.fixture
def outer() -> Iterator[Path]:
    """Closed to other users but for the way through, which pytest's own folders are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def folder(outer: Path) -> Path:
    (outer / "child").mkdir()
    return outer / "child"


def attempt(folder: Path, isolation: Isolation, what: str, limits: Limits = LIMITS, **request: Any) -> Any:
    document = {"attempt": what, **request}
    task = "tests.unit.sandbox.hostile"
    return run(task, document, folder=folder, limits=limits, isolation=isolation)["result"]


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="x86_64 Linux only")
def test_a_strong_isolation_is_found_where_landlock_or_root_are() -> None:
    if _reached((LANDLOCK, SECCOMP)) is None and _reached((NAMESPACES, SECCOMP)) is None:
        pytest.skip("this kernel has neither Landlock nor namespaces for us")
    found = isolation_in_force()
    assert found.strong
    assert SECCOMP in found.layers
    assert all(layer in found.description for layer in found.layers)


def test_a_confined_child_is_not_called_strong() -> None:
    assert not CONFINED.strong
    assert not isolation_in_force().strong or isolation_in_force().layers


def test_the_work_of_a_conversion_goes_on(folder: Path, isolation: Isolation) -> None:
    assert attempt(folder, isolation, "at work") == "graph 200"
    assert (folder / "out/model.onnx").read_bytes() == b"graph"


def test_no_connection_can_be_tried(folder: Path, isolation: Isolation) -> None:
    seen = attempt(folder, isolation, "sockets")
    assert {name.split()[0] for name in seen} >= {"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"}
    assert seen == dict.fromkeys(seen, "EPERM")


@pytest.mark.parametrize("what", ["fork twice", "exec", "spawn"])
def test_no_process_is_started(folder: Path, isolation: Isolation, what: str) -> None:
    assert attempt(folder, isolation, what) == "denied EPERM"


def test_no_shell_is_started(folder: Path, isolation: Isolation) -> None:
    assert attempt(folder, isolation, "shell") != 0
    assert not (folder / "made").exists()


def test_nothing_is_written_or_cut_outside(folder: Path, isolation: Isolation, outer: Path) -> None:
    beside = outer / "beside"
    beside.write_text("kept")
    beside.chmod(0o600 if isolation.layers == (USER, SECCOMP) else 0o666)  # its user is all that keeps that one out
    for path in (outer / "made", ROOT / "made", Path.home() / "made", Path("/tmp/made-by-a-model"), Path("/made")):
        assert attempt(folder, isolation, "write", path=str(path)).startswith("denied")
        assert not path.exists()
    for what in ("write", "cut", "link"):
        assert attempt(folder, isolation, what, path=str(beside)).startswith("denied")
    assert beside.read_text() == "kept"


def test_modes_and_times_outside_stay_as_they_are(folder: Path, isolation: Isolation, outer: Path) -> None:
    file = outer / "beside"
    file.write_text("kept")
    before = file.stat()
    attempt(folder, isolation, "close", path=str(file))
    assert (file.stat().st_mode, file.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_nothing_of_the_parent_is_read(folder: Path, isolation: Isolation, outer: Path) -> None:
    (outer / "state").mkdir(mode=0o700)
    (outer / "state" / "credentials").write_text("secret")
    home = Path.home()
    for file in (outer / "state/credentials", home / ".aws/credentials", home / ".bash_history"):
        assert attempt(folder, isolation, "read", path=str(file)).startswith("denied")
    for file in ("environ", "mem", "maps", "fd/0", f"task/{os.getpid()}/environ"):
        assert attempt(folder, isolation, "read", path=f"/proc/{os.getpid()}/{file}").startswith("denied")
    assert attempt(folder, isolation, "look", path=str(outer / "state")) in ("denied EACCES", "denied ENOENT")


def test_the_environment_is_not_the_parents(
    folder: Path, isolation: Isolation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("ORDER_URL", "https://orders")
    seen = attempt(folder, isolation, "environment")
    assert "secret" not in seen.values()
    assert not {"AWS_SECRET_ACCESS_KEY", "ORDER_URL"} & seen.keys()


def test_the_child_is_no_one_with_no_rights(folder: Path, isolation: Isolation) -> None:
    seen = attempt(folder, isolation, "identity")
    assert int(seen["capabilities"], 16) == 0
    if USER in isolation.layers:
        assert seen["uid"] not in (0, os.getuid())
        assert seen["groups"] == []


def test_no_signal_reaches_another_process(folder: Path, isolation: Isolation) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        for what in ("kill", "signal by pipe"):
            assert attempt(folder, isolation, what, process=other.pid) == "denied EPERM"
        assert other.poll() is None
        other.kill()


def test_the_parent_is_not_killed_by_its_group(folder: Path, strongest: Isolation) -> None:
    assert attempt(folder, strongest, "kill", process=-1) == "denied EPERM"


# Numbers of asm/unistd_64.h
DENIED = {
    "ptrace": [101, 0, 0, 0, 0],
    "process_vm_readv": [310, 1, 0, 0, 0, 0, 0],
    "process_vm_writev": [311, 1, 0, 0, 0, 0, 0],
    "pidfd_open": [434, 1, 0],
    "pidfd_getfd": [438, 0, 0, 0],
    "unshare": [272, 0],
    "setns": [308, -1, 0],
    "mount": [165, 0, 0, 0, 0, 0],
    "umount2": [166, 0, 0],
    "pivot_root": [155, 0, 0],
    "chroot": [161, 0],
    "open_tree": [428, -1, 0, 0],
    "move_mount": [429, -1, 0, -1, 0, 0],
    "mount_setattr": [442, -1, 0, 0, 0, 0],
    "keyctl": [250, 0, 0, 0, 0, 0],
    "add_key": [248, 0, 0, 0, 0, 0],
    "bpf": [321, 0, 0, 0],
    "perf_event_open": [298, 0, 0, -1, -1, 0],
    "userfaultfd": [323, 0],
    "io_uring_setup": [425, 1, 0],
    "io_uring_enter": [426, -1, 0, 0, 0, 0],
    "io_uring_register": [427, -1, 0, 0, 0],
    "kexec_load": [246, 0, 0, 0, 0],
    "init_module": [175, 0, 0, 0],
    "finit_module": [313, -1, 0, 0],
    "socket": [41, 2, 1, 0],
    "socketpair": [53, 1, 1, 0, 0],
    "connect": [42, -1, 0, 0],
    "bind": [49, -1, 0, 0],
    "sendmsg": [46, -1, 0, 0],
    "fork": [57],
    "vfork": [58],
    "clone of a process": [56, signal.SIGCHLD, 0, 0, 0, 0],
    "clone into a user namespace": [56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0],
    "execveat": [322, -1, 0, 0, 0, 0],
    "memfd_create": [319, 0, 0],
    "shmget": [29, 0, 4096, 0o1600],
    "mq_open": [240, 0, 0, 0, 0],
    "setsid": [112],
    "setuid": [105, 0],
    "prctl to outlive its parent": [157, 1, 0, 0, 0, 0],
    "prctl to be read by others": [157, 4, 1, 0, 0, 0],
    "prlimit of another": [302, 1, 7, 0, 0],
    "prlimit of its own": [302, 0, 7, 1, 0],
    "setrlimit": [160, 7, 1],
    "tkill": [200, 1, 0],
    "ioctl that types into a terminal": [16, 0, 0x5412, 0],
    "symlink": [88, 0, 0],
    "chown": [92, 0, -1, -1],
    "mknod": [133, 0, 0, 0],
    "landlock_create_ruleset": [444, 0, 0, 1],
    "seccomp": [317, 0, 0, 0],
    "a call of the future": [1000],
}


def test_calls_that_no_conversion_needs_are_denied(folder: Path, strongest: Isolation) -> None:
    seen = attempt(folder, strongest, "syscalls", calls=DENIED)
    assert seen == dict.fromkeys(DENIED, "EPERM")


def test_clone3_sends_libraries_back_to_clone(folder: Path, strongest: Isolation) -> None:
    assert attempt(folder, strongest, "syscalls", calls={"clone3": [435, 0, 0]}) == {"clone3": "ENOSYS"}


def test_calls_of_another_architecture_end_the_child(folder: Path, strongest: Isolation) -> None:
    x32 = 0x40000000
    with pytest.raises(ModelCrashed, match="SIGSYS"):
        attempt(folder, strongest, "syscalls", calls={"getpid": [x32 + 39]})


def test_memory_that_counts_against_no_limit_is_not_given(folder: Path, isolation: Isolation) -> None:
    assert attempt(folder, isolation, "shared memory") == "denied EPERM"
    assert attempt(folder, isolation, "growing memory") == "denied EPERM"
    assert attempt(folder, isolation, "zeros") in ("denied EACCES", "denied ENOENT")


def test_memory_that_the_limit_forgets_is_seen_by_the_parent(folder: Path, strongest: Isolation) -> None:
    limits = replace(LIMITS, memory_bytes=256 * MIB)
    with pytest.raises(ModelOutOfMemory, match="256 MB of memory"):
        attempt(folder, strongest, "made constant", limits=limits, bytes=448 * MIB)


def test_the_probe_finds_memory_that_counts_against_no_limit() -> None:
    assert {"shared memory", "memfd_create", "/dev/zero"} <= set(_reached(()) or ())


def test_a_container_of_one_job_closes_what_all_users_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, zeros = tmp_path / "shared", tmp_path / "zero"
    shared.mkdir()
    zeros.touch()
    for path in (shared, zeros):
        path.chmod(0o777)
    monkeypatch.setattr(isolation_probe, "_SHARED", (str(shared),))
    monkeypatch.setattr(isolation_probe, "_ZEROS", zeros)
    isolation_probe.close_shared_folders()
    assert shared.stat().st_mode & 0o777 == 0o775
    assert zeros.stat().st_mode & 0o777 == 0o600


def test_too_much_memory_is_refused_by_name(folder: Path, strongest: Isolation) -> None:
    with pytest.raises(ModelOutOfMemory, match="512 MB of memory"):
        attempt(folder, strongest, "allocate", bytes=1 << 30)


def test_too_large_a_file_is_refused_by_name(folder: Path, strongest: Isolation) -> None:
    with pytest.raises(InvalidModel, match="a file of more than 4 MiB"):
        attempt(folder, strongest, "large file", bytes=5 * MIB)


def test_too_many_files_are_refused_by_name(folder: Path, strongest: Isolation) -> None:
    with pytest.raises(InvalidModel, match="more than the 8 MiB of files"):
        attempt(folder, strongest, "many files")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 200 * MIB


@pytest.mark.parametrize("what", ["deep", "many empty files"])
def test_a_folder_that_cannot_be_counted_is_refused(folder: Path, strongest: Isolation, what: str) -> None:
    with pytest.raises(InvalidModel, match="more than the 8 MiB of files"):
        attempt(folder, strongest, what, count=3000)
    remove(folder)
    assert not folder.exists()


def test_a_folder_closed_to_its_reader_is_refused(folder: Path, strongest: Isolation) -> None:
    if os.geteuid() == 0:
        pytest.skip("root can list it")
    with pytest.raises(InvalidModel):
        attempt(folder, strongest, "unlistable")


@pytest.mark.parametrize("status", [0, 1, 3])
def test_a_model_that_ends_its_process_is_refused(folder: Path, strongest: Isolation, status: int) -> None:
    with pytest.raises(ModelCrashed, match=f"with status {status}"):
        attempt(folder, strongest, "exit", status=status)


def test_a_fault_in_the_models_own_code_is_its_crash_and_stays_in_the_log(folder: Path, strongest: Isolation) -> None:
    with pytest.raises(ModelCrashed, match="with status 1") as refused:
        attempt(folder, strongest, "fail")
    assert "KeyError" not in refused.value.message
    assert "KeyError" in refused.value.__notes__[0]


@pytest.mark.parametrize(
    "reply",
    ["no JSON", "[]", "{}", '{"answer": 3}', '{"error": {"code": "none"}}', '{"error": 7}', "[" * 100_000, "9" * 5_000],
)
def test_a_forged_reply_is_a_crash_of_the_model(folder: Path, strongest: Isolation, reply: str) -> None:
    with pytest.raises(ModelCrashed):
        attempt(folder, strongest, "forge", reply=reply)


@pytest.mark.parametrize("what", ["spin", "sleep"])
def test_too_long_a_time_is_refused_by_name(folder: Path, strongest: Isolation, what: str) -> None:
    with pytest.raises(ModelTimeout, match="within 2 s"):
        attempt(folder, strongest, what, limits=replace(LIMITS, seconds=2))


def test_threads_are_counted(folder: Path, strongest: Isolation) -> None:
    if not {USER, NAMESPACES} & set(strongest.layers):
        pytest.skip("without a user or namespace of its own the parent's threads would count")
    assert 0 < attempt(folder, strongest, "threads", count=200) < 64


def test_no_process_is_left(folder: Path, strongest: Isolation) -> None:
    with pytest.raises(ModelTimeout):
        attempt(folder, strongest, "sleep", limits=replace(LIMITS, seconds=1))
    assert not [entry for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, folder)]


def test_two_children_are_strangers(outer: Path, strongest: Isolation) -> None:
    if USER not in strongest.layers:
        pytest.skip("only root can give each child a user of its own")
    seen = set()
    for name in ("one", "two"):
        (outer / name).mkdir()
        seen.add(attempt(outer / name, strongest, "identity")["uid"])
    assert len(seen) == 2


def test_a_layer_that_cannot_be_had_ends_the_child_before_it_opens_anything(folder: Path) -> None:
    with pytest.raises(InternalError):
        attempt(folder, Isolation(("moat",)), "write", path="opened")
    assert not (folder / "opened").exists()


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return Path(os.readlink(process / "cwd")).is_relative_to(folder)
    except OSError:
        return False
