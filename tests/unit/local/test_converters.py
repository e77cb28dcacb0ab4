import json
import sys
from pathlib import Path

import pytest

from aimass.sandbox import isolation_probe
from aimass.sandbox.isolation import Isolation
from local import converters

DEPLOYED = {"CONVERTERS": "", "CONVERSION_LIMITS": json.dumps({"seconds": 60, "memory_mb": 10**9, "disk_mb": 10**9})}


def test_an_environment_is_installed_once_its_stamp_is_there(tmp_path):
    for name in ("trees", "torch"):
        (tmp_path / f"convert-{name}" / "bin").mkdir(parents=True)
    (tmp_path / "convert-trees" / "stamp").touch()
    assert converters.installed(tmp_path) == ("trees",)
    assert converters.python_of("convert-trees", tmp_path) == tmp_path / "convert-trees/bin/python"


def test_what_compresses_is_this_environment():
    assert converters.python_of("compress") == Path(sys.prefix) / "bin/python"


def test_compressions_run_here_whatever_is_deployed_and_share_the_machine_too(monkeypatch):
    monkeypatch.setattr(converters, "_memory_bytes", lambda: 16 << 30)
    monkeypatch.setattr(converters.os, "cpu_count", lambda: 2)
    deployed = {
        "COMPRESSORS": "",
        "COMPRESSION_LIMITS": json.dumps({"seconds": 6600, "memory_mb": 29696, "disk_mb": 9}),
    }
    found = converters.settings(deployed)
    assert found["COMPRESSORS"] == "1"
    assert json.loads(found["COMPRESSION_LIMITS"]) == {"seconds": 6600, "memory_mb": 8192, "disk_mb": 9}
    assert converters.settings({"TABLE_NAME": "t"}) == {}


def test_a_conversion_may_use_part_of_the_machine_and_no_more_than_is_deployed(monkeypatch):
    monkeypatch.setattr(converters, "_memory_bytes", lambda: 16 << 30)
    monkeypatch.setattr(converters.os, "cpu_count", lambda: 2)
    found = json.loads(converters.settings(DEPLOYED)["CONVERSION_LIMITS"])
    assert (found["seconds"], found["memory_mb"]) == (60, 8192)
    assert found["disk_mb"] < 10**9
    small = DEPLOYED | {"CONVERSION_LIMITS": json.dumps({"seconds": 60, "memory_mb": 100, "disk_mb": 1})}
    assert json.loads(converters.settings(small)["CONVERSION_LIMITS"]) == {
        "seconds": 60,
        "memory_mb": 100,
        "disk_mb": 1,
    }


@pytest.mark.parametrize(("processors", "gib", "jobs", "mib"), [(8, 64, 4, 8192), (8, 16, 2, 4096), (1, 4, 1, 2048)])
def test_jobs_side_by_side_share_what_a_conversion_may_use(monkeypatch, processors, gib, jobs, mib):
    monkeypatch.setattr(converters, "_memory_bytes", lambda: gib << 30)
    monkeypatch.setattr(converters.os, "cpu_count", lambda: processors)
    assert converters.jobs_at_once() == jobs
    assert json.loads(converters.settings(DEPLOYED)["CONVERSION_LIMITS"])["memory_mb"] == mib


def test_what_converts_is_what_is_installed_whatever_is_deployed(monkeypatch):
    monkeypatch.setattr(converters, "installed", lambda: ("torch", "trees"))
    assert converters.settings(DEPLOYED)["CONVERTERS"] == "torch trees"
    assert converters.settings(DEPLOYED | {"CONVERTERS": "tensorflow"})["CONVERTERS"] == "torch trees"


def warned(monkeypatch, *, here, strong):
    monkeypatch.setattr(converters, "installed", lambda: here)
    found = Isolation(strong=strong, description="a child with limits of its own")
    monkeypatch.setattr(isolation_probe, "isolation_in_force", lambda: found)
    return converters.warning()


def test_a_machine_that_cannot_shut_programs_off_says_so_where_models_can_be_converted(monkeypatch):
    told = warned(monkeypatch, here=("trees",), strong=False)
    assert told == (
        "files that can run code when they are opened, such as pickles, are refused: a child with limits of its own"
    )
    assert warned(monkeypatch, here=("trees",), strong=True) is None
    assert warned(monkeypatch, here=(), strong=False) is None
