from local.ministack_iam import read_sessions, registering_on_disk


def registered(file, *sessions):
    known = {}
    register = registering_on_disk(known.__setitem__, file)
    for key, expiration in sessions:
        register(key, {"Arn": f"arn:{key}", "Expiration": expiration})
    return known


def test_a_session_is_known_again_after_a_restart(tmp_path):
    file = tmp_path / "sessions.jsonl"
    known = registered(file, ("A", 2000), ("B", 3000))
    assert read_sessions(file, 1000) == known


def test_an_expired_session_is_forgotten_on_disk_too(tmp_path):
    file = tmp_path / "sessions.jsonl"
    registered(file, ("A", 2000), ("B", 3000))
    assert read_sessions(file, 2000).keys() == {"B"}
    assert "arn:A" not in file.read_text()


def test_a_torn_line_costs_only_itself(tmp_path):
    file = tmp_path / "sessions.jsonl"
    registered(file, ("A", 2000))
    with file.open("a") as lines:
        lines.write('{"B": {"Arn"')
    assert read_sessions(file, 1000).keys() == {"A"}
    registered(file, ("C", 2000))
    assert read_sessions(file, 1000).keys() == {"A", "C"}


def test_only_its_owner_reads_the_sessions(tmp_path):
    file = tmp_path / "sessions.jsonl"
    registered(file, ("A", 2000))
    assert file.stat().st_mode & 0o777 == 0o600
    read_sessions(file, 1000)
    assert file.stat().st_mode & 0o777 == 0o600


def test_no_sessions_without_a_file(tmp_path):
    assert read_sessions(tmp_path / "sessions.jsonl", 0) == {}
