import asyncio

from local import saver


def run(scenario, monkeypatch):
    monkeypatch.setattr(saver, "AFTER_SECONDS", 0.02)
    return run_as_it_is(scenario)


def run_as_it_is(scenario, **options):
    state, written = {"n": 0}, []

    def write(copies):
        written.append({name: copy() for name, copy in copies.items()})

    async def live():
        saving = saver.Saver(lambda: {"table": lambda: dict(state)}, write, **options)
        await scenario(saving, state, written)
        await saving.close()

    asyncio.run(live())
    return written


def test_changes_close_together_are_saved_once(monkeypatch):
    async def scenario(saving, state, _):
        for _ in range(5):
            state["n"] += 1
            saving.changed()
        await asyncio.sleep(0.1)

    assert run(scenario, monkeypatch) == [{"table": {"n": 5}}]


def test_nothing_is_saved_while_nothing_changes(monkeypatch):
    async def scenario(*_):
        await asyncio.sleep(0.1)

    assert run(scenario, monkeypatch) == []


def test_a_service_that_changes_under_the_copy_keeps_what_was_saved():
    def unstable():
        raise RuntimeError("dictionary changed size during iteration")

    assert saver._copy("states", unstable) is None


def test_a_caller_that_waits_hears_of_a_save_that_began_after_its_call(monkeypatch):
    async def scenario(saving, state, written):
        state["n"] = 1
        await saving.saved()
        assert written == [{"table": {"n": 1}}]

    monkeypatch.setattr(saver, "AFTER_SECONDS", 3600)
    run_as_it_is(scenario)


def test_nothing_is_saved_until_it_is_ready(monkeypatch):
    monkeypatch.setattr(saver, "NOT_READY_SECONDS", 0.01)
    ready = []

    async def scenario(saving, state, written):
        waiting = asyncio.create_task(saving.saved())
        await asyncio.sleep(0.1)
        assert written == []
        ready.append(True)
        await waiting
        assert written == [{"table": {"n": 0}}]

    run_as_it_is(scenario, ready=lambda: bool(ready))
