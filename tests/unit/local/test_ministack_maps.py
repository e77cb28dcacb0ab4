import threading

import pytest

from local.ministack_maps import bounded, failing_together, wanted_still

RUNS = {"status": "RUNNING"}
IN_A_MAP = {"Map": {"Item": {"Index": 0, "Value": "a"}}}


class Failed(Exception):
    pass


def mapping(item, at_once=9):
    """A Map's own runner, of items one after another, which knows nothing of failures."""
    run_item, most, errors = failing_together(item), [], []

    def run_map(state, items):
        most.append(state["MaxConcurrency"])
        for one in items:
            try:
                run_item(one)
            except Failed as error:
                errors.append(str(error))

    return bounded(run_map, at_once), most, errors


def test_items_after_one_that_failed_are_not_begun_and_fail_of_the_same():
    begun = []

    def item(name):
        begun.append(name)
        if name == "b":
            raise Failed("b's own")

    run, _, errors = mapping(item)
    run({}, ["a", "b", "c", "d"])
    assert (begun, errors) == (["a", "b"], ["b's own"] * 3)


def test_the_failure_of_one_map_is_not_the_next_ones():
    def item(name):
        if name == "bad":
            raise Failed(name)

    run, _, errors = mapping(item)
    run({}, ["bad"])
    run({}, ["good"])
    assert errors == ["bad"]


@pytest.mark.parametrize(("asked", "most"), [({}, 3), ({"MaxConcurrency": 0}, 3), ({"MaxConcurrency": 2}, 2)])
def test_no_more_items_run_at_once_than_the_machine_has_places_for(asked, most):
    run, seen, _ = mapping(lambda _: None, at_once=3)
    run(asked, [])
    assert seen == [most]


def test_a_task_of_an_item_is_not_begun_once_its_execution_was_stopped():
    begun = []
    execute = wanted_still(lambda *task: begun.append(task), Failed("stopped"))
    execute({}, "given", RUNS, IN_A_MAP)
    with pytest.raises(Failed, match="stopped"):
        execute({}, "given", {"status": "ABORTED"}, IN_A_MAP)
    assert len(begun) == 1


def test_a_task_outside_of_a_map_is_the_state_machines_own_matter():
    execute = wanted_still(lambda *task: "ran", Failed("stopped"))
    assert execute({}, "given", {"status": "ABORTED"}, {}) == "ran"


def test_an_items_next_task_is_not_begun_after_another_item_failed():
    second, failed = threading.Event(), threading.Event()
    tasks = []
    execute = wanted_still(lambda state, *_: tasks.append(state), Failed("stopped"))

    def slow():
        execute("first", None, RUNS, IN_A_MAP)
        second.set()
        failed.wait(10)
        execute("next", None, RUNS, IN_A_MAP)

    def bad():
        second.wait(10)
        raise Failed("other")

    def run_map(_state, items):
        from contextvars import copy_context

        def run(item):
            with pytest.raises(Failed, match="other"):
                run_item(item)
            failed.set()

        threads = [threading.Thread(target=copy_context().run, args=(run, item)) for item in items]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run_item = failing_together(lambda item: item())
    bounded(run_map, 2)({}, [slow, bad])
    assert tasks == ["first"]
