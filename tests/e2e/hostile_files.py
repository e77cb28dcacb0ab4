"""Files that are no models, or more than that, each with what it has to be refused as. Made of bytes, with no library
but onnx.

A file that can run a program holds the one of `Canaries.program`, named after its case.
"""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from onnx import AttributeProto, TensorProto, helper

Members = Mapping[str, bytes]


@dataclass(frozen=True)
class Case:
    """An upload, the code that it is refused with, and words of the message.

    `environment` is that of the converter that refuses it, None for identify and verify. A `program` is refused as
    sandbox_too_weak on a machine that can't shut it off.
    """

    body: bytes
    code: str
    words: str
    environment: str | None = None
    program: bool = False


def text(value: str) -> bytes:
    """A pickled text, for any protocol from 1 on."""
    coded = value.encode()
    return b"X" + struct.pack("<I", len(coded)) + coded


def called(module: str, name: str, *given: bytes) -> bytes:
    """A pickle that calls a global with pickled arguments."""
    return b"\x80\x03c" + f"{module}\n{name}\n".encode() + b"(" + b"".join(given) + b"tR."


def running(program: str) -> bytes:
    """The plainest pickle that runs a program."""
    return called("builtins", "exec", text(program))


def blob(value: bytes) -> bytes:
    """Pickled bytes, for protocols from 3 on."""
    return b"B" + struct.pack("<I", len(value)) + value


#: Other ways to the same end, by the opcode that takes it there.
OPCODES: dict[str, Callable[[str], bytes]] = {
    "inst": lambda program: b"\x80\x02(" + text(program) + b"ibuiltins\nexec\n.",
    "obj": lambda program: b"\x80\x02(cbuiltins\nexec\n" + text(program) + b"o.",
    "memo": lambda program: b"\x80\x04" + text("builtins") + b"q\x05" + text("exec") + b"q\x0600h\x05h\x06\x93("
    + text(program) + b"tR.",
    "extension": lambda program: b"\x80\x03ccopyreg\nadd_extension\n(" + text("builtins") + text("exec")
    + b"K\xf1tR0\x82\xf1(" + text(program) + b"tR.",
    "nested": lambda program: called("pickle", "loads", blob(running(program))),
    "a name of Python 2": lambda program: b"\x80\x02c__builtin__\neval\n("
    + text(f"exec({program!r})") + b"tR.",
    "set state": lambda program: b"\x80\x03csklearn.tree._classes\nDecisionTreeClassifier\n)\x81}"
    + text("tree_") + running(program)[2:-1] + b"sb.",
}  # fmt: skip
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}


def zipped(members: Members) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(members: Members, *special: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for info in special:
            archive.addfile(info)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is no file: a link, a device, a pipe."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def torch_weights(pickled: bytes) -> bytes:
    return zipped({"archive/data.pkl": pickled, "archive/byteorder": b"little", "archive/version": b"3\n"})


def torch_old(pickled: bytes) -> bytes:
    """As before PyTorch 1.6: its magic number, its protocol, the machine, the object, the keys of its tensors."""
    number = 0x1950A86A20F9469CFC6C
    heads = b"".join(pickle.dumps(one, 2) for one in (number, 1001, {"little_endian": True}))
    return heads + pickled + pickle.dumps([], 2)


def torch_export(program: Mapping[str, object], pickled: bytes | None = None, **more: bytes) -> bytes:
    """A .pt2: its program, one weight as a pickle, and members of other names."""
    members = {"m/archive_format": b"pt2", "m/archive_version": b"0", "m/version": b"3\n", "m/.data/version": b"3\n"}
    members |= {"m/byteorder": b"little", "m/models/model.json": json.dumps(program).encode()}
    if pickled is not None:
        members["m/data/weights/weight_0"] = pickled
    return zipped(members | {f"m/{name}": content for name, content in more.items()})


def torch_script(code: str = "", constants: bytes = b"\x80\x02).") -> bytes:
    members = {"m/data.pkl": b"\x80\x02).", "m/constants.pkl": constants, "m/version": b"3\n"}
    members |= {"m/.data/version": b"3\n", "m/byteorder": b"little"}
    return zipped(members | {"m/code/__torch__.py": f"class M(Module):\n  def forward(self):\n    {code}\n".encode()})


def keras_file(*layers: Mapping[str, object]) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [*layers]}}
    hdf5 = b"\x89HDF\r\n\x1a\n" + bytes(64)
    documents = {"metadata.json": {"keras_version": "3.9.2"}, "config.json": config}
    return zipped({name: json.dumps(one).encode() for name, one in documents.items()} | {"model.weights.h5": hdf5})


def keras_lambda(program: str) -> dict[str, object]:
    """A layer of code; what Python has compiled of it is a secret of the version, the text does as well here."""
    code = {"class_name": "__lambda__", "config": {"code": base64.b64encode(program.encode()).decode()}}
    return {"module": "keras.layers", "class_name": "Lambda", "config": {"function": code}}


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message that holds bytes."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def saved_model(*operators: str) -> bytes:
    nodes = b"".join(field(1, field(1, b"node") + field(2, one.encode())) for one in operators)
    meta = field(1, field(4, b"serve")) + field(2, nodes)
    return tarred({"m/saved_model.pb": b"\x08\x01" + field(2, meta)})


def skops_file(module: str, name: str) -> bytes:
    """A file that asks for any class."""
    state = {"__class__": name, "__module__": module, "__loader__": "TypeNode", "content": {}, "__id__": 1}
    return zipped({"schema.json": json.dumps({**state, "protocol": 2, "_skops_version": "0.13.0"}).encode()})


def safetensors(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def gguf(tensors: int, keys: int, body: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + body


def gguf_of_shape(*shape: int, kind: int = 0) -> bytes:
    """One tensor of the shape, and no data."""
    name = b"token_embd.weight"
    sizes = b"".join(struct.pack("<Q", size) for size in shape)
    head = struct.pack("<Q", len(name)) + name + struct.pack("<I", len(shape)) + sizes
    return gguf(1, 0, head + struct.pack("<IQ", kind, 0)) + bytes(64)


def npy(shape: str, dtype: str, data: bytes) -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


_X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])
_Y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])


def onnx_of(*nodes: object, opset: Mapping[str, int] | None = None, weights: tuple[object, ...] = ()) -> bytes:
    graph = helper.make_graph(nodes, "g", [_X], [_Y], weights)
    opsets = [helper.make_opsetid(*one) for one in (opset or {"": 17}).items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def good_model() -> bytes:
    return onnx_of(helper.make_node("Relu", ["x"], ["y"]))


def onnx_beside(location: str) -> bytes:
    """Its weight lies in another file."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value=location)
    return onnx_of(helper.make_node("Add", ["x", "w"], ["y"]), weights=(weight,))


def onnx_nested(depth: int) -> bytes:
    """Graphs in nodes in graphs, as bytes: onnx's own message stops at a hundred."""
    node = field(4, b"Relu")
    for _ in range(depth):
        attribute = field(1, b"body") + bytes([20 << 3 & 127 | 128, 1]) + bytes([AttributeProto.GRAPH])
        node = field(4, b"Loop") + field(5, attribute + field(6, field(1, node)))
    return b"\x08\x08" + field(7, field(1, node) + field(2, b"g")) + field(8, b"\x10\x11")


def locale_named(name: str) -> bytes:
    """Lowers letters by the rules of a locale, which a machine looks up by its name."""
    strings = [helper.make_tensor_value_info(one, TensorProto.STRING, ["n"]) for one in "xy"]
    node = helper.make_node("StringNormalizer", ["x"], ["y"], locale=name, case_change_action="LOWER")
    graph = helper.make_graph([node], "g", strings[:1], strings[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def announcing(size: int, mode: str) -> bytes:
    """A tar archive whose one member has `size` bytes, it says."""
    info = tarfile.TarInfo("model.onnx")
    info.size = size
    packed = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[mode]
    return packed(info.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))


def zip_announcing(size: int, content: bytes) -> bytes:
    """A zip file whose one member has another size than its directory says."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.onnx", content)
        archive.infolist()[0].file_size = size
    return file.getvalue()


def dictionary(size: int, content: bytes) -> bytes:
    """LZMA whose reader has to have that much memory before it reads a byte."""
    packed = bytearray(lzma.compress(content, lzma.FORMAT_ALONE))
    packed[1:5] = struct.pack("<I", size)
    return bytes(packed)


#: A text of a kilobyte that stands for two gigabytes where entities are expanded.
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">'
    + b"".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">'.encode() for n in range(1, 9))
    + b'<!ENTITY file SYSTEM "file:///etc/passwd">]><PMML version="4.4">&a8;&file;</PMML>'
)
