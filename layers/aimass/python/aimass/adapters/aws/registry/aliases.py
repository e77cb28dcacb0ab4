"""Aliases and their history."""

from __future__ import annotations

from aimass.adapters.aws.items import value_of
from aimass.adapters.aws.registry.table import version_key
from aimass.adapters.aws.registry.versions import Versions
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.errors import AliasNotFound, ModelNotFound, RevisionChanged, VersionNotReady
from aimass.domain.model import Alias, AliasMove
from aimass.domain.ports import Page, PageRequest


class Aliases(Versions):
    """The part of `ModelRegistry` that is about aliases."""

    def list_aliases(self, tenant: str, model: str) -> list[Alias]:
        """The model's aliases, by name."""
        aliases = (value_of(item, Alias) for item in self._query(tenant, f"ALIAS#{model}#"))
        return [alias for alias in aliases if alias.version is not None]

    def find_alias(self, tenant: str, model: str, name: str) -> Alias | None:
        """The alias, or what is left of a removed one."""
        item = self._get(tenant, f"ALIAS#{model}#{name}")
        return value_of(item, Alias) if item else None

    def get_alias(self, tenant: str, model: str, name: str) -> Alias:
        """Raises AliasNotFound."""
        alias = self.find_alias(tenant, model, name)
        if alias is None or alias.version is None:
            raise AliasNotFound(f"model {model!r} has no alias {name!r}", model=model, alias=name)
        return alias

    def move_alias(self, tenant: str, before: Alias | None, move: AliasMove) -> Alias:
        """Points the alias at a ready version, or nowhere. Raises RevisionChanged, VersionNotReady."""
        alias = Alias(move.model, move.name, move.version, move.revision, move.moved_at)
        unmoved = "revision = :revision" if before else "attribute_not_exists(SK)"
        values = {":revision": before.revision} if before else {}
        changed = RevisionChanged(f"alias {move.name!r} moved meanwhile; read it and try again", alias=move.name)
        writes = [
            self._put(tenant, f"ALIAS#{move.model}#{move.name}", alias, unmoved, values).otherwise(changed),
            self._put(tenant, f"{_moves(move.model, move.name)}{move.moved_at}", move, new=True).otherwise(changed),
        ]
        if move.version is not None:
            writes.append(self._hold(tenant, move, move.version))
        if before and before.version is not None and before.version != move.version:
            writes.append(self._let_go(tenant, move, before.version))
        transact(self._client, *writes, self._still_there(tenant, move.model))
        return alias

    def alias_history(self, tenant: str, model: str, name: str, page: PageRequest) -> Page[AliasMove]:
        """Newest first."""
        return self._page(tenant, _moves(model, name), AliasMove, page, newest_first=True)

    def alias_at(self, tenant: str, model: str, name: str, moment: str) -> AliasMove | None:
        """The last move at or before the moment, as `domain.clock` writes it."""
        moves = _moves(model, name)
        answer = self._client.query(
            TableName=self._table,
            KeyConditionExpression="PK = :pk AND SK BETWEEN :first AND :last",
            ExpressionAttributeValues={
                ":pk": {"S": f"T#{tenant}"},
                ":first": {"S": moves},
                ":last": {"S": f"{moves}{moment}"},
            },
            ScanIndexForward=False,
            ConsistentRead=True,
            Limit=1,
        )
        return value_of(answer["Items"][0], AliasMove) if answer["Items"] else None

    def _hold(self, tenant: str, move: AliasMove, version: int) -> Write:
        return self._update(
            tenant,
            version_key(move.model, version),
            "ADD held_by :alias",
            "#state = :ready",
            {":alias": frozenset({move.name}), ":ready": "ready"},
        ).otherwise(
            VersionNotReady(f"version {version} of {move.model!r} is not ready", model=move.model, version=version)
        )

    def _still_there(self, tenant: str, model: str) -> Write:
        """A move counts as a change of the model, so that no delete comes between reading its aliases and hiding it."""
        return self._update(
            tenant,
            f"MODEL#{model}",
            "ADD epoch :one",
            "attribute_exists(SK) AND (attribute_not_exists(deleted) OR attribute_type(deleted, :null))",
            {":one": 1, ":null": "NULL"},
        ).otherwise(ModelNotFound(f"model {model!r} was deleted meanwhile", model=model))

    def _let_go(self, tenant: str, move: AliasMove, version: int) -> Write:
        return self._update(
            tenant, version_key(move.model, version), "DELETE held_by :alias", "", {":alias": frozenset({move.name})}
        )


def _moves(model: str, name: str) -> str:
    return f"MOVE#{model}#{name}#"
