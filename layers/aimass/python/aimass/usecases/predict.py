"""Predict: find the version that a call means, and run it within its limits."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence

from aimass.domain.errors import InvalidArguments, PredictionOutOfMemory, PredictionTimeout
from aimass.domain.model import TensorSpec, Variant, Version
from aimass.domain.placement import PlacedElsewhere
from aimass.domain.ports import VersionReader
from aimass.inference.dataplane import Asked, Media, Prediction, Timing, Value
from aimass.inference.sessions import Sessions
from aimass.inference.values import check_names
from aimass.usecases.find_version import VersionFinder


def _here(variant: Variant) -> None:
    """Where there is one tier."""


class Predictor:
    """The data plane. One prediction takes `seconds` at most, opening its model not counted.

    `open_sessions` is called once a model runs here; `elsewhere` names the tier that answers for a variant, None for
    this one.
    """

    def __init__(
        self,
        versions: VersionReader,
        open_sessions: Callable[[], Sessions],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        elsewhere: Callable[[Variant], str | None] = _here,
    ) -> None:
        self._ends = math.inf
        self._finder = VersionFinder(versions, clock)
        self._open_sessions = open_sessions
        self._seconds = seconds
        self._clock = clock
        self._elsewhere = elsewhere

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

    def prepare(self, tenant: str, version: Version, media: Media) -> dict[str, Value]:
        """What the version's description makes of pictures, texts or rows.

        Raises InvalidArguments naming what cannot be read, or that the description says nothing of such inputs.
        """
        from aimass.inference.described.inputs import described_inputs

        return described_inputs(version, media, lambda file: self._open_sessions().asset(tenant, file))

    def predict(self, tenant: str, asked: Asked) -> Prediction:
        """Runs what was asked for.

        Raises InvalidArguments, PredictionFailed, PredictionTimeout, PredictionOutOfMemory; PlacedElsewhere for a call
        that is in order and another tier's.
        """
        version = asked.version
        check_names(version.inputs, asked.inputs)
        wanted = _wanted(version, asked.outputs)
        variant = _variant(version, asked.variant)
        if tier := self._elsewhere(variant):
            raise PlacedElsewhere(tier)
        names = [spec.name for spec in wanted]
        sessions = self._open_sessions()
        began = time.perf_counter()
        opened = began

        def run(seconds: float) -> list[Value]:
            nonlocal opened
            session = sessions.session(tenant, variant)
            opened = time.perf_counter()
            left = min(seconds, self._ends - self._clock())
            if left <= 0:
                raise PredictionTimeout("opening the model took all of this call's time; it is open now: call again")
            return session.run(asked.inputs, names, left)

        values = self._with_room(sessions, run)
        timing = Timing(load=opened - began, run=time.perf_counter() - opened)
        return Prediction(version, variant, tuple(zip(wanted, values, strict=True)), timing)

    def _with_room(self, sessions: Sessions, run: Callable[[float], list[Value]]) -> list[Value]:
        """Runs; when memory is short and other models hold some of it, closes them and runs once more."""
        started = self._clock()
        try:
            return run(self._seconds)
        except PredictionOutOfMemory:
            if sessions.clear() < 2:
                raise
        left = self._seconds - (self._clock() - started)
        if left <= 0:
            raise PredictionTimeout(f"the prediction took longer than {self._seconds:g} s and was ended")
        return run(left)


def _variant(version: Version, name: str | None) -> Variant:
    try:
        return version.variant(name or "original")
    except KeyError:
        there_are = ", ".join(repr(variant.name) for variant in version.variants)
        wrong = f"version {version.number} has no variant {name!r:.80}; there are: {there_are}"
        raise InvalidArguments.of_fields({"compress": wrong}) from None


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
