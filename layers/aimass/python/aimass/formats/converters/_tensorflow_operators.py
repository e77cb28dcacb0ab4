"""The operators of a SavedModel, read without TensorFlow: those that no model needs are refused before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.formats.content import Content
from aimass.formats.converters._tensorflow_allowed import in_saved_model
from aimass.formats.member import shown
from aimass.formats.protobuf import BYTES, Malformed, fields

# Where in a SavedModel the names of operators lie, by field numbers (tensorflow/core/protobuf/saved_model.proto,
# meta_graph.proto, core/framework/graph.proto, function.proto, node_def.proto).
_META_GRAPHS, _GRAPH, _OPERATOR = 2, 2, 2
_NODES = (_META_GRAPHS, _GRAPH, 1, _OPERATOR)
_FUNCTION_NODES = (_META_GRAPHS, _GRAPH, 2, 1, 3, _OPERATOR)

#: Operators of a checkpoint, which every SavedModel holds and no answer needs.
CHECKPOINT = ("SaveV2", "Save", "SaveSlices", "MergeV2Checkpoints", "ShardedFilename*")
RESTORE = ("RestoreV2", "Restore", "RestoreSlice")

# Only to say of what is refused what it does: what may be there is said by `_tensorflow_allowed`.
_FILES = (
    *("ReadFile", "WriteFile", "MatchingFiles*", "ExperimentalMatchingFiles*", "ImmutableConst", "RecordInput"),
    *("InitializeTableFromTextFile*", "GenerateVocabRemapping", "LoadAndRemapMatrix", "FixedUnigramCandidateSampler"),
    *("*Reader", "*ReaderV2", "*RecordDataset*", "*LineDataset", "*CSVDataset*", "*SqlDataset", "*LMDBDataset"),
    *("CacheDataset*", "SaveDataset*", "LoadDataset", "*Snapshot*", "*DatasetToTFRecord", "Skipgram", "PrintV2"),
    *("CreateSummary*Writer", "Debug*", "DumpTensor", "DistributedSave", "CalibrationStatisticsSaver"),
    *("FileSystemSetConfiguration", "DTensorRestore*"),
)
_NETWORK = ("Rpc*", "TryRpc", "Remote*", "DataService*", "RegisterDataset*", "Send", "Recv", "_*Send", "_*Recv")
_CODE = ("*PyFunc*", "Xla*", "TRTEngineOp", "Collective*", "*TPU*")
_REACHING = {"files": _FILES, "the network": _NETWORK, "code beside the graph or other devices": _CODE}
_ELSE = "export what takes tensors alone, and prepare them before it; or send the model as ONNX"
_XLA = "it holds a program of XLA, as JAX writes it; export it with jax2onnx where it was trained"


def of_saved_model(content: Content) -> set[str]:
    """Every operator in its graphs and their functions. Raises InvalidModel for what is no such message."""
    try:
        found = {content[start:end] for path in (_NODES, _FUNCTION_NODES) for start, end in _at(content, path)}
    except Malformed as error:
        raise InvalidModel(f"saved_model.pb is damaged: {error}") from None
    return {bytes(name).decode("utf-8", "replace") for name in found}


def _at(content: Content, path: tuple[int, ...], start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Where the fields lie that this path of field numbers leads to."""
    for field in fields(content, start, end):
        if (field.number, field.wire) != (path[0], BYTES):
            continue
        if len(path) == 1:
            yield field.start, field.end
        else:
            yield from _at(content, path[1:], field.start, field.end)


def matching(operators: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Those that one of the patterns names, sorted."""
    wanted = tuple(patterns)
    return sorted({name for name in operators if any(fnmatchcase(name, one) for one in wanted)})


def refuse_others(operators: Iterable[str], allowed: Callable[[str], bool] = in_saved_model) -> None:
    """Raises ConversionFailed that names the operators that are not allowed, and says what those do that are known."""
    there = {name for name in operators if not allowed(name)}
    for what, patterns in _REACHING.items():
        if found := matching(there, patterns):
            way = _XLA if found[0].startswith("Xla") else "export the model without it, with what it reads as inputs"
            raise _refused(found, f"which reaches for {what}", way)
    if there:
        raise _refused(sorted(there), "which is not among the operators that are opened here", _ELSE)


def _refused(found: list[str], why: str, way: str) -> ConversionFailed:
    names = [shown(name) for name in found[:5]]
    return ConversionFailed(f"the graph holds {', '.join(names)}, {why}; {way}", operators=names)
