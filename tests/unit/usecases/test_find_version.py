from dataclasses import replace

import pytest

from aimass.domain.errors import AliasNotFound, ModelNotFound, NotServable, VersionNotFound, VersionNotReady
from aimass.domain.jobs import Failure
from aimass.domain.model import Deletion
from aimass.usecases import find_version
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


def delete(shelf, number):
    """As the registry does: the version is marked, and the model's epoch grows."""
    deleted = Deletion("2026-11-21T10:00:00Z", "2026-12-26T10:00:00Z", "ready")
    shelf.versions["m", number] = replace(shelf.versions["m", number], state="deleted", deleted=deleted)
    shelf.epochs["m"] = shelf.epochs.get("m", 0) + 1


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
    assert shelf.reads.count("version m 2") == 1


def test_a_models_epoch_is_read_at_most_every_two_seconds(find, shelf, clock):
    for number in (1, 2, 1, 2):
        find(number)
        clock.now += 0.4
    assert shelf.reads.count("epoch m") == 1
    clock.now += 0.5
    find(1)
    assert shelf.reads.count("epoch m") == 2


def test_a_deleted_version_stops_answering_within_five_seconds_and_says_that_it_can_be_restored(find, shelf, clock):
    find(2)
    delete(shelf, 2)
    clock.now += 4.9
    with pytest.raises(
        VersionNotFound, match="version 2 of 'm' was deleted; it can be restored until 2026-12-26"
    ) as told:
        find(2)
    assert told.value.details == {"model": "m", "version": 2, "state": "deleted"}


def test_a_restored_version_answers_again_within_five_seconds(find, shelf, clock):
    delete(shelf, 2)
    with pytest.raises(VersionNotFound):
        find(2)
    shelf.add("m", scaled(), 2)
    shelf.epochs["m"] += 1
    clock.now += 4.9
    assert find(2) == 2


def test_a_deletion_moves_the_default_within_five_seconds(find, shelf, clock):
    assert find(None) == 3
    delete(shelf, 3)
    clock.now += 4.9
    assert find(None) == 2


def test_a_deleted_model_stops_answering_within_five_seconds(find, shelf, clock):
    find(2)
    shelf.deleted.add("m")
    clock.now += 4.9
    with pytest.raises(ModelNotFound):
        find(2)


def test_an_alias_that_was_removed_is_not_found(find, shelf):
    shelf.aliases["m", "canary"] = None
    with pytest.raises(AliasNotFound, match="no alias 'canary'"):
        find("canary")
    shelf.aliases["m", "prod"] = None
    assert find(None) == 3


def test_a_version_that_becomes_ready_is_seen_at_once(find, shelf):
    with pytest.raises(VersionNotReady, match="version 4 of 'm' is importing"):
        find(4)
    shelf.add("m", scaled(), 4)
    assert find(4) == 4


def test_a_failed_version_says_why(find):
    with pytest.raises(VersionNotReady, match="version 5 of 'm' is failed: the graph has a cycle") as caught:
        find(5)
    assert caught.value.details == {"model": "m", "version": 5, "state": "failed"}


def test_a_stored_version_says_what_it_needs(find, shelf):
    shelf.add("m", scaled(), 6, state="stored")
    with pytest.raises(NotServable, match="stored, needs a language-model target") as refused:
        find(6)
    assert refused.value.details == {"model": "m", "version": 6, "state": "stored"}
    assert find(None) == 3


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


def test_a_version_is_remembered_once_however_often_its_model_changes(shelf, clock):
    finder = VersionFinder(shelf, clock)
    for epoch in range(50):
        shelf.epochs["m"] = epoch
        clock.now += 5
        assert finder.find(TENANT, "m", 2).number == 2
    assert shelf.reads.count("version m 2") == 50
    assert len(finder._known) == 1
    assert finder._known_bytes == next(iter(finder._known.values())).weight


def test_what_is_remembered_is_bounded_by_size_and_the_oldest_goes_first(shelf, clock, monkeypatch):
    labels = tuple(f"label {number}" for number in range(1000))
    for number in (1, 2, 3):
        shelf.versions["m", number] = replace(shelf.versions["m", number], labels=labels)
    finder = VersionFinder(shelf, clock)
    finder.find(TENANT, "m", 1)
    monkeypatch.setattr(find_version, "_MOST_BYTES", finder._known_bytes * 2)
    for number in (2, 1, 3, 2):
        finder.find(TENANT, "m", number)
    assert shelf.reads.count("version m 2") == 1
    finder.find(TENANT, "m", 1)
    assert shelf.reads.count("version m 1") == 2
