"""PyTorch's zip files before they are opened: what in them would be run or unpickled is on a list, or they are refused.

The pickles in a file are the smaller part. torch.export evaluates the sizes of a .pt2 as Python and compiles its guards
and its names (torch 2.13: `_parse_sym_expr`, `_convert_guards_code_to_fn`); TorchScript can read and write files.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aimass.domain.errors import ConversionFailed, TruncatedModel, UnsafePickle
from aimass.formats.converter import Candidate
from aimass.formats.converters._torch_program import check_program
from aimass.formats.member import shown
from aimass.formats.pickle_allowed import TORCH
from aimass.formats.pickle_gate import is_zip, scan

_PATH = re.compile(r"[^/]+/(?P<inside>.+)", re.S)
# A .pt2 as torch 2.8 and later write it, and the older one, below a folder of any name or at the top.
_PT2 = re.compile(
    r"data/weights/(weight_\d+|\w+_weights_config\.json|\w+\.pt)|data/constants/(tensor_\d+|\w+_constants_config\.json"
    r"|\w+\.pt)|data/sample_inputs/\w+\.pt|models/\w+\.json|extra/.*|archive_format|archive_version|byteorder|version"
    r"|\.data/\w+|serialized_(exported_program\.json|(state_dict|constants|example_inputs)\.(pt|json))|extra_files/.*"
)
_PROGRAM = re.compile(r"(.*/)?(models/\w+|serialized_exported_program)\.json")
_CONFIG = re.compile(r".*_(weights|constants)_config\.json")
_MOST_PROGRAM = 256 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_PICKLED = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}
_SCRIPT = (re.compile(r"__torch__(\.\w+)*:\w+", re.ASCII), re.compile(r"torch\.jit\._pickle:\w+", re.ASCII))
_QUANTIZED = re.compile(r"torch\.per_(tensor|channel)_affine|_rebuild_qtensor")
TORCHSCRIPT = replace(TORCH, patterns=(*TORCH.patterns, *_SCRIPT))
# TorchScript lets go of spaces, comments and lines' ends between two words, and of names: `t = torch` is torch. So what
# reads or writes a file is refused by its own name wherever it stands, and `ops` wherever it is not one of these.
_SPACE = rb"(?:[\s\\]|#[^\n]*\n)*"
_REACHING = {b"from_file", b"load_tensor", b"save"}
_REACHES = re.compile(rb"\b(?:from_file|load_tensor)\b|\w{0,40}[\s\\]{0,8}\." + _SPACE + rb"save\b")
_OURS = rb"\." + _SPACE + rb"(?:prim|aten|quantized|torchvision)\b"
_FOREIGN = re.compile(rb"(?<![\w.])ops\b(?!" + _SPACE + _OURS + rb")" + _SPACE + rb"\.?" + _SPACE + rb"\w*")
_GETATTR = re.compile(rb'\bgetattr\([\w.]+, "([^"\\\n]*)"\)')


def scan_pickled(folder: Path, candidate: Candidate) -> str:
    """The verdict on weights. Raises UnsafePickle, whose message says how a whole module is sent instead."""
    paths = [folder / name for name in candidate.files if _may_be_pickled(folder / name)]
    with _advised("a module's class is not in its file"):
        verdicts = [scan(path, TORCH, streams=_streams(path), trailer=not is_zip(path)) for path in paths]
    return "; ".join(dict.fromkeys(verdicts)) or "no pickle among the files"


def scan_pt2(folder: Path, candidate: Candidate) -> str:
    """The verdict on a .pt2. Raises UnsafePickle, TruncatedModel."""
    path = folder / candidate.main
    for name, inside, info, archive in _members(path):
        if not _PT2.fullmatch(inside):
            raise _refused(f"holds {shown(name)}, which no exported program needs", name)
        if _PROGRAM.fullmatch(name) or _CONFIG.fullmatch(name):
            if info.file_size > _MOST_PROGRAM:
                raise _refused(f"holds a program of {info.file_size} bytes; at most {_MOST_PROGRAM}", name)
            check_program(_read(archive, info), shown(name))
    with _advised("an exported program needs none such"):
        verdict = scan(path, TORCH)
    return f"a program of PyTorch's operators alone; {verdict}"


def scan_torchscript(folder: Path, candidate: Candidate) -> str:
    """The verdict on TorchScript. Raises UnsafePickle, TruncatedModel."""
    path = folder / candidate.main
    for name, inside, info, archive in _members(path):
        if inside == "model.json":
            raise _refused("is TorchScript of before PyTorch 1.2, whose code may lie anywhere in it", name)
        if not inside.startswith("code/") or not inside.endswith(".py"):
            continue
        if info.file_size > _MOST_PROGRAM:
            raise _refused(f"holds code of {info.file_size} bytes; at most {_MOST_PROGRAM}", name)
        if called := reaching(_read(archive, info)):
            raise _refused(f"calls {shown(called)}, which no model needs", name)
    with _advised("TorchScript needs none such"):
        verdict = scan(path, TORCHSCRIPT)
    return f"code of PyTorch's operators alone; {verdict}"


def reaching(code: bytes) -> str | None:
    """What in TorchScript's code reaches for files or another library, or is looked up by a name that is made up."""
    if found := _REACHES.search(code) or _FOREIGN.search(code):
        return found.group().decode("ascii", "replace")
    count = 1
    while count:  # the innermost first: one may be looked up in another
        if {match[1] for match in _GETATTR.finditer(code)} & _REACHING:
            return "getattr"
        code, count = _GETATTR.subn(b"_", code)
    return "getattr" if re.search(rb"\bgetattr\b", code) else None


@contextmanager
def _advised(why: str) -> Iterator[None]:
    """The gate's refusal, with what helps here. Raises ConversionFailed for weights that no converter takes."""
    try:
        yield
    except UnsafePickle as error:
        if _QUANTIZED.search(error.message):
            raise ConversionFailed(
                "its weights are quantized by torch.ao, which torch.onnx can't write; it was not opened: send the model"
                " as it was before, and the ONNX model of it may be quantized by onnxruntime.quantization"
            ) from None
        found = error.message.partition("; it was not opened")[0]
        text = f"{found}; it was not opened: {why}; send torch.export.save(torch.export.export(model, inputs), path)"
        raise UnsafePickle(text, **error.details) from None


def _members(path: Path) -> Iterator[tuple[str, str, zipfile.ZipInfo, zipfile.ZipFile]]:
    """Each member's name, its name below the archive's folder, and how to read it.

    PyTorch reads with a library of its own, which must not see another file than we do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_names(path, [member.filename for member in members])
            for member in members:
                match = _PATH.fullmatch(member.filename)
                top = member.filename.startswith(("serialized_", "extra_files/")) or match is None
                yield member.filename, member.filename if top or not match else match["inside"], member, archive
    except _DAMAGE as error:
        raise TruncatedModel(f"{shown(path.name)} is a damaged zip file ({str(error)[:100]})") from None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except _DAMAGE as error:
        raise TruncatedModel(f"{shown(member.filename)} is damaged ({str(error)[:100]})") from None


def _check_names(path: Path, names: list[str]) -> None:
    if len({name.lower() for name in names}) < len(names):
        raise _refused("holds a name twice", "")
    if "serialized_exported_program.json" in names:
        return
    import torch

    reader = torch._C.PyTorchFileReader(str(path))
    seen = {name.partition("/")[2] for name in names}
    if seen != {*reader.get_all_records()}:
        raise _refused("is a zip file that shows other members to PyTorch than to others", "")


def _may_be_pickled(path: Path) -> bool:
    """By its content where its name does not say so: a folder's index may give its parts any name."""
    with path.open("rb") as file:
        head = file.read(4)
    return path.suffix in _PICKLED or head[:1] == b"\x80" or head == b"PK\x03\x04"


def _streams(path: Path) -> int:
    """torch.save wrote five pickles in a row before 1.6, and the tensors behind them; a zip file holds them apart."""
    return 1 if is_zip(path) else 5


def _refused(what: str, member: str) -> UnsafePickle:
    text = f"the file {what}; it was not opened: export the model again with torch.export.save, or send it as ONNX"
    return UnsafePickle(text, member=shown(member))
