import pytest

from aimass.adapters.aws.due import DynamoDueList
from aimass.adapters.aws.items import item_of
from aimass.adapters.aws.registry.due import due_key
from aimass.domain.model import Due

FIRST = Due("2026-01-01T00:00:00.000Z", "version", "t", "VER#m#000001")
SECOND = Due("2026-01-02T00:00:00.000Z", "upload", "u", "JOB#x")
THIRD = Due("2026-01-03T00:00:00.000Z", "model", "t", "MODEL#m")


@pytest.fixture
def due(registry):
    for one in (THIRD, FIRST, SECOND):
        registry._client.put_item(TableName="table", Item=item_of(one, PK="DUE", SK=due_key(one)))
    return DynamoDueList(registry._client, "table")


def test_what_is_due_comes_oldest_first_and_what_is_not_stays_away(due):
    assert list(due.due("2026-01-02T12:00:00.000Z")) == [FIRST, SECOND]
    assert list(due.due(FIRST.at)) == []


def test_what_is_done_is_no_longer_due(due):
    due.done(FIRST)
    due.done(FIRST)
    assert list(due.due("2027")) == [SECOND, THIRD]
