"""Weights without a graph: PyTorch state dicts and safetensors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aimass.formats.content import Content, mapped
from aimass.formats.converter import Candidate, Converter, Original, Tree
from aimass.formats.member import shown
from aimass.formats.safetensors_header import read_header

# torch.save before 1.6: its magic number as a pickle, of protocol 2.
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
# A longer header is not read by safetensors itself.
_HEADER_BYTES = 100_000_000


def _recognise(content: Content) -> str | None:
    head = content[:16]
    if head[: len(_LEGACY)] == _LEGACY:
        return "pytorch-legacy"
    length = int.from_bytes(head[:8], "little")
    return "safetensors" if head[8:9] == b"{" and 2 <= length <= _HEADER_BYTES else None


def _find(tree: Tree) -> Sequence[Candidate]:
    return [_candidate(tree, path) for path in tree.of(*CONVERTER.titles)]


def _candidate(tree: Tree, path: str) -> Candidate:
    kind = tree.kinds[path]
    if kind != "safetensors":
        return Candidate(kind, (path,))
    with mapped(tree.root / path) as content:
        tensors = read_header(content, shown(path))
    facts = {"tensors": len(tensors), "parameter_count": sum(tensor.elements for tensor in tensors.values())}
    return Candidate(kind, (path,), facts)


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._torch_weights import refuse

    return refuse(folder, candidate)


def _scan(folder: Path, candidate: Candidate) -> str:
    from aimass.formats.converters._torch_archive import scan_pickled

    return scan_pickled(folder, candidate)


CONVERTER = Converter(
    titles={
        "pytorch": "PyTorch weights (.pt, .pth)",
        "pytorch-legacy": "PyTorch weights (.pth, from before PyTorch 1.6)",
        "safetensors": "safetensors weights",
    },
    environment="torch",
    recognise=_recognise,
    members=(("pytorch", ("*/data.pkl", "*/version")),),
    find=_find,
    open=_open,
    scan=_scan,
    program=frozenset({"pytorch", "pytorch-legacy"}),
    weights=frozenset({"pytorch", "pytorch-legacy", "safetensors"}),
    remedy="weights alone have no graph: send torch.export.save(torch.export.export(model, inputs), 'model.pt2')",
)
