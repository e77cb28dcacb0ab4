"""Predict: find the version that a call means, and run it within its limits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from aimass.domain.datatypes import is_tensor
from aimass.domain.errors import (
    AimassError,
    InvalidArguments,
    PredictionFailed,
    PredictionOutOfMemory,
    PredictionTimeout,
)
from aimass.domain.model import TensorSpec, Variant, Version, VersionSummary
from aimass.domain.placement import PlacedElsewhere
from aimass.domain.ports import VersionReader
from aimass.inference.dataplane import Asked, FindVersion, Media, Prediction, Session, Texts, Timing, Value
from aimass.inference.fixed_batch import Runs, check_time, runs_of
from aimass.inference.sessions import Sessions
from aimass.inference.statistics import Done, ModelStatistics, Statistics
from aimass.inference.tensors import brief, described, shape_text
from aimass.inference.values import check_names
from aimass.usecases.find_version import VersionFinder
from aimass.usecases.repository import all_versions, newest_versions


def _here(variant: Variant, asset_memory: int) -> None:
    """Where there is one tier."""


_UNKNOWN_CATEGORY = "Unknown Category"  # what the runtime's OneHotEncoder says of one


class Predictor:
    """The data plane. One prediction takes `seconds` at most, opening its model not counted.

    `open_sessions` is called once a model runs here; `elsewhere` names the tier that answers for a variant whose
    tokenizer takes so many bytes open, None for this one.
    """

    def __init__(
        self,
        versions: VersionReader,
        open_sessions: Callable[[], Sessions],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        elsewhere: Callable[[Variant, int], str | None] = _here,
    ) -> None:
        self._ends = math.inf
        self._find: FindVersion = VersionFinder(versions, clock).find
        self._open_sessions = open_sessions
        self._seconds = seconds
        self._clock = clock
        self._elsewhere = elsewhere
        self._versions = versions
        self._statistics = Statistics()

    def within(self, seconds: float) -> Predictor:
        """The same data plane for a call that has so many seconds left, opening a model among them."""
        limited = self._copy()
        limited._ends = self._clock() + seconds
        return limited

    def finding(self, find: FindVersion) -> Predictor:
        """The same data plane, in which `find` says what version is meant."""
        other = self._copy()
        other._find = find
        return other

    def _copy(self) -> Predictor:
        one = object.__new__(Predictor)  # a fifth of what copy.copy takes, on every call
        one.__dict__.update(self.__dict__)
        return one

    def find_version(self, tenant: str, model: str, ref: int | str | None) -> Version:
        """The ready version that `ref` means: a number, an alias's name, or None for the default.

        Raises ModelNotFound, VersionNotFound, AliasNotFound, VersionNotReady.
        """
        return self._find(tenant, model, ref)

    def prepare(self, tenant: str, version: Version, media: Media, variant: str | None = None) -> dict[str, Value]:
        """What the version's description makes of pictures, texts or rows, for the variant that will answer.

        Raises InvalidArguments naming what cannot be read, or that the description says nothing of such inputs;
        PlacedElsewhere before a tokenizer is opened on a tier that does not run the model.
        """
        tokenized = isinstance(media, Texts) and version.assets
        if tokenized and (tier := self._elsewhere(_variant(version, variant), version.asset_memory)):
            raise PlacedElsewhere(tier)
        from aimass.inference.described.inputs import described_inputs

        return described_inputs(
            version, media, lambda file, limit: self._open_sessions().tokenizer(tenant, file, limit)
        )

    def versions_of(self, tenant: str, model: str) -> Sequence[VersionSummary]:
        """The newest versions of a model, in whatever state; of an unknown model none."""
        return newest_versions(self._versions, tenant, model)

    def repository(self, tenant: str) -> Sequence[VersionSummary]:
        """The versions of all of the tenant's models, in whatever state."""
        return all_versions(self._versions, tenant)

    def predict(self, tenant: str, asked: Asked) -> Prediction:
        """Runs what was asked for; a batch larger than a fixed one in several runs.

        Raises InvalidArguments, PayloadTooLarge, PredictionFailed, PredictionTimeout, PredictionOutOfMemory;
        PlacedElsewhere for a call that is in order and another tier's.
        """
        version = asked.version
        check_names(version.inputs, asked.inputs)
        runs = runs_of(version, asked.inputs)
        wanted = _wanted(version, asked.outputs)
        variant = _variant(version, asked.variant)
        if tier := self._elsewhere(variant, version.asset_memory):
            raise PlacedElsewhere(tier)
        check_time(runs, variant, min(self._seconds, self._ends - self._clock()))
        began = time.perf_counter()
        try:
            values, timing = self._values(tenant, variant, runs, [spec.name for spec in wanted])
        except Exception as error:
            self._statistics.failed(tenant, version.model, version.number, time.perf_counter() - began)
            if isinstance(error, _InputsRefused):
                raise _told(error, asked) from None
            raise
        total = time.perf_counter() - began
        done = Done(_rows(version, asked.inputs), runs.count, total, timing.load, timing.run)
        self._statistics.succeeded(tenant, version.model, version.number, done)
        return Prediction(version, variant, tuple(zip(wanted, values, strict=True)), timing)

    def statistics(self, tenant: str, version: Version) -> ModelStatistics:
        """What this process counted of a version."""
        return self._statistics.of(tenant, version.model, version.number)

    def all_statistics(self, tenant: str) -> Mapping[tuple[str, int], ModelStatistics]:
        """What this process counted of each of the tenant's models and versions that it was asked for."""
        return self._statistics.of_tenant(tenant)

    def _values(self, tenant: str, variant: Variant, runs: Runs, names: list[str]) -> tuple[list[Value], Timing]:
        sessions = self._open_sessions()
        began = opened = time.perf_counter()

        def run(seconds: float) -> list[Value]:
            nonlocal opened
            session = sessions.session(tenant, variant)
            opened = time.perf_counter()
            return self._run(session, runs, names, seconds)

        values = self._with_room(sessions, run)
        return values, Timing(load=opened - began, run=time.perf_counter() - opened)

    def _run(self, session: Session, runs: Runs, names: list[str], seconds: float) -> list[Value]:
        """Every run within the one deadline."""
        ends = min(self._clock() + seconds, self._ends)

        def answers() -> Iterator[list[Value]]:
            for ran, feed in enumerate(runs.feeds):
                left = min(seconds, ends - self._clock())
                if left <= 0:
                    raise PredictionTimeout(_late(ran, runs.count))
                yield _answered(session, feed, names, left)

        return runs.join(answers())

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


def _late(ran: int, wanted: int) -> str:
    if not ran:
        return "opening the model took all of this call's time; it is open now: call again"
    return f"{ran} of the {wanted} batches took all of this call's time; send fewer rows a call"


class _InputsRefused(PredictionFailed):
    """The model is open, and the runtime refuses what it was given."""


def _answered(session: Session, feed: Mapping[str, Value], names: list[str], seconds: float) -> list[Value]:
    try:
        return session.run(feed, names, seconds)
    except PredictionFailed as error:
        raise _InputsRefused(error.message) from None


def _variant(version: Version, name: str | None) -> Variant:
    try:
        return version.variant(name) if name else version.serving
    except KeyError:
        there_are = ", ".join(repr(variant.name) for variant in version.variants)
        wrong = f"version {version.number} has no variant {brief(name)}; there are: {there_are}"
        # Only the native wire shows the fields: there the argument is called so.
        raise InvalidArguments(wrong, fields={"compress": wrong}) from None


def _told(error: _InputsRefused, asked: Asked) -> AimassError:
    """What the runtime refused, with what came beside what is wanted: its own words name neither."""
    if "UnicodeDecodeError" in error.message:  # it met them in an output
        return error
    for name, value in asked.inputs.items():
        if (isinstance(value, list) and not value) or getattr(value, "size", 1) == 0:
            empty = "holds no rows, and this model does not run on none"
            return InvalidArguments(f"input {name!r}: {empty}", fields={name: empty})
    if _UNKNOWN_CATEGORY in error.message:
        return PredictionFailed(f"a category that the model does not know came: {error.message}")
    inputs = [(spec, asked.inputs[spec.name]) for spec in asked.version.inputs if spec.name in asked.inputs]
    came = "; ".join(_came(spec, value) for spec, value in inputs)
    told = f"; {came}" if came else ""
    return PredictionFailed(f"{_different_rows(inputs)}{error.message}{told}")


def _different_rows(inputs: Sequence[tuple[TensorSpec, Value]]) -> str:
    """How many rows each input has, where they may differ and do: mostly that is the mistake."""
    rows = {spec.name: len(value) for spec, value in inputs if is_tensor(spec.onnx_type) and spec.shape[:1] == (-1,)}
    if len(set(rows.values())) < 2:
        return ""
    told = ", ".join(f"{name!r} {count}" for name, count in rows.items())
    return f"inputs have different numbers of rows: {told}; "


def _came(spec: TensorSpec, value: Value) -> str:
    if not is_tensor(spec.onnx_type):
        return f"input {spec.name!r} wants {spec.onnx_type}"
    return f"input {spec.name!r} wants {described(spec)}, got shape {shape_text(value.shape)}"


def _rows(version: Version, inputs: Mapping[str, Value]) -> int:
    """How many rows a call has, as far as the first input tells."""
    for spec in version.inputs[:1]:
        if is_tensor(spec.onnx_type) and spec.shape and inputs[spec.name].ndim:
            return len(inputs[spec.name])
    return 1


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
