import asyncio
import threading

from local.durable.journal import Journal, records_in


def kept(path, kind="item"):
    """What a process that starts now would load."""
    return {tuple(key): value for key, value in Journal(path).records(kind)}


def test_a_record_is_there_for_the_next_process_as_it_was_last(tmp_path):
    journal = Journal(tmp_path / "j.db")
    journal.write({("item", "a"): 1, ("item", "b"): 2, ("other", "a"): 3})
    journal.write({("item", "a"): {"now": [4]}, ("item", "b"): None})
    journal.wait()
    assert kept(tmp_path / "j.db") == {("a",): {"now": [4]}}


def test_what_a_request_touched_is_read_once_at_its_end(tmp_path):
    journal, state = Journal(tmp_path / "j.db"), {"n": 0}
    with journal.together():
        for n in (1, 2):
            state["n"] = n
            journal.touch(("item", "n"), lambda: state["n"])
        journal.wait()
        assert kept(tmp_path / "j.db") == {}
        state["n"] = 3
    journal.wait()
    assert kept(tmp_path / "j.db") == {("n",): 3}


def test_what_was_touched_before_an_exception_is_kept(tmp_path):
    journal = Journal(tmp_path / "j.db")
    try:
        with journal.together():
            journal.touch(("item", "a"), lambda: 1)
            raise ValueError
    except ValueError:
        journal.wait()
    assert kept(tmp_path / "j.db") == {("a",): 1}


def test_settled_returns_once_everything_is_on_disk(tmp_path):
    async def run():
        journal = Journal(tmp_path / "j.db")
        await journal.settled()
        for n in range(200):
            journal.write({("item", str(n)): n})
            if n % 20 == 0:
                await journal.settled()
                assert (str(n),) in kept(tmp_path / "j.db")

    asyncio.run(run())


def test_an_act_for_afterwards_finds_the_records_written(tmp_path):
    journal, done, found = Journal(tmp_path / "j.db"), threading.Event(), {}

    def look():
        found.update(kept(tmp_path / "j.db"))
        done.set()

    def value():
        journal.afterwards(look)
        return 1

    with journal.together():
        journal.touch(("item", "a"), value)
    assert done.wait(10)
    assert found == {("a",): 1}


def test_threads_lose_none_of_each_others_records(tmp_path):
    journal = Journal(tmp_path / "j.db")

    def write(name):
        for n in range(100):
            with journal.together():
                journal.touch(("item", name, str(n)), lambda: name)
            journal.wait()

    threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept(tmp_path / "j.db")) == 400


def test_another_process_reads_the_records_of_some_keys(tmp_path):
    journal = Journal(tmp_path / "j.db")
    journal.write({("item", "T#a", "JOB#1"): "a job", ("item", "T#a", "VER#JOB"): "a version"})
    journal.wait()
    assert list(records_in(tmp_path / "j.db", "item", '"JOB#')) == ["a job"]
