"""What answers of a version, and variants that are taken away, through the function `api`."""

import json

import pytest

from aimass.bootstrap import stores
from tests.unit.functions.test_api import api, call  # noqa: F401 a fixture
from tests.unit.usecases.test_variants import version  # noqa: F401 a fixture

PATH = "/api/v1/models/m/versions/1"


@pytest.fixture(autouse=True)
def kept(registry, artifacts, index, monkeypatch):
    monkeypatch.setattr(stores, "registry", lambda: registry)
    monkeypatch.setattr(stores, "artifacts", lambda: artifacts)
    monkeypatch.setattr(stores, "artifact_index", lambda: index)


@pytest.fixture
def ask(api, version):  # noqa: F811
    return lambda method, path, body=None: call(api, method, path, None if body is None else json.dumps(body))


def test_what_answers_is_chosen_and_shown_and_changed_back(ask):
    assert ask("GET", PATH)[1]["serving_variant"] == "original"
    for name in ("int8", "original"):
        status, record = ask("PATCH", PATH, {"serving_variant": name})
        assert (status, record["serving_variant"]) == (200, name)
        (listed,) = ask("GET", "/api/v1/models/m/versions")[1]["versions"]
        assert listed["serving_variant"] == name
    assert ask("PATCH", PATH, {"notes": "kept"})[1]["serving_variant"] == "original"


def test_the_record_has_each_variant_with_what_it_takes_in_storage(ask):
    variants = {one["variant"]: one for one in ask("GET", PATH)[1]["variants"]}
    assert {name: (one["packed"], one["size"], one["stored_size"]) for name, one in variants.items()} == {
        "original": (None, 10, 10),
        "int8": ("zstd", 6, 3),
        "clean": (None, 10, 10),
    }


@pytest.mark.parametrize("name", ["int4", "", None, 8, "x" * 101])
def test_a_variant_that_is_none_is_refused(ask, name):
    status, body = ask("PATCH", PATH, {"serving_variant": name})
    assert (status, body["code"]) == (400, "invalid_arguments")
    assert "serving_variant" in body["error"]


def test_a_variant_is_removed_once_it_no_longer_answers(ask, api):  # noqa: F811
    ask("PATCH", PATH, {"serving_variant": "int8"})
    status, body = ask("DELETE", f"{PATH}/variants/int8")
    assert (status, body["code"]) == (409, "variant_serving")
    ask("PATCH", PATH, {"serving_variant": "original"})
    assert ask("DELETE", f"{PATH}/variants/int8") == (204, None)
    assert [one["variant"] for one in ask("GET", PATH)[1]["variants"]] == ["original", "clean"]
    status, body = ask("DELETE", f"{PATH}/variants/int8")
    assert (status, body["code"]) == (404, "variant_not_found")
    status, body = ask("DELETE", f"{PATH}/variants/original")
    assert (status, body["code"]) == (400, "invalid_arguments")


def test_of_another_tenant_neither_can_be(api, version):  # noqa: F811
    for method, path, body in (
        ("PATCH", PATH, '{"serving_variant": "int8"}'),
        ("DELETE", f"{PATH}/variants/int8", None),
    ):
        status, told = call(api, method, path, body, tenant="other")
        assert (status, told["code"]) == (404, "model_not_found")
