"""PyTorch programs that torch.export has written."""

from __future__ import annotations

from pathlib import Path

from aimass.formats.converter import Candidate, Converter, Original


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._torch_export import open_program

    return open_program(folder, candidate)


def _scan(folder: Path, candidate: Candidate) -> str:
    from aimass.formats.converters._torch_archive import scan_pt2

    return scan_pt2(folder, candidate)


CONVERTER = Converter(
    titles={"pt2": "a PyTorch export (.pt2)"},
    environment="torch",
    members=(("pt2", ("*archive_format", "*models/*.json")), ("pt2", ("serialized_exported_program.json",))),
    open=_open,
    scan=_scan,
    program=frozenset({"pt2"}),
    accepted="PyTorch (torch.export .pt2, TorchScript)",
    remedy="export it with torch.onnx.export(program, dynamo=True) where it was trained",
)
