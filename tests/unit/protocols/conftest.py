import pytest

from tests.unit.inference.models import (
    classifier,
    dictionary,
    echo,
    exclaimed,
    optional,
    scaled,
    sequence,
    shift,
    two_columns,
)
from tests.unit.inference.plane import Caller, Shelf, predictor
from tests.unit.protocols.described_models import described_shelf
from tests.unit.protocols.native_caller import NativeCaller


@pytest.fixture(scope="session")
def shelf():
    """Models of every kind; a test that needs one in another state puts it on a shelf of its own."""
    shelf = Shelf()
    for number in (1, 2):
        shelf.add("scaled", scaled(factor=number * 2.0), number)
    shelf.aliases["scaled", "canary"] = 1
    shelf.add("coming", scaled(), state="importing")
    shelf.add("broken", scaled(), state="failed")
    shelf.add("labelled", scaled(columns=2), labels=("ham", "spam"))
    shelf.add("people", two_columns())
    shelf.add("shift", shift())
    shelf.add("exclaimed", exclaimed())
    shelf.add("sequence", sequence())
    shelf.add("optional", optional())
    shelf.add("dictionary", dictionary())
    shelf.add("iris", classifier(zipmap=False))
    shelf.add("zipmap", classifier(zipmap=True))
    for datatype in ("FP16", "BF16", "FP32", "INT64", "UINT64", "BOOL", "BYTES"):
        shelf.add(f"echo-{datatype.lower()}", echo(datatype))
    return shelf


@pytest.fixture(scope="session")
def caller(shelf, tmp_path_factory):
    return Caller(predictor(shelf, tmp_path_factory.mktemp("plane")))


@pytest.fixture(scope="session")
def native(tmp_path_factory):
    """The platform's own protocol over versions with descriptions."""
    return NativeCaller(predictor(described_shelf(), tmp_path_factory.mktemp("described")))
