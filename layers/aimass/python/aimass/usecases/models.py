"""Models: described, deleted, restored, purged."""

from __future__ import annotations

from dataclasses import replace

from aimass.domain.clock import later, now
from aimass.domain.errors import NotDeleted, VersionHeld
from aimass.domain.model import Deletion, Model
from aimass.domain.names import check_tags
from aimass.domain.ports import ModelRegistry, Page, PageRequest

RESTORE_DAYS = 30


def list_models(
    registry: ModelRegistry, tenant: str, page: PageRequest, tags: list[tuple[str, str]], *, deleted: bool
) -> Page[Model]:
    """By name; those that have all the tags, or those that were deleted and can be restored."""
    if not tags or deleted:
        found = registry.list_models(tenant, page, deleted=deleted)
    else:
        found = registry.list_models_by_tag(tenant, *tags[0], page)
    matching = tuple(one for one in found.items if set(tags) <= set(one.tags.items()))
    return Page(matching, found.next_token)


def describe_model(registry: ModelRegistry, tenant: str, name: str, changes: dict[str, object]) -> Model:
    """Changes what is given of `description` and `tags`. Raises InvalidArguments, ModelNotFound, Conflict."""
    before = registry.get_model(tenant, name)
    after = replace(before, **changes)  # type: ignore[arg-type]
    check_tags(after.tags)
    registry.describe_model(tenant, before, after)
    return after


def delete_model(registry: ModelRegistry, tenant: str, name: str) -> None:
    """Hides the model and its versions; saying it twice is fine. Raises VersionHeld while it has aliases."""
    model = registry.find_model(tenant, name)
    if model.deleted:
        return
    aliases = [alias.name for alias in registry.list_aliases(tenant, name)]
    if aliases:
        raise VersionHeld(
            f"model {name!r} has the aliases {', '.join(aliases)}; remove them first", aliases=aliases, model=name
        )
    moment = now()
    registry.delete_model(tenant, model, Deletion(moment, later(moment, days=RESTORE_DAYS), "ready"))


def restore_model(registry: ModelRegistry, tenant: str, name: str) -> Model:
    """Brings a deleted model back. Raises NotDeleted, ModelNotFound once it is purged."""
    model = registry.find_model(tenant, name)
    if model.deleted is None or model.deleted.purge_at <= now():
        raise NotDeleted(f"model {name!r} is not deleted, or is being purged", model=name)
    registry.restore_model(tenant, model)
    return registry.get_model(tenant, name)


def purge_model(registry: ModelRegistry, tenant: str, name: str) -> None:
    """Has the sweep purge a deleted model with its next run; it cannot be restored any more. Raises NotDeleted."""
    model = registry.find_model(tenant, name)
    if model.deleted is None:
        raise NotDeleted(f"delete model {name!r} first; only what was deleted is purged", model=name)
    moment = now()
    if model.deleted.purge_at > moment:
        registry.delete_model(tenant, model, replace(model.deleted, purge_at=moment))
