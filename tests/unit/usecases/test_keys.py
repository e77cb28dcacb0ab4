import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from aimass.adapters.aws.keys import DynamoApiKeys
from aimass.domain.clock import later, now
from aimass.domain.errors import Conflict, InvalidArguments, KeyNotFound, LastKey, LimitExceeded
from aimass.domain.tenants import ApiKey
from aimass.usecases.keys import (
    MAX_KEYS,
    KeyHolder,
    add_key,
    create_key,
    end_key,
    holder_of,
    revoke_key,
    rotate_key,
    valid_keys,
)


@pytest.fixture
def keys(dynamodb):
    return DynamoApiKeys(dynamodb, "table")


def digest(secret):
    return hashlib.sha256(secret.encode()).hexdigest()


def opens(keys, secret, seconds=0):
    """Whether the secret lets in, that many seconds from now."""
    return keys.holder_of(digest(secret), later(now(), seconds=seconds)) is not None


def stored(keys):
    return keys._client.scan(TableName="table")["Items"]


def test_a_key_opens_its_tenant_only_as_a_bearer(keys):
    new = add_key(keys, "acme", "ci")
    assert holder_of(keys, f"Bearer {new.secret}") == KeyHolder("acme", new.key.id)
    assert holder_of(keys, f"bearer {new.secret}") == KeyHolder("acme", new.key.id)
    for header in ("", new.secret, f"Basic {new.secret}", "Bearer ", "Bearer aimass_other", f"Bearer {new.secret}x"):
        assert holder_of(keys, header) is None


def test_the_secret_itself_is_stored_nowhere(keys):
    new = add_key(keys, "acme", "ci")
    rotated = rotate_key(keys, "acme", new.key.id, 60)
    for secret in (new.secret, rotated.secret):
        assert secret not in str(stored(keys))
        assert digest(secret) in str(stored(keys))


def test_the_operator_makes_the_first_key_and_it_is_listed(keys):
    secret = create_key(keys, "acme")
    [key] = valid_keys(keys, "acme")
    assert (key.name, key.prefix) == ("operator", secret[:12])
    assert len(key.prefix) < len(secret) - 30


def test_keys_are_listed_oldest_first_and_only_to_their_tenant(keys):
    made = [add_key(keys, "acme", name).key for name in ("one", "two")]
    add_key(keys, "other", "three")
    assert valid_keys(keys, "acme") == made


def test_a_bad_tenant_name_gets_no_key(keys):
    with pytest.raises(InvalidArguments):
        create_key(keys, "../other")
    assert stored(keys) == []


def test_a_key_that_expires_lets_in_until_then_and_is_then_removed(keys):
    until = datetime.now(UTC) + timedelta(hours=1)
    new = add_key(keys, "acme", "ci", until.isoformat())
    assert new.key.expires_at == until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert opens(keys, new.secret, 3590)
    assert not opens(keys, new.secret, 3600)
    for item in stored(keys):
        assert until.timestamp() <= int(item["ttl"]["N"]) <= until.timestamp() + 1


def test_a_date_of_another_zone_is_the_same_moment(keys):
    assert add_key(keys, "acme", "ci", "2100-01-01T02:00:00+02:00").key.expires_at == "2100-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "text", ["2020-01-01T00:00:00Z", "2100-01-01T00:00:00", "soon", "", "0001-01-01T00:00:00+14:00"], ids=str
)
def test_a_date_that_is_past_or_unclear_is_refused(keys, text):
    with pytest.raises(InvalidArguments) as caught:
        add_key(keys, "acme", "ci", text or " ")
    assert caught.value.details["fields"].keys() == {"expires_at"}
    assert stored(keys) == []


def test_an_expired_key_is_gone_for_its_tenant_before_the_table_removes_it(keys):
    lasting = add_key(keys, "acme", "ci").key
    keys.add("acme", ApiKey("id", "old", "aimass_", "2020-01-01", expires_at="2020-01-02"), "hash")
    assert valid_keys(keys, "acme") == [lasting]
    with pytest.raises(KeyNotFound):
        rotate_key(keys, "acme", "id", 0)
    with pytest.raises(KeyNotFound):
        revoke_key(keys, "acme", "id")


def test_a_rotated_secret_ends_at_once(keys):
    old = add_key(keys, "acme", "ci")
    new = rotate_key(keys, "acme", old.key.id, 0)
    assert not opens(keys, old.secret)
    assert holder_of(keys, f"Bearer {new.secret}") == KeyHolder("acme", old.key.id)
    [listed] = valid_keys(keys, "acme")
    assert listed == new.key
    assert (listed.id, listed.name, listed.created_at) == (old.key.id, old.key.name, old.key.created_at)
    assert listed.rotated_at is not None
    assert listed.prefix == new.secret[:12]


def test_a_rotated_secret_works_until_the_overlap_is_over(keys):
    old = add_key(keys, "acme", "ci")
    new = rotate_key(keys, "acme", old.key.id, 600)
    assert opens(keys, old.secret, 590)
    assert not opens(keys, old.secret, 600)
    assert opens(keys, new.secret, 10**6)


def test_an_overlap_never_lengthens_a_key_that_expires(keys):
    old = add_key(keys, "acme", "ci", later(now(), minutes=5))
    rotate_key(keys, "acme", old.key.id, 3600)
    assert opens(keys, old.secret, 290)
    assert not opens(keys, old.secret, 310)


def test_a_second_rotation_ends_the_secret_before_the_last(keys):
    first = add_key(keys, "acme", "ci")
    second = rotate_key(keys, "acme", first.key.id, 600)
    third = rotate_key(keys, "acme", first.key.id, 600)
    assert [opens(keys, one.secret) for one in (first, second, third)] == [False, True, True]


def test_a_revoked_key_ends_with_the_secret_of_its_overlap(keys):
    add_key(keys, "acme", "stays")
    old = add_key(keys, "acme", "ci")
    new = rotate_key(keys, "acme", old.key.id, 600)
    revoke_key(keys, "acme", old.key.id)
    assert not opens(keys, old.secret)
    assert not opens(keys, new.secret)
    assert [key.name for key in valid_keys(keys, "acme")] == ["stays"]
    assert len(stored(keys)) == 2


def test_the_last_key_stays(keys):
    only = add_key(keys, "acme", "only")
    add_key(keys, "other", "of another tenant")
    with pytest.raises(LastKey):
        revoke_key(keys, "acme", only.key.id)
    assert opens(keys, only.secret)


def test_an_operator_ends_the_last_key_and_the_secret_of_its_overlap(keys):
    old = add_key(keys, "acme", "ci")
    new = rotate_key(keys, "acme", old.key.id, 600)
    theirs = add_key(keys, "other", "of another tenant")
    with pytest.raises(KeyNotFound):
        end_key(keys, "acme", theirs.key.id)
    end_key(keys, "acme", old.key.id)
    assert [opens(keys, one.secret) for one in (old, new, theirs)] == [False, False, True]
    assert valid_keys(keys, "acme") == []


def test_two_revocations_that_race_leave_one_key(keys):
    one, two = (add_key(keys, "acme", name) for name in ("one", "two"))

    class Slow(DynamoApiKeys):
        def revoke(self, tenant, key_id, remaining):
            revoke_key(keys, "acme", remaining)
            super().revoke(tenant, key_id, remaining)

    with pytest.raises(LastKey):
        revoke_key(Slow(keys._client, "table"), "acme", one.key.id)
    assert opens(keys, one.secret)
    assert not opens(keys, two.secret)


@pytest.mark.parametrize("change", [lambda keys, key_id: rotate_key(keys, "acme", key_id, 0), "revoke"])
def test_of_two_changes_that_race_the_second_is_refused(keys, change):
    add_key(keys, "acme", "stays")
    new = add_key(keys, "acme", "ci")

    class Slow(DynamoApiKeys):
        def _item(self, tenant, key_id):
            item = super()._item(tenant, key_id)
            secrets.append(rotate_key(keys, tenant, key_id, 0).secret)
            return item

    secrets = []
    slow = Slow(keys._client, "table")
    with pytest.raises(Conflict):
        revoke_key(slow, "acme", new.key.id) if change == "revoke" else change(slow, new.key.id)
    assert opens(keys, secrets[0])
    assert len(valid_keys(keys, "acme")) == 2


def test_another_tenants_key_is_not_found(keys):
    add_key(keys, "acme", "mine")
    theirs = add_key(keys, "other", "theirs")
    for change in (lambda: rotate_key(keys, "acme", theirs.key.id, 0), lambda: revoke_key(keys, "acme", theirs.key.id)):
        with pytest.raises(KeyNotFound):
            change()
    assert opens(keys, theirs.secret)


def test_a_tenant_has_so_many_keys_and_no_more():
    class Full:
        def list_keys(self, tenant):
            return [ApiKey(str(number), "ci", "aimass_", "then") for number in range(MAX_KEYS)]

    with pytest.raises(LimitExceeded) as caught:
        add_key(Full(), "acme", "one more")
    assert caught.value.details == {"limit": "keys", "allowed": MAX_KEYS, "used": MAX_KEYS, "asked": 1}
