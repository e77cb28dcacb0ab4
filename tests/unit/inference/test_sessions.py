import pytest

from aimass.adapters.onnxruntime.session import OnnxRuntime
from aimass.inference.cache import CacheCounts
from aimass.inference.folders import ModelFolders
from aimass.inference.sessions import HeldModels, Sessions
from tests.unit.inference.models import scaled
from tests.unit.inference.plane import TENANT, Shelf, variant

MEMORY = 100


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def sessions(shelf, tmp_path):
    return Sessions(OnnxRuntime(threads=1), ModelFolders(tmp_path, shelf, 1 << 20), 2 * MEMORY)


@pytest.fixture
def variants(shelf):
    models = [scaled(factor=factor).SerializeToString() for factor in (1.0, 2.0, 3.0)]
    return [variant(shelf.store({"model.onnx": model}), memory=MEMORY) for model in models]


def test_what_is_held_is_told_by_memory_and_by_disk(sessions, variants):
    for one in (variants[0], variants[0], variants[1], variants[2]):
        sessions.session(TENANT, one)
    sizes = sum(one.files.size for one in variants)
    assert sessions.held() == HeldModels(CacheCounts(1, 3, 1, 2, 2 * MEMORY), CacheCounts(0, 3, 0, 3, sizes))


def test_news_are_told_once_and_a_model_that_is_there_is_none(sessions, variants):
    assert sessions.news() is None
    sessions.session(TENANT, variants[0])
    assert sessions.news() == sessions.held()
    sessions.session(TENANT, variants[0])
    assert sessions.news() is None
    sessions.clear()
    assert sessions.news().sessions.evictions == 1
