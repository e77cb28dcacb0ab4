import threading

import pytest

from local.places import Places


class Line:
    """Those who wait for a place, one thread each; `order` is who got one."""

    def __init__(self, at_once):
        self.places = Places(at_once)
        self.order = []
        self._leave = {}
        self._threads = []
        self._changed = threading.Condition()

    def come(self, name, share):
        self._leave[name] = threading.Event()
        thread = threading.Thread(target=self._take, args=(name, share))
        self._threads.append(thread)
        before = len(self.places._waiting) + len(self.order)
        thread.start()
        while len(self.places._waiting) + len(self.order) == before:
            thread.join(0.001)

    def _take(self, name, share):
        with self.places.taken(share, lambda: None):
            with self._changed:
                self.order.append(name)
                self._changed.notify_all()
            self._leave[name].wait()

    def leave(self, name):
        """And the next has come, if anyone waits."""
        wanted = len(self.order) + bool(self.places._waiting)
        self._leave[name].set()
        with self._changed:
            self._changed.wait_for(lambda: len(self.order) >= wanted)

    def end(self):
        for event in self._leave.values():
            event.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def line():
    made = []

    def make(at_once):
        made.append(Line(at_once))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_many_of_one_tenant_keep_another_waiting_for_one_of_them_only(line):
    one = line(1)
    for number in range(5):
        one.come(f"a{number}", "a")
    one.come("b0", "b")
    one.leave("a0")
    assert one.order == ["a0", "b0"]


def test_tenants_take_turns_and_each_ones_come_in_their_order(line):
    one = line(1)
    for name in ("a0", "a1", "a2", "b0", "b1", "c0"):
        one.come(name, name[0])
    for number in range(5):
        one.leave(one.order[number])
    assert one.order == ["a0", "b0", "c0", "a1", "b1", "a2"]


def test_who_has_fewest_places_gets_the_next(line):
    one = line(3)
    for name in ("a0", "a1", "b0", "a2", "b1"):
        one.come(name, name[0])
    one.leave("a1")  # one each: who had its turn longest ago
    one.leave("b0")
    assert one.order == ["a0", "a1", "b0", "a2", "b1"]


def test_who_gives_up_waits_no_longer_and_keeps_nobody(line):
    one = line(1)
    one.come("a0", "a")

    def give_up():
        raise InterruptedError

    with pytest.raises(InterruptedError), one.places.taken("b", give_up):
        pytest.fail("there is no place")
    one.come("c0", "c")
    one.leave("a0")
    assert one.order == ["a0", "c0"]


def test_what_is_known_of_a_share_goes_with_its_last_place():
    places = Places(1)
    for number in range(100):
        with places.taken(f"tenant {number}", lambda: None):
            pass
    assert (places._turns, dict(places._taken)) == ({}, {})
