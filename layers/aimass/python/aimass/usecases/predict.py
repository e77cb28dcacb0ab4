"""Predict: find the version that a call means, and run it within its limits."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping, Sequence

from aimass.domain.errors import InvalidArguments, PredictionOutOfMemory, PredictionTimeout
from aimass.domain.model import TensorSpec, Version
from aimass.domain.ports import VersionReader
from aimass.inference.dataplane import Prediction, Value
from aimass.inference.sessions import Sessions
from aimass.inference.values import check_names
from aimass.usecases.find_version import VersionFinder


class Predictor:
    """The data plane. One prediction takes `seconds` at most, opening its model not counted."""

    def __init__(
        self,
        versions: VersionReader,
        sessions: Sessions,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ends = math.inf
        self._finder = VersionFinder(versions, clock)
        self._sessions = sessions
        self._seconds = seconds
        self._clock = clock

    def within(self, seconds: float) -> Predictor:
        """The same data plane for a call that has so many seconds left, opening a model among them."""
        limited = copy.copy(self)
        limited._ends = self._clock() + seconds
        return limited

    def find_version(self, tenant: str, model: str, ref: int | str | None) -> Version:
        """The ready version that `ref` means: a number, an alias's name, or None for the default.

        Raises ModelNotFound, VersionNotFound, AliasNotFound, VersionNotReady.
        """
        return self._finder.find(tenant, model, ref)

    def predict(
        self, tenant: str, version: Version, inputs: Mapping[str, Value], outputs: Sequence[str] | None = None
    ) -> Prediction:
        """Runs the version on named inputs; `outputs` names those wanted, all by default.

        Raises InvalidArguments, PredictionFailed, PredictionTimeout, PredictionOutOfMemory.
        """
        check_names(version.inputs, inputs)
        wanted = _wanted(version, outputs)
        variant = version.variant()
        names = [spec.name for spec in wanted]

        def run(seconds: float) -> list[Value]:
            session = self._sessions.session(tenant, variant)
            left = min(seconds, self._ends - self._clock())
            if left <= 0:
                raise PredictionTimeout("opening the model took all of this call's time; it is open now: call again")
            return session.run(inputs, names, left)

        return Prediction(version, variant, tuple(zip(wanted, self._with_room(run), strict=True)))

    def _with_room(self, run: Callable[[float], list[Value]]) -> list[Value]:
        """Runs; when memory is short and other models hold some of it, closes them and runs once more."""
        started = self._clock()
        try:
            return run(self._seconds)
        except PredictionOutOfMemory:
            if self._sessions.clear() < 2:
                raise
        left = self._seconds - (self._clock() - started)
        if left <= 0:
            raise PredictionTimeout(f"the prediction took longer than {self._seconds:g} s and was ended")
        return run(left)


def _wanted(version: Version, names: Sequence[str] | None) -> list[TensorSpec]:
    if not names:
        return list(version.outputs)
    specs = {spec.name: spec for spec in version.outputs}
    unknown = [name for name in names if name not in specs]
    if unknown:
        raise InvalidArguments(
            f"no output {', '.join(map(repr, unknown))}; this model has {', '.join(map(repr, specs))}",
            fields=dict.fromkeys(unknown, "unknown output"),
        )
    return [specs[name] for name in names]
