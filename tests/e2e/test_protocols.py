"""One model, one question, every protocol."""

import numpy as np
import pytest

from tests.e2e.test_uploads import ROWS, WEIGHTS, linear

pytestmark = pytest.mark.e2e


def test_every_protocol_answers_the_same(client):
    assert client.import_model("three-ways", linear())["state"] == "succeeded"
    wanted, rows = ROWS @ WEIGHTS, ROWS.tolist()
    asked = {"model_name": "three-ways", "version": 1, "input_format": "numpy array", "data": rows}
    native = client.call("POST", "/predict", json=asked)
    assert native.status_code == 200, native.text
    assert native.json()["version"] == 1
    np.testing.assert_allclose(native.json()["prediction"], wanted)
    tfserving = client.call("POST", "/v1/models/three-ways:predict", json={"instances": rows})
    assert tfserving.status_code == 200, tfserving.text
    np.testing.assert_allclose(tfserving.json()["predictions"], wanted)
    np.testing.assert_allclose(client.infer("three-ways", {"x": ROWS})["y"], wanted)


def test_it_is_up_without_a_key(client):
    for path in ("/health", "/openapi.json", "/v2/health/live", "/v2/health/ready"):
        answer = client.session.get(client.url + path, timeout=60)
        assert answer.status_code == 200, path


def test_a_wrong_key_opens_nothing(client):
    answer = client.call("GET", "/api/v1/models", headers={"Authorization": "Bearer aimass_wrong"})
    assert answer.status_code == 403
