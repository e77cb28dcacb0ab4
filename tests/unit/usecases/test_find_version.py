import pytest

from aimass.domain.errors import AliasNotFound, ModelNotFound, VersionNotFound, VersionNotReady
from aimass.domain.model import Failure
from aimass.usecases.find_version import VersionFinder
from tests.unit.inference.models import scaled
from tests.unit.inference.plane import TENANT, Shelf


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shelf():
    shelf = Shelf()
    model = scaled()
    for number in (1, 2, 3):
        shelf.add("m", model, number)
    shelf.add("m", model, 4, state="importing")
    failure = Failure("verify", "invalid_model", "the graph has a cycle")
    shelf.add("m", model, 5, state="failed", failure=failure)
    return shelf


@pytest.fixture
def find(shelf, clock):
    finder = VersionFinder(shelf, clock)
    return lambda ref, model="m": finder.find(TENANT, model, ref).number


def test_a_number_is_found_as_number_and_as_text(find):
    assert find(2) == 2
    assert find("2") == 2


def test_without_a_version_prod_is_meant_and_without_prod_the_latest_ready(find, shelf, clock):
    assert find(None) == 3
    shelf.aliases["m", "prod"] = 1
    clock.now += 5
    assert find(None) == 1


def test_a_moved_alias_is_seen_within_five_seconds_and_not_read_for_every_call(find, shelf, clock):
    shelf.aliases["m", "canary"] = 1
    assert [find("canary"), find("canary")] == [1, 1]
    assert shelf.reads.count("alias m canary") == 1
    shelf.aliases["m", "canary"] = 2
    clock.now += 4.9
    assert find("canary") == 2


def test_a_ready_version_is_read_once_for_minutes(find, shelf, clock):
    find(2)
    clock.now += 120
    find(2)
    assert shelf.reads == ["version m 2"]


def test_a_version_that_becomes_ready_is_seen_at_once(find, shelf):
    with pytest.raises(VersionNotReady, match="version 4 of 'm' is importing"):
        find(4)
    shelf.add("m", scaled(), 4)
    assert find(4) == 4


def test_a_failed_version_says_why(find):
    with pytest.raises(VersionNotReady, match="version 5 of 'm' is failed: the graph has a cycle") as caught:
        find(5)
    assert caught.value.details == {"model": "m", "version": 5, "state": "failed"}


@pytest.mark.parametrize("number", [0, -1, 1_000_000, "0", "9" * 5000])
def test_a_number_that_no_version_can_have_is_not_asked_for(find, shelf, number):
    with pytest.raises(VersionNotFound):
        find(number)
    assert shelf.reads == []


@pytest.mark.parametrize("ref", ["nope", "NO", "a#b", "²"])
def test_an_unknown_alias(find, ref):
    with pytest.raises(AliasNotFound):
        find(ref)


@pytest.mark.parametrize("model", ["nope", "NO", "a#b", "", "x" * 64])
def test_an_unknown_model(find, model):
    with pytest.raises(ModelNotFound):
        find(None, model)


def test_what_is_remembered_is_bounded_and_per_tenant(shelf, clock):
    finder = VersionFinder(shelf, clock)
    finder.find(TENANT, "m", 2)
    with pytest.raises(ModelNotFound):
        finder.find("other", "m", 2)
