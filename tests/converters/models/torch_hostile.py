"""Files that look like PyTorch's and do something else when they are opened: each would make the file `witness`."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.converters.models.made import Made
from tests.converters.models.torch import bert_classifier

Change = Callable[[dict[str, bytes], str], None]


class _Runs:
    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> Any:
        return os.system, (self._command,)


def _saved(value: Any) -> bytes:
    body = io.BytesIO()
    torch.save(value, body)
    return body.getvalue()


def _rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)


def _of_pt2(change: Change) -> Callable[..., Made]:
    """An exported program, changed member by member."""

    def make(folder: Path, witness: str) -> Made:
        path = folder / "model.pt2"
        batch = torch.export.Dim("batch", min=1, max=64)
        program = torch.export.export(torch.nn.Linear(4, 2).eval(), (torch.rand(2, 4),), dynamic_shapes=({0: batch},))
        torch.export.save(program, path)
        _rewritten(path, lambda members: change(members, witness))
        return Made("pt2", ("model.pt2",))

    return make


def _named(members: dict[str, bytes], end: str) -> str:
    return next(name for name in members if name.endswith(end))


def _program(edit: Callable[[dict[str, Any], str], None]) -> Change:
    def change(members: dict[str, bytes], witness: str) -> None:
        name = _named(members, "models/model.json")
        document = json.loads(members[name])
        edit(document, witness)
        members[name] = json.dumps(document).encode()

    return change


def _command(witness: str) -> str:
    return f"__import__('os').system('touch {witness}')"


def _size(document: dict[str, Any], witness: str) -> None:
    for value in document["graph_module"]["graph"]["tensor_values"].values():
        for size in value["sizes"]:
            if "as_expr" in size:
                size["as_expr"]["expr_str"] = f"{_command(witness)} or s77"


def _size_of(tensor: str) -> Callable[[dict[str, Any], str], None]:
    """Of a tensor that is called as what is only kept as text elsewhere."""

    def edit(document: dict[str, Any], witness: str) -> None:
        _size(document, witness)
        text = json.dumps(document["graph_module"]).replace('"input"', f'"{tensor}"')
        document["graph_module"] = json.loads(text)

    return edit


def _size_of_a_number(document: dict[str, Any], witness: str) -> None:
    hidden = {"as_expr": {"expr_str": f"{_command(witness)} or s77"}}
    document["graph_module"]["graph"]["sym_int_values"] = {"metadata": hidden}


def _size_in_a_dict(document: dict[str, Any], witness: str) -> None:
    """sympy reads the keys and values of a dict as it reads a text."""
    for value in document["graph_module"]["graph"]["tensor_values"].values():
        for size in value["sizes"]:
            if "as_expr" in size:
                size["as_expr"]["expr_str"] = {"a": _command(witness)}


def _guard(document: dict[str, Any], witness: str) -> None:
    document["guards_code"] = [f"{_command(witness)} == 0"]


def _guard_of_attributes(document: dict[str, Any], witness: str) -> None:
    document["guards_code"] = [f"L['input'].__class__.__base__.__subclasses__()[0]('{witness}') == 0"]


def _operator(document: dict[str, Any], witness: str) -> None:
    node = document["graph_module"]["graph"]["nodes"][0]
    node["target"] = "torch.os.system"
    node["inputs"] = [{"name": "command", "arg": {"as_string": f"touch {witness}"}, "kind": 1}]


def _reads_file(document: dict[str, Any], witness: str) -> None:
    node = document["graph_module"]["graph"]["nodes"][0]
    node["target"] = "torch.ops.aten.from_file.default"
    node["inputs"] = [{"name": "filename", "arg": {"as_string": "/etc/passwd"}, "kind": 1}]


def _name(document: dict[str, Any], witness: str) -> None:
    """A node's name, which becomes a parameter of generated code."""
    text = json.dumps(document["graph_module"]).replace('"name": "input"', f'"name": "input={_command(witness)}"')
    document["graph_module"] = json.loads(text)


def _range(document: dict[str, Any], witness: str) -> None:
    document["range_constraints"] = {_command(witness): {"min_val": 1, "max_val": 9}}


def _spec(document: dict[str, Any], witness: str) -> None:
    spec = {
        "type": "collections.defaultdict",
        "context": '{"default_factory_module": "antigravity"}',
        "children_spec": [],
    }
    document["graph_module"]["module_call_graph"][0]["signature"]["in_spec"] = json.dumps([1, spec])


def _pickled_example(members: dict[str, bytes], witness: str) -> None:
    members[_named(members, "sample_inputs/model.pt")] = _saved(_Runs(f"touch {witness}"))


def _pickled_weight(members: dict[str, bytes], witness: str) -> None:
    members[_named(members, "weights/weight_0")] = _saved(_Runs(f"touch {witness}"))
    name = _named(members, "model_weights_config.json")
    document = json.loads(members[name])
    for weight in document["config"].values():
        weight["use_pickle"] = True
    members[name] = json.dumps(document).encode()


def _pickled_object(members: dict[str, bytes], witness: str) -> None:
    root = _named(members, "archive_format").rpartition("/")[0]
    members[f"{root}/data/constants/opaque_obj_0"] = pickle.dumps(_Runs(f"touch {witness}"))


def _native_code(members: dict[str, bytes], witness: str) -> None:
    root = _named(members, "archive_format").rpartition("/")[0]
    members[f"{root}/data/aotinductor/model/wrapper.so"] = b"\x7fELF" + bytes(100)


class _Reads(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.from_file("/etc/passwd", False, 100, dtype=torch.uint8)


def torchscript_reads_file(folder: Path, witness: str) -> Made:
    torch.jit.script(_Reads()).save(folder / "model.pt")
    return Made("torchscript", ("model.pt",))


def torchscript_writes_file(folder: Path, witness: str) -> Made:
    """By an operator that its code names; the file itself is written by TorchScript."""
    path = folder / "model.pt"
    torch.jit.script(_Reads()).save(path)

    def change(members: dict[str, bytes]) -> None:
        name = (
            _named(members, "code/__torch__.py")
            if any(n.endswith("code/__torch__.py") for n in members)
            else next(n for n in members if "/code/" in n and n.endswith(".py"))
        )
        line = f'    torch \\\n.save(image, "{witness}")\n    return image\n'
        members[name] = members[name].split(b"    _0 =")[0] + line.encode()

    _rewritten(path, change)
    return Made("torchscript", ("model.pt",))


def torchscript_pickled_constants(folder: Path, witness: str) -> Made:
    path = folder / "model.pt"
    torch.jit.script(torch.nn.Linear(4, 2)).save(path)
    body = pickle.dumps(_Runs(f"touch {witness}"), protocol=2)
    _rewritten(path, lambda members: members.update({_named(members, "constants.pkl"): body}))
    return Made("torchscript", ("model.pt",))


def weights_that_run(folder: Path, witness: str) -> Made:
    (folder / "model.pt").write_bytes(_saved({"weight": torch.ones(2), "extra": _Runs(f"touch {witness}")}))
    return Made("pytorch", ("model.pt",))


def old_weights_that_run(folder: Path, witness: str) -> Made:
    """As before PyTorch 1.6: pickles in a row."""
    torch.save({"extra": _Runs(f"touch {witness}")}, folder / "model.pth", _use_new_zipfile_serialization=False)
    return Made("pytorch-legacy", ("model.pth",))


def folder_with_weights_that_run(folder: Path, witness: str) -> Made:
    made = bert_classifier(folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(_saved({"weight": _Runs(f"touch {witness}")}))
    files = tuple(name for name in made.files if name != "model.safetensors")
    return Made("huggingface-pickled", (*files, "pytorch_model.bin"))


def folder_with_code(folder: Path, witness: str) -> Made:
    """config.json names a class in a Python file beside it."""
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.Own", "AutoModel": "own.Own"}
    made = bert_classifier(folder, auto_map=own, model_type="own", architectures=["OwnForSequenceClassification"])
    (folder / "own.py").write_text(f"import os\nos.system('touch {witness}')\n")
    return Made(made.format, (*made.files, "own.py"))


def folder_with_code_of_known_type(folder: Path, witness: str) -> Made:
    """The same for a type that transformers has: its own class is taken."""
    own = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.Own"}
    made = bert_classifier(folder, auto_map=own)
    (folder / "own.py").write_text(f"import os\nos.system('touch {witness}')\n")
    return Made(made.format, (*made.files, "own.py"))


def folder_too_wide(folder: Path) -> Made:
    return bert_classifier(folder, hidden_size=1_000_000_000, intermediate_size=1_000_000_000)


def folder_too_deep(folder: Path) -> Made:
    return bert_classifier(folder, num_hidden_layers=1_000_000_000)


def folder_of_other_shapes(folder: Path) -> Made:
    return bert_classifier(folder, hidden_size=64, intermediate_size=32)


def folder_lacking_weights(folder: Path) -> Made:
    """A head that was never trained, as where an encoder's weights are uploaded with a classifier's configuration."""
    from safetensors.torch import load_file, save_file

    made = bert_classifier(folder)
    kept = {
        name: tensor for name, tensor in load_file(folder / "model.safetensors").items() if "classifier" not in name
    }
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    return made


def folder_of_a_module_elsewhere(folder: Path) -> Made:
    """sentence-transformers' modules.json with a path that leaves the folder."""
    made = bert_classifier(folder, architectures=["BertModel"])
    modules = [{"type": "sentence_transformers.models.Transformer", "path": ""}]
    modules += [{"type": "sentence_transformers.models.Pooling", "path": "../../../../etc"}]
    (folder / "modules.json").write_text(json.dumps(modules))
    return Made(made.format, (*made.files, "modules.json"))


MODELS: dict[str, Callable[..., Made]] = {
    "pt2_size": _of_pt2(_program(_size)),
    "pt2_size_of_metadata": _of_pt2(_program(_size_of("metadata"))),
    "pt2_size_of_stack_trace": _of_pt2(_program(_size_of("stack_trace"))),
    "pt2_size_of_a_number": _of_pt2(_program(_size_of_a_number)),
    "pt2_size_in_a_dict": _of_pt2(_program(_size_in_a_dict)),
    "pt2_guard": _of_pt2(_program(_guard)),
    "pt2_guard_of_attributes": _of_pt2(_program(_guard_of_attributes)),
    "pt2_operator": _of_pt2(_program(_operator)),
    "pt2_reads_file": _of_pt2(_program(_reads_file)),
    "pt2_name": _of_pt2(_program(_name)),
    "pt2_range": _of_pt2(_program(_range)),
    "pt2_spec": _of_pt2(_program(_spec)),
    "pt2_pickled_example": _of_pt2(_pickled_example),
    "pt2_pickled_weight": _of_pt2(_pickled_weight),
    "pt2_pickled_object": _of_pt2(_pickled_object),
    "pt2_native_code": _of_pt2(_native_code),
} | {
    make.__name__: make
    for make in (
        *(torchscript_reads_file, torchscript_writes_file, torchscript_pickled_constants),
        *(weights_that_run, old_weights_that_run, folder_with_weights_that_run, folder_with_code),
        *(folder_with_code_of_known_type, folder_too_wide, folder_too_deep, folder_of_other_shapes),
        *(folder_lacking_weights, folder_of_a_module_elsewhere),
    )
}
