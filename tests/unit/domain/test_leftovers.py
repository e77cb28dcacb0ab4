"""Folders that a stranger's program left."""

import os
import subprocess
import sys

import pytest

from aimass.domain.leftovers import remove

MAKE_DEEP = "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    open('f', 'w').close()\n    os.chdir('d')\n"


def test_a_folder_goes_with_all_that_it_holds(tmp_path):
    left = tmp_path / "left"
    for number in range(300):
        (left / f"a{number % 7}" / f"b{number % 5}" / f"c{number}").mkdir(parents=True)
        (left / f"a{number % 7}" / f"f{number}").write_text("x")
    os.mkfifo(left / "pipe")
    remove(left)
    assert not left.exists()


def test_depth_beyond_any_path_and_the_stack_is_no_matter(tmp_path):
    left = tmp_path / "left"
    left.mkdir()
    subprocess.run([sys.executable, "-c", MAKE_DEEP], cwd=left, check=True)
    remove(left)
    assert not left.exists()


def as_another(program):
    """Runs it as a user that the modes of folders hold for."""
    if os.geteuid() != 0:
        exec(program, {})
        return 0
    child = os.fork()
    if child == 0:
        try:
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            exec(program, {})
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("mode", [0o300, 0o500, 0])
def test_folders_closed_to_their_owner_go_too(mode):
    program = f"""
import os, tempfile
from pathlib import Path
from aimass.domain.leftovers import remove
with tempfile.TemporaryDirectory(dir="/tmp") as made:
    left = Path(made) / "left"
    (left / "a" / "b" / "c").mkdir(parents=True)
    (left / "a" / "b" / "file").write_text("x")
    for name in ("a/b/c", "a/b", "a", "."):
        os.chmod(left / name, {mode})
    remove(left)
    assert not left.exists()
"""
    assert as_another(program) == 0


def test_no_link_is_followed(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("kept")
    left = tmp_path / "left"
    (left / "within").mkdir(parents=True)
    (left / "link").symlink_to(kept)
    (left / "within" / "link").symlink_to(kept)
    remove(left)
    assert not left.exists()
    (tmp_path / "link").symlink_to(kept)
    remove(tmp_path / "link")
    assert (kept / "file").read_text() == "kept"


def test_what_is_not_there_is_no_error(tmp_path):
    remove(tmp_path / "nothing")
