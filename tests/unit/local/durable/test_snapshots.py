import json

import pytest

from local.durable.snapshots import Snapshots


def write_one(folder, name, state):
    (folder / f"{name}.json").write_text(json.dumps(state))


def read(folder):
    return {path.stem: json.loads(path.read_text()) for path in folder.iterdir()}


def test_a_snapshot_takes_the_place_of_the_one_before(tmp_path):
    snapshots = Snapshots(tmp_path, write_one)
    for n in (1, 2):
        snapshots.write({"a": lambda n=n: n, "b": lambda n=n: [n]})
    assert read(Snapshots(tmp_path, write_one).newest()) == {"a": 2, "b": [2]}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_service_without_state_keeps_what_it_had(tmp_path):
    snapshots = Snapshots(tmp_path, write_one)
    snapshots.write({"a": lambda: 1, "b": lambda: 1})
    snapshots.write({"a": lambda: None, "b": lambda: 2})
    snapshots.write({"b": lambda: 3})
    assert read(snapshots.newest()) == {"a": 1, "b": 3}


def test_one_that_was_torn_is_never_read(tmp_path):
    snapshots = Snapshots(tmp_path, write_one)
    snapshots.write({"a": lambda: 1, "b": lambda: 1})

    def cut_off(folder, name, state):
        write_one(folder, name, state)
        if name == "a":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Snapshots(tmp_path, cut_off).write({"a": lambda: 2, "b": lambda: 2})
    again = Snapshots(tmp_path, write_one)
    assert read(again.newest()) == {"a": 1, "b": 1}
    again.write({"b": lambda: 3})
    assert read(again.newest()) == {"a": 1, "b": 3}


def test_the_first_is_empty(tmp_path):
    assert read(Snapshots(tmp_path / "new", write_one).newest()) == {}
