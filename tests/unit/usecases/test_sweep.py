"""The sweep over ports in process: first by example, then by random histories."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aimass.domain.clock import later
from aimass.domain.errors import ArtifactBusy
from aimass.domain.files import ModelFiles, StoredFile
from aimass.domain.model import Deletion, Version
from aimass.usecases.sweep import GRACE_DAYS, ROUND_HOURS, Sweep, sweep_artifacts
from tests.unit.usecases.sweeping import START, Clock, MemoryBucket, MemoryIndex, MemoryProgress, MemoryRegistry

A, B, C = "a" * 64, "b" * 64, "c" * 64


def version_of(number, digests, state="ready"):
    files = tuple(StoredFile(f"{one}.onnx", one, 1) for one in digests)
    return Version("m", number, state, "job", START, "a", source=ModelFiles("a", files) if files else None)


class House:
    def __init__(self):
        self.clock = Clock()
        self.registry, self.progress = MemoryRegistry(), MemoryProgress()
        self.index, self.bucket = MemoryIndex(self.clock), MemoryBucket(self.clock)

    def store(self, sha256, tenant="t"):
        self.index.touch(tenant, sha256)
        self.bucket.put(tenant, sha256)

    def register(self, number, digests, state="ready"):
        for one in digests:
            self.store(one)
        self.index.refer("t", "m", number, digests)
        self.registry.versions["t", "m", number] = version_of(number, digests, state)

    def sweep(self, has_time=lambda: True, **options):
        at = Sweep(self.registry, self.index, self.bucket, self.progress)
        return sweep_artifacts(at, self.clock(), has_time, **options)

    @property
    def stored(self):
        return {sha256 for _, sha256 in self.bucket.stored}


@pytest.fixture
def house():
    return House()


def test_what_no_version_uses_goes_after_the_grace_and_not_before(house):
    house.store(A)
    house.clock.advance(days=GRACE_DAYS)
    assert house.sweep()["artifacts_deleted"] == 0
    house.clock.advance(days=2)
    assert house.sweep() == {"artifacts_deleted": 1}
    assert house.stored == set()
    assert house.index.touched == {}


@pytest.mark.parametrize("state", ["ready", "deleted"])
def test_what_a_version_uses_stays_even_while_the_version_can_only_be_restored(house, state):
    house.register(1, [A], state)
    house.clock.advance(days=400)
    assert house.sweep() == {"artifacts_kept": 1}


def test_what_is_referred_to_by_an_import_that_goes_on_stays_before_its_version_names_it(house):
    house.store(A)
    house.index.refer("t", "m", 1, [A])
    house.registry.versions["t", "m", 1] = version_of(1, [], "importing")
    house.clock.advance(days=400)
    assert house.sweep() == {"artifacts_kept": 1}


@pytest.mark.parametrize("left", [None, version_of(1, [], "deleted"), version_of(1, [B])])
def test_a_reference_to_a_version_that_is_gone_or_uses_other_files_counts_for_nothing_and_goes(house, left):
    house.register(1, [A])
    house.registry.versions = {("t", "m", 1): left} if left else {}
    house.clock.advance(days=36)
    assert house.sweep() == {"artifacts_deleted": 1}
    assert house.index.refs == set()


def test_a_reference_is_not_taken_away_while_its_artifact_is_wanted(house):
    house.register(1, [A])
    house.registry.versions["t", "m", 1] = version_of(1, [])
    house.clock.advance(days=36)
    house.index.touch("t", A)  # a verification stores the same graph again, and is about to register it
    house.sweep()
    assert house.index.references("t", A) == [("m", 1)]


def test_artifacts_of_another_tenant_are_judged_by_its_own_versions(house):
    house.register(1, [A])
    house.store(A, "u")
    house.clock.advance(days=36)
    house.sweep()
    assert list(house.bucket.stored) == [("t", A)]


def test_a_run_without_time_is_gone_on_with_where_it_stopped_past_what_is_kept(house):
    house.register(1, [A])
    house.store(B)
    house.store(C)
    house.clock.advance(days=36)
    for left in ({A, B, C}, {A, C}, {A}):
        answers = iter([True, False])
        house.sweep(lambda answers=answers: next(answers))
        assert house.stored == left


def test_a_new_round_begins_a_day_after_the_last(house):
    house.sweep()
    house.store(A)
    house.clock.advance(hours=ROUND_HOURS - 1)
    assert house.sweep(grace_days=0) == {}
    house.clock.advance(hours=1)
    assert house.sweep(grace_days=0) == {"artifacts_deleted": 1}


def test_one_that_cannot_be_judged_stops_no_other_and_is_logged_with_its_error(house, caplog):
    house.store(A)
    house.store(B)
    house.index.refer("t", "m", 1, [A])
    house.registry.versions["t", "m", 1] = "no version at all"
    house.clock.advance(days=36)
    assert house.sweep() == {"artifacts_failed": 1, "artifacts_deleted": 1}
    assert A in caplog.text
    assert "AttributeError" in caplog.text


class Killed(BaseException):
    """The function ran out of time, or its machine went away."""


class Watched:
    """Passes every call of the sweep on, and lets something happen right before and after it."""

    def __init__(self, inner, happens):
        self._inner, self._happens = inner, happens

    def __getattr__(self, name):
        def call(*arguments):
            self._happens()
            answer = getattr(self._inner, name)(*arguments)
            self._happens()
            return answer

        return call


DIGESTS = st.sets(st.sampled_from([A, B, C]), min_size=1)


class Histories(RuleBasedStateMachine):
    """Imports, purges, passing time and sweeps, other imports and deaths falling between a sweep's own steps."""

    def __init__(self):
        super().__init__()
        self.house = House()
        self.numbers = 0
        self.pending = {}  # number of an importing version: its digests that are stored by now
        self.steps = []

    @rule(digests=DIGESTS)
    def begin_import(self, digests):
        self.numbers += 1
        self.pending[self.numbers] = set()
        self.house.registry.versions["t", "m", self.numbers] = version_of(self.numbers, [], "importing")
        for one in digests:
            self.store(self.numbers, one)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def register(self, data):
        number = data.draw(st.sampled_from(sorted(self.pending)))
        self.register_now(number)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def fail(self, data):
        self.fail_now(data.draw(st.sampled_from(sorted(self.pending))))

    @precondition(lambda self: self.living())
    @rule(data=st.data(), crashes=st.booleans())
    def purge(self, data, crashes):
        number = data.draw(st.sampled_from(self.living()))
        version = self.house.registry.versions["t", "m", number]
        gone = Deletion(START, START, "purged")
        self.house.registry.versions["t", "m", number] = replace(version_of(number, [], "deleted"), deleted=gone)
        if not crashes:
            self.house.index.unrefer("t", "m", number, version.digests)

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def delete_so_that_it_can_be_restored(self, data):
        key = ("t", "m", data.draw(st.sampled_from(self.living())))
        self.house.registry.versions[key] = replace(self.house.registry.versions[key], state="deleted")

    @rule(minutes=st.integers(1, 30))
    def minutes_pass(self, minutes):
        self.pass_time(minutes=minutes)

    @rule(days=st.sampled_from([1, 36]))
    def days_pass(self, days):
        for number in list(self.pending):
            self.fail_now(number)  # none takes longer than an hour
        self.pass_time(days=days)

    @rule(
        between=st.lists(
            st.one_of(st.just(None), st.tuples(st.just("import"), DIGESTS), st.just(("register",)), st.just(("die",))),
            max_size=12,
        )
    )
    def sweep(self, between):
        self.steps = list(between)
        house = self.house
        index, bucket = Watched(house.index, self.happens), Watched(house.bucket, self.happens)
        bucket.older_than = lambda *asked: iter(list(house.bucket.older_than(*asked)))
        try:
            sweep_artifacts(Sweep(house.registry, index, bucket, house.progress), house.clock(), lambda: True)
        except Killed:
            pass
        finally:
            self.steps = []

    def happens(self):
        what = self.steps.pop(0) if self.steps else None
        if what and what[0] == "import":
            self.begin_import_within(what[1])
        elif what == ("register",) and self.pending:
            self.register_now(max(self.pending))
        elif what == ("die",):
            raise Killed

    def begin_import_within(self, digests):
        self.numbers += 1
        self.pending[self.numbers] = set()
        self.house.registry.versions["t", "m", self.numbers] = version_of(self.numbers, [], "importing")
        for one in digests:
            self.store(self.numbers, one)

    def store(self, number, sha256):
        try:
            self.house.store(sha256)
        except ArtifactBusy:
            return
        self.pending[number].add(sha256)

    def register_now(self, number):
        digests = self.pending.pop(number)
        self.house.index.refer("t", "m", number, digests)
        self.house.registry.versions["t", "m", number] = version_of(number, sorted(digests))

    def fail_now(self, number):
        del self.pending[number]
        self.house.registry.versions["t", "m", number] = version_of(number, [], "failed")

    def pass_time(self, **duration):
        self.house.clock.advance(**duration)

    def living(self):
        versions = self.house.registry.versions.items()
        return sorted(number for (_, _, number), one in versions if one.digests)

    @invariant()
    def nothing_that_is_used_or_wanted_is_ever_missing(self):
        stored = self.house.stored
        for version in self.house.registry.versions.values():
            assert version.digests <= stored
        for digests in self.pending.values():
            assert digests <= stored

    @invariant()
    def nothing_wanted_within_the_grace_is_ever_missing(self):
        since = later(self.house.clock(), days=-GRACE_DAYS)
        assert {one for (_, one), at in self.house.index.touched.items() if at >= since} <= self.house.stored

    def teardown(self):
        house = self.house
        for number in list(self.pending):
            self.fail_now(number)
        house.clock.advance(days=GRACE_DAYS + 2)
        house.sweep()
        house.clock.advance(days=2)
        house.sweep()
        used = set().union(*(version.digests for version in house.registry.versions.values()))
        assert house.stored == used


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=200, stateful_step_count=25)
