"""Deletes that can be undone, purges that cannot, and what they leave."""

from datetime import datetime, timedelta

import pytest

from aimass.domain.errors import (
    Conflict,
    ModelDeleted,
    ModelNotFound,
    NotDeleted,
    VersionHeld,
    VersionNotReady,
    VersionTaken,
)
from aimass.domain.model import Deletion
from aimass.domain.ports import PageRequest
from aimass.protocols.control import version_view
from aimass.usecases.aliases import move_alias, remove_alias
from aimass.usecases.models import delete_model, describe_model, purge_model, restore_model
from aimass.usecases.versions import delete_version, purge_version, restore_version
from tests.unit.aws.test_registry import FILES, listed, ready, reserved

PAGE = PageRequest()


class Index:
    def __init__(self):
        self.freed = []

    def unrefer(self, tenant, model, version, digests):
        self.freed.append((tenant, model, version, set(digests)))


def test_a_deleted_version_is_in_no_list_but_that_of_deleted_ones(registry):
    ready(registry, 1)
    ready(registry, 2)
    delete_version(registry, "t", "m", 2)
    assert [one.number for one in listed(registry)] == [1]
    assert [one.number for one in listed(registry, state="deleted")] == [2]
    assert registry.latest_version("t", "m").number == 1


def test_it_can_be_restored_for_thirty_days_as_it_was(registry):
    done = ready(registry)
    delete_version(registry, "t", "m", 1)
    deletion = registry.get_version("t", "m", 1).deleted
    kept = datetime.fromisoformat(deletion.purge_at) - datetime.fromisoformat(deletion.at)
    assert kept == timedelta(days=30)
    assert restore_version(registry, "t", "m", 1) == done


def test_deleting_twice_is_as_once_and_restoring_twice_is_refused(registry):
    ready(registry)
    for _ in range(2):
        delete_version(registry, "t", "m", 1)
    restore_version(registry, "t", "m", 1)
    with pytest.raises(NotDeleted):
        restore_version(registry, "t", "m", 1)


def test_a_version_that_an_alias_holds_is_not_deleted_and_the_alias_is_named(registry):
    ready(registry)
    move_alias(registry, "t", "m", "prod", 1)
    move_alias(registry, "t", "m", "canary", 1)
    with pytest.raises(VersionHeld, match="canary, prod") as caught:
        delete_version(registry, "t", "m", 1)
    assert caught.value.details["aliases"] == ["canary", "prod"]
    remove_alias(registry, "t", "m", "prod")
    remove_alias(registry, "t", "m", "canary")
    delete_version(registry, "t", "m", 1)


def test_an_alias_that_comes_between_reading_and_deleting_still_holds_its_version(registry):
    version = ready(registry)
    move_alias(registry, "t", "m", "prod", 1)
    deletion = Deletion("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "ready")
    with pytest.raises(Conflict):
        registry.delete_version("t", version, deletion)
    assert registry.get_version("t", "m", 1).state == "ready"


def test_an_importing_version_is_cancelled_not_deleted(registry):
    reserved(registry)
    with pytest.raises(VersionNotReady, match="cancel its job"):
        delete_version(registry, "t", "m", 1)


def test_a_purge_leaves_the_number_used_frees_the_artifacts_and_gives_back_the_bytes(registry, limits):
    ready(registry)
    index = Index()
    with pytest.raises(NotDeleted):
        purge_version(registry, index, "t", "m", 1)
    delete_version(registry, "t", "m", 1)
    assert limits.usage_of("t").bytes == FILES.size
    purge_version(registry, index, "t", "m", 1)
    assert limits.usage_of("t").bytes == 0
    assert index.freed == [("t", "m", 1, {FILES.files[0].sha256})]
    for call in (lambda: restore_version(registry, "t", "m", 1), lambda: purge_version(registry, index, "t", "m", 1)):
        with pytest.raises(NotDeleted):
            call()
    with pytest.raises(VersionTaken):
        reserved(registry, 1, job_id="again")


def test_every_delete_restore_and_purge_is_a_new_epoch(registry):
    ready(registry)
    epochs = [registry.model_epoch("t", "m")]
    for change in (
        lambda: delete_version(registry, "t", "m", 1),
        lambda: restore_version(registry, "t", "m", 1),
        lambda: delete_version(registry, "t", "m", 1),
        lambda: purge_version(registry, Index(), "t", "m", 1),
        lambda: (delete_model(registry, "t", "m"), restore_model(registry, "t", "m")),
    ):
        change()
        epochs.append(registry.model_epoch("t", "m"))
    assert sorted(set(epochs)) == epochs


def test_a_deleted_model_answers_to_nothing_and_can_be_restored(registry):
    done = ready(registry)
    delete_model(registry, "t", "m")
    for call in (registry.get_model, registry.model_epoch):
        with pytest.raises(ModelNotFound, match="can be restored until"):
            call("t", "m")
    assert registry.list_models("t", PAGE).items == ()
    assert [one.name for one in registry.list_models("t", PAGE, deleted=True).items] == ["m"]
    restore_model(registry, "t", "m")
    assert registry.get_version("t", "m", 1) == done
    assert [one.name for one in registry.list_models("t", PAGE).items] == ["m"]


def test_nothing_is_uploaded_to_a_deleted_model(registry):
    ready(registry)
    delete_model(registry, "t", "m")
    with pytest.raises(ModelDeleted, match="restore"):
        reserved(registry, 2)


def test_a_model_with_aliases_is_not_deleted(registry):
    ready(registry)
    move_alias(registry, "t", "m", "prod", 1)
    with pytest.raises(VersionHeld, match="prod"):
        delete_model(registry, "t", "m")


def test_a_purged_models_name_is_free_and_its_numbers_go_on(registry, limits):
    ready(registry)
    delete_model(registry, "t", "m")
    registry.purge_model("t", registry.find_model("t", "m"))
    assert limits.usage_of("t").models == 0
    with pytest.raises(ModelNotFound):
        restore_model(registry, "t", "m")
    assert registry.list_models("t", PAGE, deleted=True).items == ()
    assert registry.next_number("t", "m") == 2
    reserved(registry, 2)
    assert registry.get_model("t", "m").last_version == 2
    assert limits.usage_of("t").models == 1


def test_a_model_is_purged_only_after_it_was_deleted_and_is_then_beyond_restoring(registry):
    ready(registry)
    with pytest.raises(NotDeleted):
        purge_model(registry, "t", "m")
    delete_model(registry, "t", "m")
    purge_model(registry, "t", "m")
    with pytest.raises(NotDeleted):
        restore_model(registry, "t", "m")


def test_a_model_whose_alias_moves_while_it_is_deleted_stays(registry):
    ready(registry)
    before = registry.find_model("t", "m")
    move_alias(registry, "t", "m", "prod", 1)
    with pytest.raises(Conflict):
        registry.delete_model("t", before, Deletion("now", "later", "ready"))
    assert registry.get_model("t", "m").deleted is None


def test_an_alias_cannot_move_in_a_model_that_was_deleted_meanwhile(registry, monkeypatch):
    ready(registry)
    find = registry.find_alias

    def deleted_by_another(*names):
        found = find(*names)
        delete_model(registry, "t", "m")
        return found

    monkeypatch.setattr(registry, "find_alias", deleted_by_another)
    with pytest.raises(ModelNotFound):
        move_alias(registry, "t", "m", "prod", 1)
    assert registry.get_version("t", "m", 1).held_by == ()


def test_a_description_that_comes_while_the_model_is_deleted_is_kept(registry):
    ready(registry)
    before = registry.find_model("t", "m")
    describe_model(registry, "t", "m", {"description": "new", "tags": {"a": "1"}})
    registry.delete_model("t", before, Deletion("now", "9999", "ready"))
    restored = restore_model(registry, "t", "m")
    assert (restored.description, restored.tags) == ("new", {"a": "1"})


def test_a_name_that_is_used_again_after_a_purge_has_none_of_the_old_ones_history(registry):
    ready(registry)
    describe_model(registry, "t", "m", {"description": "old", "tags": {"a": "1"}})
    move_alias(registry, "t", "m", "prod", 1)
    remove_alias(registry, "t", "m", "prod")
    delete_model(registry, "t", "m")
    registry.purge_model("t", registry.find_model("t", "m"))
    ready(registry, 2)
    assert move_alias(registry, "t", "m", "prod", 2).revision == 1
    model = registry.get_model("t", "m")
    assert (model.description, model.tags) == (None, {})
    assert registry.list_models_by_tag("t", "a", "1", PAGE).items == ()


def test_first_uploads_at_once_count_one_model(registry, limits, monkeypatch):
    monkeypatch.setattr(registry, "_model_or_none", lambda *names: None)
    reserved(registry, 1)
    with pytest.raises(Conflict):
        reserved(registry, 2)
    assert limits.usage_of("t").models == 1


def test_a_model_that_is_being_purged_says_so_and_its_date_stays(registry):
    ready(registry)
    delete_model(registry, "t", "m")
    purge_model(registry, "t", "m")
    date = registry.find_model("t", "m").deleted.purge_at
    purge_model(registry, "t", "m")
    assert registry.find_model("t", "m").deleted.purge_at == date
    with pytest.raises(ModelNotFound, match="being purged"):
        registry.get_model("t", "m")
    with pytest.raises(ModelDeleted, match="being purged"):
        reserved(registry, 2)


def test_purged_versions_are_in_no_list_and_their_record_says_what_they_are(registry):
    ready(registry)
    delete_version(registry, "t", "m", 1)
    purge_version(registry, Index(), "t", "m", 1)
    assert listed(registry, state="deleted") == ()
    assert version_view("t", registry.get_version("t", "m", 1), None)["state"] == "purged"
