"""TorchScript's code is text: what reaches for files is found however it is written, and what models call passes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from aimass.domain.errors import TruncatedModel
from aimass.formats.converter import Candidate
from aimass.formats.converters._torch_archive import reaching, scan_pt2

#: Each was run by PyTorch 2.13 and left a file.
REACHES = [
    'torch.save(x, "f")',
    'torch \\\n  .save(x, "f")',
    '(torch # a comment\n  .save(x, "f"))',
    't = torch\n  t.save(x, "f")',
    'f = torch.save\n  f(x, "f")',
    'o = ops.aten\n  o.save(x, "f")',
    'o = getattr(ops, "aten")\n  o.save(x, "f")',
    'getattr(torch, "save")(x, "f")',
    'getattr(torch, "sa" "ve")(x, "f")',
    'getattr(torch, "\\163ave")(x, "f")',
    'torch.from_file("f", False, 9)',
    'getattr(torch, "from_file")("f", False, 9)',
    "ops.c10d.send(x)",
    "ops # a comment\n .c10d.send(x)",
    'getattr(ops, "c10d").send(x)',
    "o = ops\n  o.c10d.send(x)",
]
CALLS = [
    "_0 = torch.relu(x)",
    "_1 = ops.prim.NumToTensor(torch.size(x, 0))",
    "_2 = ops.torchvision.nms(x, y, 0.5)",
    "def forward(self: __torch__.torchvision.ops.misc.Norm, x: Tensor) -> Tensor:",
    '_3 = getattr(self.layers, "0")',
    '_4 = getattr(getattr(self, "a b"), "1")',
    'ops.prim.RaiseException("can\'t save what is left", "builtins.ValueError")',
]


@pytest.mark.parametrize("code", REACHES)
def test_what_reaches_for_files_or_other_libraries_is_found(code: str) -> None:
    assert reaching(code.encode())


@pytest.mark.parametrize("code", CALLS)
def test_what_models_call_passes(code: str) -> None:
    assert reaching(code.encode()) is None


def test_a_program_that_is_damaged_in_its_zip_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("serialized_exported_program.json", b'{"name": "m"}')
    path.write_bytes(path.read_bytes().replace(b'"name"', b'"nome"'))
    with pytest.raises(TruncatedModel, match=r"serialized_exported_program\.json is damaged"):
        scan_pt2(tmp_path, Candidate("pt2", ("m.pt2",)))
