"""A workspace as one job sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aimass.usecases.job_workspace import OWN, JobWorkspace
from tests.unit.usecases.compressing import Workspaces

SHARED = ("prepared.json", "candidates/int8/compressed.json")


@pytest.fixture
def files(tmp_path: Path) -> Workspaces:
    return Workspaces(tmp_path / "workspaces")


def left(folder: Path, text: str) -> Path:
    """All files of a step's folder, with that text."""
    for name in (*OWN, *SHARED):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_what_a_job_decides_lies_under_its_id_and_all_else_where_every_job_finds_it(
    files: Workspaces, tmp_path: Path
) -> None:
    JobWorkspace(files, "w", "one").store([*OWN, *SHARED], left(tmp_path, "of one"))
    assert files.names("w") == sorted([*SHARED, *(f"jobs/one/{name}" for name in OWN)])


def test_a_job_reads_its_own_and_never_what_another_one_decided(files: Workspaces, tmp_path: Path) -> None:
    one, other = JobWorkspace(files, "w", "one"), JobWorkspace(files, "w", "other")
    one.store([*OWN, *SHARED], left(tmp_path / "one", "of one"))
    assert other.names() == {*SHARED}
    assert other.fetch([*OWN, *SHARED], tmp_path / "fetched") == [*SHARED]
    assert {path.name for path in (tmp_path / "fetched").rglob("*") if path.is_file()}.isdisjoint(OWN)
    other.store(["chosen.json"], left(tmp_path / "other", "of the other"))
    assert other.names() == {*SHARED, "chosen.json"}
    assert other.fetch([*OWN], tmp_path / "fetched") == ["chosen.json"]
    assert (tmp_path / "fetched/chosen.json").read_text() == "of the other"
    assert one.fetch(["chosen.json"], tmp_path / "again") == ["chosen.json"]
    assert (tmp_path / "again/chosen.json").read_text() == "of one"


def test_what_lies_at_the_root_under_the_name_of_a_jobs_own_is_nobodys(files: Workspaces, tmp_path: Path) -> None:
    files.store("w", ["chosen.json"], left(tmp_path, "of nobody"))
    job = JobWorkspace(files, "w", "one")
    assert (job.names(), job.fetch(["chosen.json"], tmp_path / "fetched")) == (frozenset(), [])
