"""The registry in one DynamoDB table, every item under its tenant's partition.

PK=T#<tenant>; SK = MODEL#<m> | VER#<m>#<000001> | ALIAS#<m>#<alias> | JOB#<ulid>.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass.adapters.aws.items import Item, item_of, value_of
from aimass.adapters.aws.transactions import Write, transact
from aimass.domain.clock import now
from aimass.domain.errors import (
    AliasNotFound,
    Conflict,
    JobExists,
    JobNotFound,
    ModelNotFound,
    VersionNotFound,
    VersionNotReady,
    VersionTaken,
)
from aimass.domain.model import Alias, Failure, Job, Model, StepTime, Version

_UNMOVED = "#state = :was AND attempt = :attempt"


class DynamoModelRegistry:
    """The port `ModelRegistry` on one DynamoDB table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def next_number(self, tenant: str, model: str) -> int:
        """The number after the highest ever reserved for the model."""
        item = self._get(tenant, f"MODEL#{model}")
        return int(item["last_version"]["N"]) + 1 if item else 1

    def reserve(self, tenant: str, version: Version, job: Job) -> None:
        """Makes the version and its job in one transaction. Raises VersionTaken, or Conflict when the job exists."""
        highest = max(version.number, self.next_number(tenant, version.model) - 1)
        transact(
            self._client,
            self._put(tenant, _version_key(version.model, version.number), version, new=True).otherwise(
                VersionTaken(
                    f"version {version.number} of {version.model!r} is taken; leave `version` out for the next one",
                    model=version.model,
                    version=version.number,
                )
            ),
            self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(
                JobExists(f"job {job.id} exists", job_id=job.id)
            ),
            self._update(
                tenant,
                f"MODEL#{version.model}",
                "SET last_version = :highest, #name = :name, created_at = if_not_exists(created_at, :now)",
                "attribute_not_exists(last_version) OR last_version <= :highest",
                {":highest": highest, ":name": version.model, ":now": version.created_at},
                names={"#name": "name"},
            ).otherwise(Conflict(f"another upload of {version.model!r} came first; try again", model=version.model)),
        )

    def get_model(self, tenant: str, name: str) -> Model:
        """Raises ModelNotFound."""
        item = self._get(tenant, f"MODEL#{name}")
        if not item:
            raise ModelNotFound(f"no model {name!r}", model=name)
        return value_of(item, Model)

    def list_models(self, tenant: str) -> list[Model]:
        """All models, by name."""
        return [value_of(item, Model) for item in self._query(tenant, "MODEL#")]

    def get_version(self, tenant: str, model: str, number: int) -> Version:
        """Raises VersionNotFound, or ModelNotFound when the model itself is unknown."""
        item = self._get(tenant, _version_key(model, number))
        if not item:
            self.get_model(tenant, model)
            raise VersionNotFound(f"model {model!r} has no version {number}", model=model, version=number)
        return value_of(item, Version)

    def list_versions(self, tenant: str, model: str) -> list[Version]:
        """All versions in whatever state, newest first. Raises ModelNotFound."""
        self.get_model(tenant, model)
        return list(self._versions(tenant, model))

    def latest_version(self, tenant: str, model: str) -> Version:
        """The highest ready version. Raises VersionNotReady when none is, ModelNotFound."""
        for version in self._versions(tenant, model, page=10):
            if version.state == "ready":
                return version
        self.get_model(tenant, model)
        raise VersionNotReady(f"model {model!r} has no ready version yet", model=model)

    def list_aliases(self, tenant: str, model: str) -> list[Alias]:
        """The model's aliases, by name."""
        return [value_of(item, Alias) for item in self._query(tenant, f"ALIAS#{model}#")]

    def get_alias(self, tenant: str, model: str, name: str) -> Alias:
        """Raises AliasNotFound."""
        item = self._get(tenant, f"ALIAS#{model}#{name}")
        if not item:
            raise AliasNotFound(f"model {model!r} has no alias {name!r}", model=model, alias=name)
        return value_of(item, Alias)

    def move_alias(self, tenant: str, model: str, name: str, version: int) -> Alias:
        """Points the alias at a ready version. Raises VersionNotReady, VersionNotFound; Conflict if it moved."""
        target = self.get_version(tenant, model, version)
        before = self._get(tenant, f"ALIAS#{model}#{name}")
        revision = int(before["revision"]["N"]) if before else 0
        alias = Alias(model, name, version, revision + 1, now())
        unmoved = "revision = :revision" if before else "attribute_not_exists(SK)"
        put = self._put(tenant, f"ALIAS#{model}#{name}", alias, unmoved, {":revision": revision} if before else {})
        transact(
            self._client,
            self._check(tenant, _version_key(model, version), "#state = :ready", {":ready": "ready"}).otherwise(
                VersionNotReady(
                    f"version {version} of {model!r} is {target.state}", version=version, state=target.state
                )
            ),
            put.otherwise(Conflict(f"alias {name!r} moved meanwhile; read it and try again", alias=name)),
        )
        return alias

    def get_job(self, tenant: str, job_id: str) -> Job:
        """Raises JobNotFound."""
        item = self._get(tenant, f"JOB#{job_id}")
        if not item:
            raise JobNotFound(f"no job {job_id!r}", job_id=job_id)
        return value_of(item, Job)

    def list_jobs(self, tenant: str) -> list[Job]:
        """The newest 100 jobs, newest first."""
        return [value_of(item, Job) for item in self._query(tenant, "JOB#", newest_first=True, most=100)]

    def record_job(self, tenant: str, job: Job) -> None:
        """Keeps a job without a version, refused before a number could be reserved. A second call changes nothing."""
        try:
            transact(self._client, self._put(tenant, f"JOB#{job.id}", job, new=True).otherwise(JobExists("exists")))
        except JobExists:
            return

    def requeue(self, tenant: str, job: Job, *, was: Job) -> None:
        """Replaces a job that has not moved since `was` was read, its version importing again. Raises Conflict."""
        moved = Conflict(f"job {job.id} changed meanwhile; read it and try again", job_id=job.id)
        unmoved = {":was": was.state, ":attempt": was.attempt}
        transact(
            self._client,
            self._put(tenant, f"JOB#{job.id}", job, _UNMOVED, unmoved).otherwise(moved),
            self._update(
                tenant,
                _version_key(job.model, job.version),
                "SET #state = :importing REMOVE failure",
                "job_id = :job AND #state <> :ready",
                {":importing": "importing", ":job": job.id, ":ready": "ready"},
            ).otherwise(moved),
        )

    def enter_step(self, tenant: str, job_id: str, attempt: int, step: str) -> None:
        """Notes that a job's running attempt is at this step. Raises Conflict when it isn't running."""
        transact(
            self._client,
            self._update(
                tenant,
                f"JOB#{job_id}",
                "SET step = :step, steps = list_append(steps, :entered)",
                _UNMOVED,
                {":step": step, ":entered": [StepTime(step, now())], ":was": "running", ":attempt": attempt},
            ).otherwise(Conflict(f"attempt {attempt} of job {job_id} is not running", job_id=job_id)),
        )

    def register(self, tenant: str, version: Version, job: Job) -> None:
        """Makes the version ready and its job succeeded, at once. Raises Conflict when the job moved meanwhile."""
        transact(
            self._client,
            self._put(
                tenant,
                _version_key(version.model, version.number),
                version,
                "#state = :importing AND job_id = :job",
                {":importing": "importing", ":job": job.id},
            ).otherwise(Conflict(f"version {version.number} is no longer importing", job_id=job.id)),
            self._end_job(tenant, job, "succeeded", None),
        )

    def fail(self, tenant: str, job: Job, failure: Failure, *, state: str = "failed") -> None:
        """Leaves version and job in a named failed state. Raises Conflict when the job moved since it was read."""
        transact(
            self._client,
            self._update(
                tenant,
                _version_key(job.model, job.version),
                "SET #state = :failed, failure = :failure",
                "job_id = :job AND #state = :importing",
                {":failed": "failed", ":failure": failure, ":job": job.id, ":importing": "importing"},
            ).otherwise(Conflict(f"version {job.version} is no longer importing", job_id=job.id)),
            self._end_job(tenant, job, state, failure),
        )

    def _end_job(self, tenant: str, job: Job, state: str, failure: Failure | None) -> Write:
        values = {":state": state, ":now": now(), ":error": failure, ":was": job.state, ":attempt": job.attempt}
        return self._update(
            tenant,
            f"JOB#{job.id}",
            "SET #state = :state, finished_at = :now, #error = :error",
            _UNMOVED,
            values,
            names={"#error": "error"},
        ).otherwise(Conflict(f"job {job.id} changed meanwhile", job_id=job.id))

    def _versions(self, tenant: str, model: str, page: int | None = None) -> Iterator[Version]:
        for item in self._query(tenant, f"VER#{model}#", newest_first=True, page=page):
            yield value_of(item, Version)

    def _get(self, tenant: str, sort_key: str) -> Item | None:
        answer = self._client.get_item(TableName=self._table, Key=_key(tenant, sort_key), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _query(
        self, tenant: str, prefix: str, *, newest_first: bool = False, most: int | None = None, page: int | None = None
    ) -> Iterator[Item]:
        paginator = self._client.get_paginator("query")
        pages = paginator.paginate(
            TableName=self._table,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :prefix)",
            ExpressionAttributeValues={":pk": {"S": f"T#{tenant}"}, ":prefix": {"S": prefix}},
            ScanIndexForward=not newest_first,
            ConsistentRead=True,
            PaginationConfig={"MaxItems": most, "PageSize": page},
        )
        for answer in pages:
            yield from answer["Items"]

    def _put(
        self,
        tenant: str,
        sort_key: str,
        value: Any,
        condition: str = "",
        values: dict[str, Any] | None = None,
        *,
        new: bool = False,
    ) -> Write:
        item = item_of(value, PK=f"T#{tenant}", SK=sort_key)
        return Write("Put", self._table, {"Item": item}, "attribute_not_exists(SK)" if new else condition, values or {})

    def _update(
        self,
        tenant: str,
        sort_key: str,
        expression: str,
        condition: str,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> Write:
        body = {"Key": _key(tenant, sort_key), "UpdateExpression": expression}
        return Write("Update", self._table, body, condition, values, names or {})

    def _check(self, tenant: str, sort_key: str, condition: str, values: dict[str, Any]) -> Write:
        return Write("ConditionCheck", self._table, {"Key": _key(tenant, sort_key)}, condition, values)


def _key(tenant: str, sort_key: str) -> Item:
    return {"PK": {"S": f"T#{tenant}"}, "SK": {"S": sort_key}}


def _version_key(model: str, number: int) -> str:
    return f"VER#{model}#{number:06d}"
