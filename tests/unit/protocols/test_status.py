import subprocess
import sys

from aimass.domain import errors
from aimass.domain.errors import AimassError, ImportRefused, NotFound
from aimass.protocols.status import STATUS, status_of


def descendants(root):
    for child in root.__subclasses__():
        yield child
        yield from descendants(child)


def named(root):
    return [one for one in descendants(root) if one.__module__ == errors.__name__]


def test_every_error_has_a_status_and_every_status_an_error():
    assert STATUS.keys() == {one.code for one in named(AimassError)}


def test_codes_are_unique():
    codes = [one.code for one in named(AimassError)]
    assert len(codes) == len(set(codes))


def test_every_refused_import_is_422_and_every_missing_thing_404():
    assert {status_of(one("text")) for one in named(ImportRefused)} == {422}
    assert {status_of(one("text")) for one in named(NotFound)} == {404}


def test_the_routes_load_no_numpy():
    program = "import sys, aimass.protocols.front; print(sorted({'numpy', 'onnxruntime', 'orjson'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
