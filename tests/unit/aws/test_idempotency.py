import json
from types import SimpleNamespace

import pytest

from aimass.adapters.aws.idempotency import DynamoIdempotency
from aimass.domain.errors import IdempotencyInProgress, IdempotencyMismatch, VersionTaken

CALL = ("acme", "POST", "/api/v1/uploads", "key-1")


@pytest.fixture
def store(dynamodb):
    return DynamoIdempotency(dynamodb, "once")


def items(store):
    return store._store.client.scan(TableName="once")["Items"]


def once(store, run, call=CALL, asked="body", left_ms=29_000):
    """The answer, and whether it is a repetition."""
    return store.once(
        call,
        asked,
        lambda: (run(), False),
        keep=lambda answer: {"said": answer[0]},
        restore=lambda kept: (kept["said"], True),
        lambda_context=SimpleNamespace(get_remaining_time_in_millis=lambda: left_ms),
    )


def refuse():
    raise AssertionError("must not run again")


def test_a_call_is_made_once_and_answered_again(store):
    assert once(store, lambda: "first") == ("first", False)
    assert once(store, refuse) == ("first", True)


def test_another_tenant_path_or_key_is_another_call(store):
    once(store, lambda: "first")
    for place in range(4):
        other = [*CALL]
        other[place] += "x"
        assert once(store, lambda: "other", tuple(other)) == ("other", False)


def test_names_that_run_together_are_other_calls(store):
    once(store, lambda: "first", ("ab", "c"))
    assert once(store, lambda: "other", ("a", "bc")) == ("other", False)


def test_another_body_under_the_same_key_is_refused(store):
    once(store, lambda: "first")
    with pytest.raises(IdempotencyMismatch):
        once(store, refuse, asked="another body")


def test_an_error_is_not_kept(store):
    def fail():
        raise VersionTaken("taken")

    with pytest.raises(VersionTaken):
        once(store, fail)
    assert items(store) == []
    assert once(store, lambda: "now") == ("now", False)


def test_a_call_under_way_is_not_made_twice(store):
    def again():
        with pytest.raises(IdempotencyInProgress) as caught:
            once(store, refuse)
        assert caught.value.details == {"retry_after": 1}
        with pytest.raises(IdempotencyMismatch):
            once(store, refuse, asked="another body")
        return "first"

    assert once(store, again) == ("first", False)


def test_a_function_that_died_holds_its_key_no_longer_than_its_own_timeout(store):
    class Died(BaseException):
        pass

    def die():
        raise Died

    with pytest.raises(Died):
        once(store, die, left_ms=-10)
    [item] = items(store)
    assert item["status"] == {"S": "INPROGRESS"}
    assert once(store, lambda: "second") == ("second", False)

    with pytest.raises(Died):
        once(store, die, ("other",), left_ms=29_000)
    with pytest.raises(IdempotencyInProgress):
        once(store, refuse, ("other",))


def test_an_answer_is_kept_for_a_day_under_a_hash(store):
    once(store, lambda: "first")
    [item] = items(store)
    assert item.keys() == {"id", "status", "validation", "data", "expiration", "in_progress_expiration"}
    assert int(item["expiration"]["N"]) * 1000 - int(item["in_progress_expiration"]["N"]) == pytest.approx(
        (86_400 - 29) * 1000, abs=10_000
    )
    assert "acme" not in item["id"]["S"]
    assert "key-1" not in item["id"]["S"]


def test_the_largest_grant_of_an_upload_fits_an_item(store):
    parts = [{"part_number": n, "url": "https://bucket.s3/" + "token" * 300 + f"{n:064x}"} for n in range(64)]
    answer = {"parts": parts}
    assert len(json.dumps(answer)) > 100_000
    once(store, lambda: answer)
    assert once(store, refuse) == (answer, True)
    [item] = items(store)
    assert len(item["data"]["S"]) < 40_000
