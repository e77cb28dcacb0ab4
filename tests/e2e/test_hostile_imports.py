"""Hostile files over HTTP: each is refused with its reason, and nothing that it tries comes to anything."""

from __future__ import annotations

import copy
import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from aimass.sandbox.isolation_probe import isolation_in_force
from local.converters import installed
from tests.e2e import hostile_files as files
from tests.e2e.canaries import Canaries, watched
from tests.e2e.client import Client
from tests.e2e.conftest import LocalStack
from tests.e2e.hostile_files import Case, running, tarred, zipped

pytestmark = pytest.mark.e2e

DEEP = 100_000
HUGE = 1 << 62
BERT = b'{"model_type": "bert", "architectures": ["BertForSequenceClassification"]}'
RUNS = "names builtins.exec, which no model needs, and opening the file would run it; it was not opened"


def refused_pickle(body: bytes, words: str = RUNS, environment: str = "trees") -> Case:
    return Case(body, "unsafe_pickle", words, environment, program=True)


def pickles(program: str) -> Iterator[tuple[str, Case]]:
    """Of each wrapper, and of each opcode that calls."""
    evil = running(program)
    yield "pickle", refused_pickle(evil)
    for name, pack in files.COMPRESSED.items():
        yield f"pickle in {name}", refused_pickle(pack(evil))
    for name, make in files.OPCODES.items():
        yield f"pickle by {name}", refused_pickle(make(program), OPCODE_WORDS.get(name, RUNS))
    yield "pickle in a zip file", refused_pickle(zipped({"m/model.pkl": evil}))
    yield "pickle in a tar archive", refused_pickle(tarred({"m/model.joblib": evil}))
    yield "pickle behind another", refused_pickle(b"\x80\x03N." + evil, "is followed by more in its file")
    yield "pickle nested without end", refused_pickle(b"\x80\x03)" + b"\x85" * DEEP + b"0" + evil[2:])
    yield "pickle of a billion marks", refused_pickle(b"\x80\x03" + b"(" * DEEP + evil[2:])
    yield "skops file", Case(files.skops_file("posix", "system"), "unsafe_pickle", "names posix.system", "trees")


OPCODE_WORDS = {
    "extension": "names copyreg.add_extension",
    "nested": "names pickle.loads",
    "a name of Python 2": "names builtins.eval",
}


def of_torch(program: str) -> Iterator[tuple[str, Case]]:
    evil = running(program)

    def refused(body: bytes, words: str = "names builtins.exec") -> Case:
        return refused_pickle(body, words, "torch")

    yield "weights of PyTorch", refused(files.torch_weights(evil))
    yield "old weights of PyTorch", refused(files.torch_old(evil))
    yield (
        "folder of Hugging Face",
        refused(zipped({"m/config.json": BERT, "m/pytorch_model.bin": files.torch_weights(evil)})),
    )
    index = json.dumps({"weight_map": {"a": "part.safetensors"}}).encode()
    parts = {"m/pytorch_model.bin.index.json": index, "m/part.safetensors": files.torch_weights(evil)}
    yield "folder of Hugging Face under other names", refused(zipped({"m/config.json": BERT, **parts}))
    yield "pt2 with a pickle", refused(files.torch_export({}, evil))
    yield (
        "pt2 with a library",
        refused(
            files.torch_export({}, **{"data/aotinductor/model/a.so": b"\x7fELF"}),
            "a.so, which no exported program needs",
        ),
    )
    yield "pt2 that calls", refused(files.torch_export({"target": "torch.os.system"}), "torch.os.system")
    yield "TorchScript that writes", refused(files.torch_script('torch.save(self, "/tmp/x")'), "calls torch.save")
    yield "TorchScript with a pickle", refused(files.torch_script(constants=evil))


def of_tensorflow(program: str) -> Iterator[tuple[str, Case]]:
    def refused(body: bytes, words: str) -> Case:
        return Case(body, "conversion_failed", words, "tensorflow", program=True)

    yield "Keras code", refused(files.keras_file(files.keras_lambda(program)), "which is code")
    foreign = {"module": "os", "class_name": "system", "config": {}}
    yield "Keras of another module", refused(files.keras_file(foreign), "os.system is no part of a Keras model")
    for operator in ("ReadFile", "WriteFile", "PyFunc"):
        yield f"SavedModel with {operator}", refused(files.saved_model("Placeholder", operator), f"holds {operator}")


def archives(canaries: Canaries) -> Iterator[tuple[str, Case]]:
    good, outside = files.good_model(), str(canaries.places[0] / "archive")

    def unsafe(body: bytes, words: str) -> Case:
        return Case(body, "unsafe_archive", words)

    up = "../" * 12 + outside.lstrip("/")
    yield "zip that leaves its folder", unsafe(zipped({up: good}), "leaves the archive's folder")
    yield "tar that leaves its folder", unsafe(tarred({up: good}), "leaves the archive's folder")
    yield "zip with an absolute path", unsafe(zipped({outside: good}), "is an absolute path")
    yield (
        "variables that leave their folder",
        unsafe(zipped({"m/saved_model.pb": b"\x08\x01", f"m/variables/{up}": good}), "leaves the archive's folder"),
    )
    for name, kind in (("symbolic", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE)):
        link = files.special("w", kind, str(canaries.secret))
        yield f"{name} link", unsafe(tarred({"model.onnx": good}, link), "w is a link")
    for name, kind in (("device", tarfile.CHRTYPE), ("pipe", tarfile.FIFOTYPE)):
        yield name, unsafe(tarred({"model.onnx": good}, files.special("w", kind)), "w is a special file")
    for mode in ("gz", "bz2", "xz"):
        yield f"tar.{mode} without end", Case(files.announcing(HUGE, mode), "archive_too_large", "unpacks to more than")
    yield "zip without end", Case(files.zip_announcing(HUGE, good), "archive_too_large", "unpacks to more than")
    yield "zip that says less", Case(files.zip_announcing(10, bytes(1 << 20)), "truncated_model", "model.onnx")
    yield "lzma of two gigabytes", Case(files.dictionary(1 << 31, running("")), "unsupported_format", "")


def lying(canaries: Canaries) -> Iterator[tuple[str, Case]]:
    """Headers, names and depths."""
    yield "GGUF of many keys", Case(files.gguf(0, HUGE), "invalid_model", "at most 4000000")
    yield "GGUF of a long text", Case(files.gguf(0, 1, HUGE.to_bytes(8, "little")), "invalid_model", "a text of")
    yield "GGUF of a large tensor", Case(files.gguf_of_shape(HUGE, HUGE), "truncated_model", "is cut short")
    yield (
        "GGUF of a large tensor of no kind",
        Case(files.gguf_of_shape(HUGE, HUGE, kind=99), "invalid_model", "elements, more than it has bits"),
    )
    yield "safetensors nested", Case(files.safetensors(b'{"a":' * DEEP), "invalid_model", "nested too deep")
    tensor = b'{"w": {"dtype": "F32", "shape": [%d, %d], "data_offsets": [0, 4]}}' % (HUGE, HUGE)
    yield "safetensors of a large tensor", Case(files.safetensors(tensor, bytes(4)), "invalid_model", "the tensor 'w'")
    index = json.dumps({"weight_map": {"w": f"../../../..{canaries.secret}"}}).encode()
    yield (
        "safetensors of parts elsewhere",
        Case(
            zipped({"m/config.json": BERT, "m/model.safetensors.index.json": index}),
            "external_data_missing",
            "plain file",
        ),
    )
    yield "XGBoost nested", Case(b'{"learner":' + b"[" * DEEP, "model_crashed", "died of SIGSEGV", "trees")
    yield "XML of entities", Case(files.ENTITIES, "unsupported_format", "the file is an XML document")
    yield "ONNX nested", Case(files.onnx_nested(5000), "invalid_model", "")
    for name, where in (("above", "../../../../" * 4), ("absolute", "")):
        beside = tarred({"m/model.onnx": files.onnx_beside(f"{where}{canaries.secret}")})
        yield f"ONNX of weights {name}", Case(beside, "external_data_escapes", "canary")
    own = files.onnx_of(files.helper.make_node("Run", ["x"], ["y"], domain="acme"), opset={"": 17, "acme": 1})
    yield "ONNX of an operator of its own", Case(own, "unknown_operator", "acme")
    yield (
        "ONNX with a locale's path",
        Case(files.locale_named(f"../../..{canaries.places[0]}"), "invalid_model", "locale"),
    )


def samples(program: str) -> Iterator[tuple[str, Case]]:
    """Beside a model that is fine."""

    def beside(name: str, content: bytes) -> bytes:
        return zipped({"m/model.onnx": files.good_model(), f"m/{name}": content})

    objects = files.npy("(1,)", "|O", running(program))
    yield "sample of objects", Case(beside("sample.npy", objects), "invalid_sample", "cannot be read")
    packed = beside("sample.npz", zipped({"x.npy": objects}))
    yield "packed sample of objects", Case(packed, "invalid_sample", "cannot be read")
    yield "sample that is a pickle", Case(beside("sample.npz", running(program)), "invalid_sample", "cannot be read")
    huge = files.npy(f"({10**18},)", "<f4", bytes(16))
    yield "sample of many numbers", Case(beside("sample.npy", huge), "invalid_sample", "cannot be read")
    yield (
        "packed sample of many numbers",
        Case(beside("sample.npz", zipped({"x.npy": huge})), "invalid_sample", "cannot be read"),
    )
    yield "sample nested", Case(beside("sample.json", b"[" * DEEP), "invalid_sample", "cannot be read")
    yield "array of objects", Case(objects, "unsupported_format", "a NumPy array")


def cases(canaries: Canaries) -> dict[str, Case]:
    """All, by name; each program leaves the case's kind wherever it gets."""
    program = canaries.program
    return dict(
        [
            *pickles(program("pickle")),
            *of_torch(program("torch")),
            *of_tensorflow(program("tensorflow")),
            *archives(canaries),
            *lying(canaries),
            *samples(program("sample")),
        ]
    )


@dataclass(frozen=True)
class Import:
    """What came of an upload: the job, and all that can be read of it."""

    job: dict[str, Any]
    told: str


def imported(client: Client, name: str, body: bytes) -> Import:
    client = copy.copy(client)
    client.session = requests.Session()
    job = client.import_model(name, body, "model.bin")
    log = client.call("GET", f"/api/v1/jobs/{job['job_id']}/log").text
    version = client.call("GET", f"/api/v1/models/{name}/versions/1").text
    return Import(job, json.dumps(job) + log + version)


def named(case: str) -> str:
    """A model's name for it."""
    return "hostile-" + "".join(letter if letter.isalnum() else "-" for letter in case.lower())


@pytest.fixture(scope="module")
def canaries(stack: LocalStack) -> Iterator[Canaries]:
    with watched(stack.state) as watching:
        yield watching


@pytest.fixture(scope="module")
def every(canaries: Canaries) -> dict[str, Case]:
    return {name: case for name, case in cases(canaries).items() if case.environment in {None, *installed()}}


@pytest.fixture(scope="module")
def imports(client: Client, every: dict[str, Case]) -> dict[str, Import]:
    """All at once, and a good model in their midst."""
    with ThreadPoolExecutor(8) as pool:
        running = {name: pool.submit(imported, client, named(name), case.body) for name, case in every.items()}
        running["good"] = pool.submit(imported, client, "hostile-good", files.good_model())
        return {name: one.result() for name, one in running.items()}


NAMES = [*cases(Canaries((Path("/nowhere"),), Path("/nowhere/canary")))]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_refused_with_its_reason(every: dict[str, Case], imports: dict[str, Import], name: str) -> None:
    if name not in every:
        pytest.skip("make converters makes what refuses this")
    case, job = every[name], imports[name].job
    code, words = case.code, case.words
    if case.program and not isolation_in_force().strong:
        code, words = "sandbox_too_weak", "this machine can't shut that off"
    assert job["state"] == "failed", job
    assert (job["error"]["code"], words) == (
        code,
        words if words in job["error"]["message"] else job["error"]["message"],
    )
    assert "Traceback" not in imports[name].told


def test_nothing_was_made_started_connected_to_or_told(canaries: Canaries, imports: dict[str, Import]) -> None:
    assert canaries.touched(*(one.told for one in imports.values())) == []


def test_no_job_leaves_anything_behind(stack: LocalStack, imports: dict[str, Import]) -> None:
    mark = hashlib.sha256(str(stack.state).encode()).hexdigest()[:12]
    assert [*Path(tempfile.gettempdir()).glob(f"aimass-job-{mark}-*")] == []


def test_a_good_model_is_imported_in_their_midst_and_after(client: Client, imports: dict[str, Import]) -> None:
    assert imports["good"].job["state"] == "succeeded"
    assert imported(client, "hostile-good-after", files.good_model()).job["state"] == "succeeded"
