"""The configuration of a Keras model, read before Keras does: it names what would be made of it."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aimass.domain.errors import ConversionFailed, InvalidModel
from aimass.formats.member import shown

_MOST_BYTES = 64 << 20
_RESAVE = "write model.export('folder') where it was made, and send the SavedModel in that folder"
# What a model is made of. Anything else in Keras, such as a download, is no part of one.
_MODULES = frozenset(
    {"layers", "models", "initializers", "regularizers", "constraints", "activations", "dtype_policies", "quantizers"}
    | {"optimizers", "losses", "metrics", "random"}
)
_PLACES = (
    "keras.src.models.",
    "keras.src.ops.",
    "keras.src.engine.",
    "tensorflow.python.keras.engine.",
    "keras.engine.",
)
_BUILTINS = frozenset({"function", "slice"})
_CODE = frozenset({"Lambda", "__lambda__", "function", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "TFSMLayer"})
_OLD = frozenset({"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"})


def checked(path: Path, kind: str) -> str:
    """Which Keras wrote the file. Raises ConversionFailed for a configuration that names code or foreign classes."""
    version, config = _zipped(path) if kind == "keras" else _hdf5(path)
    for one in _classes(config):
        _check(one)
    return f"Keras {version}" if version else "Keras"


def _zipped(path: Path) -> tuple[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = _document(archive, "metadata.json") if "metadata.json" in archive.namelist() else {}
            config = _document(archive, "config.json")
    except (zipfile.BadZipFile, KeyError, NotImplementedError, OSError, zlib.error) as error:
        raise InvalidModel(f"the file is damaged: {error}") from None
    version = metadata.get("keras_version") if isinstance(metadata, Mapping) else None
    return _version(version), config


def _document(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise InvalidModel(f"{name} is larger than {_MOST_BYTES >> 20} MiB")
    return _parsed(archive.read(name), name)


def _hdf5(path: Path) -> tuple[str, Any]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            outside = next(_outside(file), None)
            text, version = file.attrs.get("model_config"), file.attrs.get("keras_version")
    except (OSError, KeyError, RuntimeError, ValueError) as error:
        raise InvalidModel(f"the file is damaged: {error}") from None
    if outside is not None:
        raise ConversionFailed(f"{shown(outside)} is kept in another file; save the model as one file")
    if text is None:
        raise ConversionFailed("it holds weights alone; send the whole model, as model.save('model.keras') writes it")
    return _version(version), _parsed(text, "model_config")


def _outside(file: Any) -> Iterator[str]:
    """What an HDF5 file takes from other files: external links, external storage, virtual data sets."""
    import h5py

    waiting, seen = [(file, "/")], set()
    while waiting:
        group, at = waiting.pop()
        for name in group:
            link, path = group.get(name, getlink=True), f"{at}{name}"
            if isinstance(link, h5py.ExternalLink):
                yield path
                continue
            item = group[name]
            if isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                yield path
            if isinstance(item, h5py.Group) and item.id.__hash__() not in seen:
                seen.add(item.id.__hash__())
                waiting.append((item, f"{path}/"))


def _version(value: Any) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    return text if len(text) < 20 and text.isprintable() else ""


def _parsed(text: Any, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidModel(f"{name} is no JSON: {error}") from None


def _classes(config: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in the configuration that Keras would make something of."""
    waiting = [config]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            if "class_name" in one:
                yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _check(one: Mapping[str, Any]) -> None:
    name, module, registered = one["class_name"], one.get("module"), one.get("registered_name")
    if not isinstance(name, str):
        raise InvalidModel("a class_name in its configuration is no text")
    if name in _CODE and not _is_builtin_function(one):
        raise ConversionFailed(f"it holds {shown(name)}, which is code; {_RESAVE}", layer=shown(name))
    if name in _OLD:
        raise ConversionFailed(f"it holds {shown(name)}, which Keras 3 can't load; {_RESAVE}", layer=shown(name))
    custom = registered if isinstance(registered, str) and ">" in registered else name
    if not custom.isidentifier():
        raise ConversionFailed(f"{shown(custom)} is no class of Keras itself; {_RESAVE}", layer=shown(custom))
    if module is not None and not _is_known(module, name):
        raise ConversionFailed(f"{shown(f'{module}.{name}')} is no part of a Keras model; {_RESAVE}", layer=shown(name))


def _is_builtin_function(one: Mapping[str, Any]) -> bool:
    """A function that Keras has by name, such as an activation."""
    return one["class_name"] == "function" and one.get("module") in {"builtins", None, "keras.activations"}


def _is_known(module: Any, name: str) -> bool:
    if not isinstance(module, str):
        return False
    if module == "builtins":
        return name in _BUILTINS
    module = module.removeprefix("tf_")
    if module == "keras" or module.startswith(_PLACES):
        return True
    first, *rest = module.split(".")
    return first == "keras" and bool(rest) and rest[0] in _MODULES
