"""Plays a pickle through with stand-ins: each step that an unpickler would take, and nothing of what they would do.

The steps are the standard library's own unpickler's, so that stack, memo and frames mean what they mean when the file
is opened. Only what a pickle names, calls and sets is kept from happening.
"""

from __future__ import annotations

import _compat_pickle
import math
import pickle
import sys
from collections.abc import Iterator
from typing import IO, Any, ClassVar

from aimass.domain.errors import UnsafePickle
from aimass.formats.member import shown
from aimass.formats.pickle_allowed import Allowed
from aimass.formats.pickle_remedy import of_function

_JOBLIB_ARRAY = "joblib.numpy_pickle:NumpyArrayWrapper"
_DESCRIBES = {"subclass", "shape", "order", "dtype", "allow_mmap"}
_ALIGNED = "numpy_array_alignment_bytes"  # since joblib 1.2
_CHUNK = 1 << 20
_Unpickler: Any = pickle._Unpickler  # the one in Python, whose steps can be replaced
_ODD = "makes an array of joblib's as joblib never writes it"
_REMEDY = "save the model alone with skops (skops.io.dump), or send it as ONNX"
_LIBRARIES = {"numpy", "scipy", "sklearn", "joblib", "xgboost", "lightgbm", "catboost", "torch"}
_MOST_DIMENSIONS = 64  # as numpy has it


def refused(what: str, remedy: str = _REMEDY, **details: Any) -> UnsafePickle:
    """The refusal, with what to do."""
    return UnsafePickle(f"the pickle {what}; it was not opened: {remedy}", **details)


def _not_needed(module: str, name: str, named: set[str]) -> UnsafePickle:
    """Of a global that is on no list: an attack, a function that the model keeps, or a class of one's own, whose code
    isn't there.
    """
    text, package = shown(f"{module}.{name}"), module.split(".")[0]
    if kept := of_function(f"{module}.{name}", named):
        what = f"names {text}, a function that {kept.model} keeps, and opening the file could run it"
        return refused(what, kept.remedy, name=text)
    if package in _LIBRARIES or package in sys.stdlib_module_names:
        return refused(f"names {text}, which no model needs, and opening the file would run it", name=text)
    what = f"names {text}, code of no library that is taken: a pickle has its name alone, and opening the file runs it"
    return refused(what, "build the model of its library's own classes, or send it as ONNX", name=text)


class Source:
    """A file that is read forward and never in more than a mebibyte at once, `most` bytes in all."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = self._most = most

    def read(self, size: int) -> bytes:
        """`size` bytes, or of one byte none at the end. Raises EOFError where there are fewer, UnsafePickle for more
        than the file may hold.
        """
        data = b"".join(self._chunks(size))
        if len(data) < size > 1:
            raise EOFError
        return data

    def skip(self, size: int) -> None:
        """Passes over `size` bytes. Raises EOFError where there are fewer."""
        if sum(len(chunk) for chunk in self._chunks(size)) < size:
            raise EOFError

    @property
    def taken(self) -> int:
        """Bytes so far."""
        return self._most - self._left

    def readline(self) -> bytes:
        line = self._file.readline(_CHUNK)
        self._left -= len(line)
        return line

    def _chunks(self, size: int) -> Iterator[bytes]:
        if not 0 <= size <= self._left:
            raise refused("announces more bytes than its file can hold")
        while size and (chunk := self._file.read(min(size, _CHUNK))):
            size -= len(chunk)
            self._left -= len(chunk)
            yield chunk


class Named:
    """Stands for a global."""

    def __init__(self, module: str, name: str) -> None:
        self.text = f"{module}:{name}"


class Made:
    """Stands for what a global would make of arguments; takes in items as a list, a set or a dict does."""

    def __init__(self, of: str) -> None:
        self.of = of
        self.built = False

    def append(self, _: Any) -> None: ...
    def extend(self, _: Any) -> None: ...
    def add(self, _: Any) -> None: ...
    def __setitem__(self, _: Any, __: Any) -> None: ...


class Play(_Unpickler):  # type: ignore[misc]
    """One stream. `load()` plays it to its end and adds to `named` what it names.

    `within` is for a stream in an array's place, which joblib opens with a plain unpickler.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, source: Source, allowed: Allowed, named: set[str], *, within: bool = False) -> None:
        super().__init__(source)
        self._within = within
        self._source, self._allowed, self._names = source, allowed, named

    def find_class(self, module: str, name: str) -> Named:
        """Raises UnsafePickle for a global that no model needs."""
        module, name = renamed(module, name, self.proto)
        if not self._allowed.allows(module, name):
            raise _not_needed(module, name, self._names)
        self._names.add(f"{module}:{name}")
        return Named(module, name)

    def persistent_load(self, pid: Any) -> Made:
        if not self._allowed.persistent:
            raise refused("refers to objects outside it")
        return Made("")

    def get_extension(self, code: int) -> None:
        raise refused("uses the extension registry")

    def _instantiate(self, klass: Any, args: Any) -> None:
        self.append(_made(klass, tuple(args)))

    def _load_reduce(self) -> None:
        args = self.stack.pop()
        self.stack[-1] = _made(self.stack[-1], args)

    def _load_newobj(self) -> None:
        args, called = self.stack.pop(), self.stack[-1]
        if not (isinstance(called, Named) and called.text == _JOBLIB_ARRAY):
            self.stack[-1] = _made(called, args)
        elif args != () or self._within:
            raise refused(_ODD)
        else:
            self.stack[-1] = Made(_JOBLIB_ARRAY)

    def _load_newobj_ex(self) -> None:
        named, args = self.stack.pop(), self.stack.pop()
        if named != {} and not (isinstance(named, dict) and all(isinstance(key, str) for key in named)):
            raise refused("passes names that are no text")
        self.stack[-1] = _made(self.stack[-1], args)

    def _load_bytearray8(self) -> None:
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    def _load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if _is_dtype(target):
            target.__setstate__(state)
        elif not isinstance(target, Made):
            raise refused("sets the attributes of what it has not made")
        elif target.of == _JOBLIB_ARRAY:
            self._pass_array(target, state)
            self.stack[-1] = Made("numpy:ndarray")

    def _pass_array(self, wrapper: Made, state: Any) -> None:
        """joblib writes an array's bytes into the stream, behind the object that describes it."""
        if wrapper.built or type(state) is not dict or set(state) - {_ALIGNED} != _DESCRIBES:
            raise refused(_ODD)
        wrapper.built = True
        shape, dtype = state["shape"], state["dtype"]
        if type(shape) is not tuple or len(shape) > _MOST_DIMENSIONS or not _is_dtype(dtype):
            raise refused("describes an array that can't be")
        if not all(type(size) is int and 0 <= size < 1 << 63 for size in shape):
            raise refused("describes an array that can't be")
        if dtype.hasobject:
            Play(self._source, self._allowed, self._names, within=True).load()
            return
        if _ALIGNED in state:
            if type(state[_ALIGNED]) is not int:
                raise refused(_ODD)
            self._source.skip(self._source.read(1)[0])
        self._source.skip(math.prod(shape) * dtype.itemsize)

    dispatch[pickle.REDUCE[0]] = _load_reduce
    dispatch[pickle.NEWOBJ[0]] = _load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = _load_newobj_ex
    dispatch[pickle.BUILD[0]] = _load_build
    dispatch[pickle.BYTEARRAY8[0]] = _load_bytearray8


def renamed(module: str, name: str, protocol: int) -> tuple[str, str]:
    """A global of Python 2 by its name in Python 3, as an unpickler reads it."""
    if protocol >= 3:
        return module, name
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, name]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


def _made(called: Any, args: Any) -> Any:
    if not isinstance(called, Named) or not isinstance(args, tuple):
        raise refused("calls what is no global")
    if called.text == _JOBLIB_ARRAY:
        raise refused(_ODD)
    if called.text == "numpy:dtype":
        return _dtype(args)
    if called.text == "_codecs:encode" and args[1:] != ("latin1",):
        raise refused("encodes text in a way that no model needs")
    if called.text == "copyreg:_reconstructor":
        return _made(args[0], args[1:])
    return Made(called.text)


def _dtype(args: tuple[Any, ...]) -> Any:
    """The one thing that is truly made: an array's size in the file hangs on it, and it is only a description."""
    import numpy as np

    if not isinstance(args[0], str) or not all(isinstance(flag, bool | int) for flag in args[1:]):
        return Made("numpy:dtype")
    return np.dtype(*args)


def _is_dtype(value: Any) -> bool:
    return type(value).__module__.startswith("numpy") and hasattr(value, "hasobject")
