"""The operators of a SavedModel, read without TensorFlow: those that reach out of it are refused before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.formats.content import Content
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

_FILES = (
    *("ReadFile", "WriteFile", "MatchingFiles*", "ExperimentalMatchingFiles*", "ImmutableConst", "RecordInput"),
    *("InitializeTableFromTextFile*", "GenerateVocabRemapping", "LoadAndRemapMatrix", "FixedUnigramCandidateSampler"),
    *("*Reader", "*ReaderV2", "*RecordDataset*", "*LineDataset", "*CSVDataset*", "*SqlDataset", "*LMDBDataset"),
    *("CacheDataset*", "SaveDataset*", "LoadDataset", "*Snapshot*", "*DatasetToTFRecord", "Skipgram", "PrintV2"),
    *("CreateSummary*Writer", "Debug*", "DumpTensor", "DistributedSave", "CalibrationStatisticsSaver"),
    *("FileSystemSetConfiguration", "DTensorRestore*"),
)
_NETWORK = ("Rpc*", "TryRpc", "Remote*", "DataService*", "RegisterDataset*", "Send", "Recv", "_*Send", "_*Recv")
_CODE = ("*PyFunc*", "XlaCustomCall*", "TRTEngineOp", "Collective*", "*TPU*")
_REACHING = {"files": _FILES, "the network": _NETWORK, "code beside the graph or other devices": _CODE}


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


def refuse_reaching(operators: Iterable[str]) -> None:
    """Raises ConversionFailed that names the operators that reach for files, the network or code."""
    there = set(operators)
    for what, patterns in _REACHING.items():
        if found := matching(there, patterns):
            names = [shown(name) for name in found[:5]]
            raise ConversionFailed(
                f"the graph holds {', '.join(names)}, which reaches for {what}; export the model without it, with what"
                " it reads as constants or inputs",
                operators=names,
            )
