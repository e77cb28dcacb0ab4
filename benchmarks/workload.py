"""Clients that change things and note what was acknowledged."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator

import requests
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.facts import Ledger
from benchmarks.models import tiny
from benchmarks.reach import TENANT, CutOff, Json, Reach, digest

CUT_OFF = (requests.RequestException, BotoCoreError, OSError)
PART_BYTES = 5 * 2**20
DELIVERED_SECONDS = 60.0
_numbers: Iterator[int] = itertools.count(1)


class Worker:
    """One client. Its models and keys are its own, so that it knows what each must be."""

    def __init__(self, name: str, seed: int, ledger: Ledger, where: Callable[[], Reach]) -> None:
        self._name = name
        self._random = random.Random(seed)  # noqa: S311 - what is done, not a secret
        self._ledger = ledger
        self._where = where
        self._jobs: dict[str, Json] = {}  # accepted, not known to have ended
        self._ready: list[Json] = []
        self._uploads: list[Json] = []  # of S3, begun and not completed
        self._grants: list[Json] = []  # of the API, the same
        # Imports take a second or two of a core each, and are waited for after every kill.
        self._acts = [
            (2, self.upload),
            (1, self.put_model),
            (5, self.follow),
            (1, self.upload_in_parts),
            (4, self.add_part),
            (2, self.complete),
            (8, self.put_object),
            (4, self.delete_object),
            (6, self.move_alias),
            (3, self.describe_model),
            (1, self.delete_version),
        ]

    def run(self, stopping: threading.Event) -> None:
        weights = [weight for weight, _ in self._acts]
        while not stopping.is_set():
            act = self._random.choices([act for _, act in self._acts], weights)[0]
            try:
                act(self._where())
            except (*CUT_OFF, CutOff, ClientError):
                time.sleep(0.05)

    def upload(self, at: Reach) -> None:
        model, body = f"{self._name}-{next(_numbers)}", self._model()
        accepted = at.call("POST", "/upload", files={"model": ("m.onnx", body)}, data={"name": model})
        if accepted.status_code == 202:
            self._accepted(accepted.json() | {"model": model, "sha256": digest(body)})

    def put_model(self, at: Reach) -> None:
        """Straight into the bucket: its event must start an import, whatever happens."""
        model, body = f"{self._name}-{next(_numbers)}", self._model()
        key = f"uploads/{TENANT}/{model}/m.onnx"
        version = at.s3.put_object(Bucket=at.bucket, Key=key, Body=body)["VersionId"]
        self._stored(key, version, body)
        self._ledger.note(("import", model), f"the import of {key}", lambda: self._has_import(model))

    def follow(self, at: Reach) -> None:
        """An end that was seen stays; an import that was interrupted is run again, one at a time."""
        for job_id, job in list(self._jobs.items()):
            now = at.call("GET", f"/api/v1/jobs/{job_id}").json()
            if now.get("state") == "succeeded":
                del self._jobs[job_id]
                self._ready.append(job)
                self._note_ready(job)
            elif now.get("state") == "failed" and now["error"]["code"] == "interrupted":
                at.call("POST", f"/api/v1/jobs/{job_id}/retry")
                return

    def upload_in_parts(self, at: Reach) -> None:
        """Through the API, whose parts are of S3's."""
        model, body = f"{self._name}-{next(_numbers)}", self._model()
        announced = {"model": model, "filename": "m.onnx", "size": len(body), "sha256": digest(body)}
        answer = at.call("POST", "/api/v1/uploads", json=announced)
        if answer.status_code == 201:
            grant = answer.json() | {"model": model, "body": body, "sha256": digest(body)}
            self._grants.append(grant)
            self._note_upload(grant["upload_id"], None)

    def add_part(self, at: Reach) -> None:
        if self._random.random() < 0.5 and self._grants:
            grant = self._random.choice(self._grants)
            parts = at.call("GET", f"/api/v1/uploads/{grant['upload_id']}").json()["parts"]
            if parts and "url" in parts[0]:
                sent = requests.put(parts[0]["url"], data=grant["body"], timeout=60)
                if sent.status_code == 200:
                    grant["etag"] = sent.headers["ETag"]
                    self._note_upload(grant["upload_id"], grant["etag"])
            return
        if not self._uploads or self._random.random() < 0.3:
            key = f"chaos/{self._name}/{next(_numbers)}"
            begun = at.s3.create_multipart_upload(Bucket=at.bucket, Key=key)
            self._uploads.append({"key": key, "id": begun["UploadId"], "parts": {}})
            self._note_parts(self._uploads[-1])
            return
        upload, body = self._random.choice(self._uploads), self._random.randbytes(PART_BYTES)
        number = len(upload["parts"]) + 1
        where = {"Bucket": at.bucket, "Key": upload["key"], "UploadId": upload["id"], "PartNumber": number}
        etag = at.s3.upload_part(**where, Body=body)["ETag"]
        upload["parts"][number] = (etag, body)
        self._note_parts(upload)

    def complete(self, at: Reach) -> None:
        """One of S3 that is cut off here is left alone, as it may be either; one of the API is asked again."""
        whole = [upload for upload in self._uploads if len(upload["parts"]) >= 2]
        if whole:
            upload = whole[0]
            parts = [{"PartNumber": number, "ETag": etag} for number, (etag, _) in upload["parts"].items()]
            self._ledger.changing(("parts", upload["id"]))
            self._uploads.remove(upload)
            where = {"Bucket": at.bucket, "Key": upload["key"], "UploadId": upload["id"]}
            done = at.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
            self._stored(upload["key"], done["VersionId"], b"".join(body for _, body in upload["parts"].values()))
        sent = [grant for grant in self._grants if "etag" in grant]
        if sent:
            grant = sent[0]
            parts = [{"part_number": 1, "etag": grant["etag"]}]
            self._ledger.changing(("upload", grant["upload_id"]))
            answer = at.call("POST", f"/api/v1/uploads/{grant['upload_id']}/complete", json={"parts": parts})
            self._grants.remove(grant)
            if answer.status_code == 202:
                self._accepted(answer.json() | {"model": grant["model"], "sha256": grant["sha256"]})

    def put_object(self, at: Reach) -> None:
        key, body = self._scratch(), self._random.randbytes(self._random.choice((0, 100, 100_000, 3 * 2**20)))
        self._ledger.changing(("current", key))
        version = at.s3.put_object(Bucket=at.bucket, Key=key, Body=body)["VersionId"]
        self._stored(key, version, body)
        self._ledger.note(("current", key), f"the current {key}", lambda: self._differs(key, body))

    def delete_object(self, at: Reach) -> None:
        key = self._scratch()
        self._ledger.changing(("current", key))
        at.s3.delete_object(Bucket=at.bucket, Key=key)
        self._ledger.note(("current", key), f"the delete of {key}", lambda: self._differs(key, None))

    def move_alias(self, at: Reach) -> None:
        if not self._ready:
            return
        job = self._random.choice(self._ready)
        path = f"/api/v1/models/{job['model']}/aliases/prod"
        if job.get("aliased") and at.offers("delete", "/api/v1/models/{model}/aliases/{alias}"):
            self._ledger.changing(("alias", job["model"]))
            if at.call("DELETE", path).status_code == 204:
                job["aliased"] = False
                self._ledger.note(("alias", job["model"]), f"the delete of {path}", lambda: self._found(path))
            return
        self._ledger.changing(("alias", job["model"]))
        answer = at.call("PUT", path, json={"version": job["version"]})
        if answer.status_code == 200:
            job["aliased"], revision = True, answer.json()["revision"]
            self._ledger.note(
                ("alias", job["model"]), f"{path} at {revision}", lambda: self._alias_differs(path, job, revision)
            )

    def describe_model(self, at: Reach) -> None:
        if self._ready and at.offers("patch", "/api/v1/models/{model}"):
            model, text = self._random.choice(self._ready)["model"], f"description {next(_numbers)}"
            self._ledger.changing(("description", model))
            if at.call("PATCH", f"/api/v1/models/{model}", json={"description": text}).status_code == 200:
                self._ledger.note(
                    ("description", model),
                    f"{model}'s {text}",
                    lambda: self._field_differs(f"/api/v1/models/{model}", "description", text),
                )

    def delete_version(self, at: Reach) -> None:
        free = [job for job in self._ready if "aliased" not in job]
        if free and at.offers("delete", "/api/v1/models/{model}/versions/{version}"):
            job = self._random.choice(free)
            path = f"/api/v1/models/{job['model']}/versions/{job['version']}"
            self._ledger.changing(("version", job["model"]))
            self._ready.remove(job)
            if at.call("DELETE", path).status_code in (200, 204):
                self._ledger.note(("version", job["model"]), f"the delete of {path}", lambda: self._still_ready(path))

    def _model(self) -> bytes:
        return tiny(float(next(_numbers)))

    def _scratch(self) -> str:
        return f"chaos/{self._name}/scratch-{self._random.randrange(5)}"

    def _accepted(self, job: Json) -> None:
        """Its job is there, and ends; its version is there."""
        self._jobs[job["job_id"]] = job
        self._ledger.note(("job", job["job_id"]), f"job {job['job_id']}", lambda: self._no_job(job))

    def _note_ready(self, job: Json) -> None:
        path = f"/api/v1/models/{job['model']}/versions/{job['version']}"
        self._ledger.note(("version", job["model"]), path, lambda: self._not_ready(path, job))

    def _stored(self, key: str, version: str, body: bytes) -> None:
        wanted = digest(body)
        self._ledger.note(("object", version), f"{key} {version}", lambda: self._other_bytes(key, version, wanted))

    def _note_upload(self, upload_id: str, etag: str | None) -> None:
        self._ledger.note(("upload", upload_id), f"upload {upload_id}", lambda: self._no_upload(upload_id, etag))

    def _note_parts(self, upload: Json) -> None:
        wanted = {number: etag for number, (etag, _) in upload["parts"].items()}
        self._ledger.note(("parts", upload["id"]), f"parts of {upload['key']}", lambda: self._no_parts(upload, wanted))

    def _has_import(self, model: str) -> str | None:
        """Its event may be on its way still."""
        until = time.monotonic() + DELIVERED_SECONDS
        while (answer := self._where().call("GET", f"/api/v1/models/{model}/versions/1")).status_code != 200:
            if time.monotonic() > until:
                return f"no version: {answer.status_code}"
            time.sleep(0.2)
        return None

    def _no_job(self, job: Json) -> str | None:
        now = self._where().call("GET", f"/api/v1/jobs/{job['job_id']}").json()
        return None if now.get("model_name") == job["model"] else str(now)

    def _not_ready(self, path: str, job: Json) -> str | None:
        at = self._where()
        now = at.call("GET", path).json()
        if (now.get("state"), now.get("sha256")) != ("ready", job["sha256"]):
            return str(now)[:500]
        key = f"artifacts/{TENANT}/sha256/{job['sha256']}"
        body = at.s3.get_object(Bucket=at.artifacts, Key=key)["Body"].read()
        return None if digest(body) == job["sha256"] else f"the artifact has digest {digest(body)}"

    def _still_ready(self, path: str) -> str | None:
        answer = self._where().call("GET", path)
        ready = answer.status_code == 200 and answer.json()["state"] == "ready"
        return answer.text[:300] if ready else None

    def _found(self, path: str) -> str | None:
        answer = self._where().call("GET", path)
        return None if answer.status_code == 404 else answer.text[:300]

    def _alias_differs(self, path: str, job: Json, revision: int) -> str | None:
        now = self._where().call("GET", path).json()
        same = now.get("version") == job["version"] and now.get("revision", 0) >= revision
        return None if same else str(now)

    def _field_differs(self, path: str, field: str, wanted: str) -> str | None:
        now = self._where().call("GET", path).json()
        return None if now.get(field) == wanted else str(now)[:300]

    def _other_bytes(self, key: str, version: str, wanted: str) -> str | None:
        try:
            at = self._where()
            body = at.s3.get_object(Bucket=at.bucket, Key=key, VersionId=version)["Body"].read()
        except ClientError as error:
            return str(error)
        return None if digest(body) == wanted else f"{len(body)} other bytes"

    def _differs(self, key: str, wanted: bytes | None) -> str | None:
        at = self._where()
        try:
            body = at.s3.get_object(Bucket=at.bucket, Key=key)["Body"].read()
        except at.s3.exceptions.NoSuchKey:
            body = None
        return None if body == wanted else f"is {body and len(body)} bytes, not {wanted and len(wanted)}"

    def _no_upload(self, upload_id: str, etag: str | None) -> str | None:
        now = self._where().call("GET", f"/api/v1/uploads/{upload_id}").json()
        if "parts" not in now:
            return str(now)
        received = etag is None or (now["parts"][0]["received"] and now["parts"][0]["etag"] == etag)
        return None if received else str(now)[:300]

    def _no_parts(self, upload: Json, wanted: dict[int, str]) -> str | None:
        at = self._where()
        try:
            listed = at.s3.list_parts(Bucket=at.bucket, Key=upload["key"], UploadId=upload["id"])
        except ClientError as error:
            return str(error)
        found = {part["PartNumber"]: part["ETag"] for part in listed.get("Parts", ())}
        return None if found.items() >= wanted.items() else f"{found}, not {wanted}"
