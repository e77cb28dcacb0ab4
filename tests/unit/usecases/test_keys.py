import hashlib

import pytest

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.domain.errors import InvalidArguments
from aimass.usecases.keys import create_key, tenant_of


@pytest.fixture
def keys(registry):
    return DynamoApiKeys(registry._client, "table")


def test_a_key_opens_its_tenant_only_as_a_bearer(keys):
    key = create_key(keys, "acme")
    assert tenant_of(keys, f"Bearer {key}") == "acme"
    assert tenant_of(keys, f"bearer {key}") == "acme"
    for header in ("", key, f"Basic {key}", "Bearer ", "Bearer aimass_other", f"Bearer {key}x"):
        assert tenant_of(keys, header) is None


def test_the_key_itself_is_stored_nowhere(keys):
    key = create_key(keys, "acme")
    stored = str(keys._client.scan(TableName="table")["Items"])
    assert key not in stored
    assert hashlib.sha256(key.encode()).hexdigest() in stored


def test_a_bad_tenant_name_gets_no_key(keys):
    with pytest.raises(InvalidArguments):
        create_key(keys, "../other")
