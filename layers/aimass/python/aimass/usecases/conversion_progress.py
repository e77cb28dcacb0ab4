"""How far a conversion's job is, told by empty objects that it puts: it can reach nothing but presigned URLs."""

from __future__ import annotations

import re
from datetime import datetime

from aimass.domain.clock import written
from aimass.domain.conversion import PHASES
from aimass.domain.names import MODEL_NAME
from aimass.domain.ports import ModelRegistry

FOLDER = "conversions"  # in the bucket of uploads
ENDING = ".progress"
_KEY = re.compile(rf"{FOLDER}/({MODEL_NAME})/([\w-]{{1,40}})/([1-9]\d{{0,5}})/(\w{{1,40}}){re.escape(ENDING)}")


def progress_names() -> dict[str, str]:
    """The objects' names in an attempt's folder, by phase."""
    return {phase: f"{phase}{ENDING}" for phase in PHASES}


def note_progress(registry: ModelRegistry, key: str, moment: str) -> bool:
    """Adds a line to the log of the job whose conversion put this object at that moment (ISO 8601, with its zone).

    False for any other object. An event that comes again, or after a later one, changes no line and no order. What
    keeps the line from being kept is raised: whoever called tries again.
    """
    found = _KEY.fullmatch(key)
    if not found or found[4] not in PHASES:
        return False
    tenant, job_id, attempt, phase = found.groups()
    at, place = written(datetime.fromisoformat(moment)), list(PHASES).index(phase)  # S3 may say no more than seconds
    registry.log(tenant, job_id, int(attempt), "convert", PHASES[phase], at=at, place=place)
    return True
