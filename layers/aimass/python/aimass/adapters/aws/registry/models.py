"""Models: the names under which versions are numbered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.due import DueWrites
from aimass.adapters.aws.registry.limits import UsageTable
from aimass.adapters.aws.registry.table import Filter, key
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import now
from aimass.domain.errors import Conflict, ModelNotFound
from aimass.domain.model import PURGED, Deletion, Due, Model
from aimass.domain.ports import Page, PageRequest

_KEYS_A_READ = 100
_KEYS_A_WRITE = 100


class Models(UsageTable, DueWrites):
    """The part of `ModelRegistry` that is about models."""

    def next_number(self, tenant: str, model: str) -> int:
        """The number after the highest ever reserved for the model."""
        item = self._get(tenant, f"MODEL#{model}")
        return int(item["last_version"]["N"]) + 1 if item else 1

    def find_model(self, tenant: str, name: str) -> Model:
        """The model, deleted or not. Raises ModelNotFound; so too once it is purged."""
        item = self._get(tenant, f"MODEL#{name}")
        model = value_of(item, Model) if item else None
        if model is None or (model.deleted and model.deleted.is_purged):
            raise ModelNotFound(f"no model {name!r}", model=name)
        return model

    def get_model(self, tenant: str, name: str) -> Model:
        """Raises ModelNotFound; of a deleted model it says until when it can be restored."""
        model = self.find_model(tenant, name)
        if model.deleted:
            raise ModelNotFound(_gone(model, model.deleted), model=name, purge_at=model.deleted.purge_at)
        return model

    def model_epoch(self, tenant: str, model: str) -> int:
        """Grows with every move, delete, restore, purge and new description in it. Raises ModelNotFound."""
        return self.get_model(tenant, model).epoch

    def list_models(self, tenant: str, page: PageRequest, *, deleted: bool = False) -> Page[Model]:
        """By name; with `deleted` those that can be restored."""
        only = Filter("attribute_not_exists(deleted) OR attribute_type(deleted, :null)", {":null": "NULL"})
        if deleted:
            only = Filter("attribute_type(deleted, :map) AND deleted.was <> :purged", {":map": "M", ":purged": PURGED})
        return self._page(tenant, "MODEL#", Model, page, only=only)

    def list_models_by_tag(self, tenant: str, key: str, value: str, page: PageRequest) -> Page[Model]:
        """By name, those that have the tag."""
        tagged = self._page(tenant, f"TAG#{key}#{value}#", _Tagged, page)
        models = self._read_models(tenant, [one["name"] for one in tagged.items])
        found = (models[one["name"]] for one in tagged.items if one["name"] in models)
        return Page(tuple(model for model in found if not model.deleted), tagged.next_token)

    def describe_model(self, tenant: str, before: Model, after: Model) -> None:
        """Changes description and tags. Raises Conflict when they changed since `before` was read."""
        old, new = set(before.tags.items()), set(after.tags.items())
        transact(
            self._client,
            self._update(
                tenant,
                f"MODEL#{before.name}",
                "SET description = :description, tags = :tags",
                "(attribute_not_exists(tags) OR tags = :before) AND "
                "(attribute_not_exists(deleted) OR attribute_type(deleted, :null))",
                {":description": after.description, ":tags": after.tags, ":before": before.tags, ":null": "NULL"},
            ).otherwise(Conflict(f"model {before.name!r} changed meanwhile; read it and try again")),
            *(self._delete(tenant, _tag_key(one, before.name)) for one in sorted(old - new)),
            *(self._put(tenant, _tag_key(one, before.name), {"name": before.name}) for one in sorted(new - old)),
        )

    def delete_model(self, tenant: str, model: Model, deletion: Deletion) -> None:
        """Hides the model and all in it until it is restored or purged. Raises Conflict when it changed meanwhile."""
        due = Due(deletion.purge_at, "model", tenant, f"MODEL#{model.name}")
        transact(self._client, self._marked(tenant, model, deletion), self._due(due))

    def restore_model(self, tenant: str, model: Model) -> None:
        """Brings a deleted model back. Raises Conflict when it changed meanwhile."""
        transact(self._client, self._marked(tenant, model, None))

    def purge_model(self, tenant: str, model: Model) -> None:
        """Frees the name of a deleted model, its versions purged before; numbers go on from where they were."""
        moment = now()
        tags = [self._delete(tenant, _tag_key(tag, model.name)) for tag in model.tags.items()]
        self._forget_aliases(tenant, model.name)
        marked = self._marked(tenant, model, Deletion(moment, moment, PURGED), ", tags = :none REMOVE description")
        marked = replace(marked, values=marked.values | {":none": {}})
        transact(self._client, marked, self._using(tenant, models=-1), *tags)

    def _marked(self, tenant: str, before: Model, deletion: Deletion | None, also: str = "") -> Write:
        """Deleted or not, on condition that nothing in the model was moved, deleted or uploaded meanwhile."""
        changed = Conflict(f"model {before.name!r} changed meanwhile; read it and try again", model=before.name)
        return self._update(
            tenant,
            f"MODEL#{before.name}",
            f"SET deleted = :deleted{also} ADD epoch :one",
            "last_version = :last AND (attribute_not_exists(epoch) OR epoch = :epoch)",
            {":deleted": deletion, ":one": 1, ":last": before.last_version, ":epoch": before.epoch},
        ).otherwise(changed)

    def _forget_aliases(self, tenant: str, model: str) -> None:
        for prefix in (f"ALIAS#{model}#", f"MOVE#{model}#"):
            keys = [item["SK"]["S"] for item in self._query(tenant, prefix)]
            for start in range(0, len(keys), _KEYS_A_WRITE):
                transact(self._client, *(self._delete(tenant, key) for key in keys[start : start + _KEYS_A_WRITE]))

    def _read_models(self, tenant: str, names: list[str]) -> dict[str, Model]:
        found: list[Model] = []
        for start in range(0, len(names), _KEYS_A_READ):
            asked: Any = {"Keys": [key(tenant, f"MODEL#{name}") for name in names[start : start + _KEYS_A_READ]]}
            while asked:
                request = {self._table: asked | {"ConsistentRead": True}}
                answer = self._client.batch_get_item(RequestItems=request)
                found += [value_of(item, Model) for item in answer["Responses"][self._table]]
                asked = answer.get("UnprocessedKeys", {}).get(self._table)
        return {model.name: model for model in found}


def _gone(model: Model, deletion: Deletion) -> str:
    if deletion.purge_at <= now():
        return f"model {model.name!r} is being purged; its name is free again within the hour"
    return f"model {model.name!r} was deleted at {deletion.at}; it can be restored until {deletion.purge_at}"


_Tagged = dict[str, str]


def _tag_key(tag: tuple[str, str], model: str) -> str:
    return f"TAG#{tag[0]}#{tag[1]}#{model}"
