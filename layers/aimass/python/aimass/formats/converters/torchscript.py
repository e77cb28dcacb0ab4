"""TorchScript."""

from __future__ import annotations

from pathlib import Path

from aimass.formats.converter import Candidate, Converter, Original


def _open(folder: Path, candidate: Candidate) -> Original:
    from aimass.formats.converters._torchscript import open_module

    return open_module(folder, candidate)


def _scan(folder: Path, candidate: Candidate) -> str:
    from aimass.formats.converters._torch_archive import scan_torchscript

    return scan_torchscript(folder, candidate)


CONVERTER = Converter(
    titles={"torchscript": "TorchScript"},
    environment="torch",
    members=(
        ("torchscript", ("*/data.pkl", "*/code/*", "*/version")),
        ("torchscript", ("*/data.pkl", "*/constants.pkl")),
    ),
    open=_open,
    scan=_scan,
    program=frozenset({"torchscript"}),
    remedy="export the module that it was made from with torch.onnx.export",
)
