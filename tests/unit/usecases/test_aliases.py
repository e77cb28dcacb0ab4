"""Aliases: moves, rollbacks, removals, and what held in the past."""

import itertools

import pytest

from aimass.domain.clock import later
from aimass.domain.errors import (
    AliasNotFound,
    InvalidArguments,
    ModelNotFound,
    NothingToRollBack,
    RevisionChanged,
    VersionNotFound,
    VersionNotReady,
)
from aimass.domain.ports import PageRequest
from aimass.usecases.aliases import alias_at, history, move_alias, remove_alias, roll_back
from aimass.usecases.versions import delete_version
from tests.unit.aws.test_registry import ready, reserved

PAGE = PageRequest()


@pytest.fixture
def model(registry):
    for number in (1, 2, 3):
        ready(registry, number)
    return registry


def move(registry, version, revision=None):
    return move_alias(registry, "t", "m", "prod", version, revision)


def versions(registry):
    return [one.version for one in history(registry, "t", "m", "prod", PAGE).items]


def test_every_move_is_kept_newest_first(model):
    for version in (1, 2, 3):
        move(model, version)
    assert versions(model) == [3, 2, 1]
    assert [one.revision for one in history(model, "t", "m", "prod", PAGE).items] == [3, 2, 1]


def test_moving_to_where_it_points_changes_nothing(model):
    assert move(model, 1) == move(model, 1)
    assert versions(model) == [1]


def test_a_move_on_another_revision_than_the_named_one_is_refused_and_says_where_it_is(model):
    assert move(model, 1, revision=0).revision == 1
    with pytest.raises(RevisionChanged) as caught:
        move(model, 2, revision=0)
    assert caught.value.details == {"alias": "prod", "revision": 1, "version": 1}
    assert move(model, 2, revision=1).revision == 2


def test_of_two_moves_at_once_one_wins(model):
    before = move(model, 1)
    stale = model.find_alias

    def moved_by_another(*names):
        model.find_alias = stale
        found = stale(*names)
        move(model, 2)
        return found

    model.find_alias = moved_by_another
    with pytest.raises(RevisionChanged):
        move(model, 3)
    assert model.get_alias("t", "m", "prod").version == 2
    assert before.revision == 1
    assert model.get_version("t", "m", 3).held_by == ()


def test_a_version_knows_the_aliases_that_hold_it(model):
    move(model, 1)
    move_alias(model, "t", "m", "canary", 1)
    assert set(model.get_version("t", "m", 1).held_by) == {"prod", "canary"}
    move(model, 2)
    assert model.get_version("t", "m", 1).held_by == ("canary",)
    remove_alias(model, "t", "m", "canary")
    assert model.get_version("t", "m", 1).held_by == ()


def test_a_rollback_goes_to_what_came_before_and_again_further_back(model):
    for version in (1, 2, 3):
        move(model, version)
    assert roll_back(model, "t", "m", "prod").version == 2
    assert roll_back(model, "t", "m", "prod").version == 1
    with pytest.raises(NothingToRollBack):
        roll_back(model, "t", "m", "prod")
    assert versions(model) == [1, 2, 3, 2, 1]
    assert history(model, "t", "m", "prod", PAGE).items[0].restores == 1


def test_a_move_after_a_rollback_starts_afresh(model):
    for version in (1, 2):
        move(model, version)
    roll_back(model, "t", "m", "prod")
    move(model, 3)
    assert roll_back(model, "t", "m", "prod").version == 1


def test_a_rollback_to_a_revision_goes_there_or_nowhere(model):
    for version in (1, 2, 3):
        move(model, version)
    assert roll_back(model, "t", "m", "prod", to_revision=1).version == 1
    with pytest.raises(NothingToRollBack, match="revision 9"):
        roll_back(model, "t", "m", "prod", to_revision=9)


def test_a_rollback_passes_over_versions_that_were_deleted(model):
    for version in (1, 2, 3):
        move(model, version)
    delete_version(model, "t", "m", 2)
    assert roll_back(model, "t", "m", "prod").version == 1


def test_a_rollback_may_be_conditional_on_the_revision(model):
    move(model, 1)
    move(model, 2)
    with pytest.raises(RevisionChanged):
        roll_back(model, "t", "m", "prod", revision=1)
    assert roll_back(model, "t", "m", "prod", revision=2).version == 1


def test_a_removed_alias_is_gone_and_its_revisions_go_on(model):
    move(model, 1)
    remove_alias(model, "t", "m", "prod", revision=1)
    with pytest.raises(AliasNotFound):
        model.get_alias("t", "m", "prod")
    assert model.list_aliases("t", "m") == []
    assert move(model, 2).revision == 3
    assert versions(model) == [2, None, 1]


def test_what_it_pointed_at_is_known_for_every_moment(model, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("aimass.usecases.aliases.now", lambda: f"2026-05-01T10:0{next(clock)}:00.000Z")
    for version in (1, 2):
        move(model, version)
    remove_alias(model, "t", "m", "prod")
    at = {minute: f"2026-05-01T10:0{minute}:30Z" for minute in (0, 1, 2)}
    assert alias_at(model, "t", "m", "prod", at[0]).version == 1
    assert alias_at(model, "t", "m", "prod", "2026-05-01T12:00:59.999+02:00").version == 1
    assert alias_at(model, "t", "m", "prod", "2026-05-01T10:01:00").version == 2
    for moment in (at[2], "2026-05-01T09:59:59Z"):
        with pytest.raises(AliasNotFound):
            alias_at(model, "t", "m", "prod", moment)


def test_moves_in_one_millisecond_or_with_a_clock_that_goes_back_stay_in_order(model, monkeypatch):
    monkeypatch.setattr("aimass.usecases.aliases.now", lambda: "2026-05-01T10:00:00.000Z")
    for version in (1, 2, 3):
        move(model, version)
    moments = [one.moved_at for one in history(model, "t", "m", "prod", PAGE).items]
    assert moments == [later("2026-05-01T10:00:00.000Z", milliseconds=n) for n in (2, 1, 0)]


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-13-01", "9" * 40, "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_refused(model, moment):
    move(model, 1)
    with pytest.raises(InvalidArguments):
        alias_at(model, "t", "m", "prod", moment)


def test_an_alias_points_at_ready_versions_only(model):
    reserved(model, 4)
    delete_version(model, "t", "m", 3)
    for number, error in ((4, VersionNotReady), (3, VersionNotReady), (9, VersionNotFound)):
        with pytest.raises(error):
            move(model, number)


def test_nothing_is_told_of_another_tenants_alias(model):
    move(model, 1)
    for call in (remove_alias, roll_back):
        with pytest.raises(ModelNotFound):
            call(model, "u", "m", "prod")
    with pytest.raises(ModelNotFound):
        history(model, "u", "m", "prod", PAGE)


def test_revision_0_means_that_it_points_nowhere_whatever_was_before(model):
    move(model, 1, revision=0)
    remove_alias(model, "t", "m", "prod")
    assert move(model, 2, revision=0).revision == 3
