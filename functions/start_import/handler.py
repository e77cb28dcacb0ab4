"""An object arrived in the uploads bucket: its import starts, once."""

from typing import Any

from aimass import bootstrap
from aimass.usecases.start_import import ArrivedObject, start_import


def handler(event: dict[str, Any], context: object) -> dict[str, str | None]:
    """An EventBridge `Object Created` event to the id of the job that imports the object."""
    detail = event["detail"]
    arrived = ArrivedObject(
        bucket=detail["bucket"]["name"],
        key=detail["object"]["key"],
        version_id=detail["object"]["version-id"],
        size=detail["object"]["size"],
        time=event["time"],
    )
    job_id = start_import(bootstrap.registry(), bootstrap.uploads(), bootstrap.import_runner(), arrived)
    return {"job_id": job_id}
