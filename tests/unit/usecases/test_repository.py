"""What the public protocols list, over a registry of many pages."""

import pytest

from aimass.domain.model import Deletion
from aimass.usecases.models import delete_model
from aimass.usecases.repository import all_versions, newest_versions
from tests.unit.aws.test_registry import reserved

DELETION = Deletion("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z", "importing")


@pytest.mark.parametrize("a_page", [1, 2, 100])
def test_every_page_is_read_and_no_other_tenants(registry, a_page):
    for number in range(1, 6):
        reserved(registry, number)
    reserved(registry, 1, model="other", job_id="other")
    reserved(registry, 1, tenant="neighbour")
    found = [(one.model, one.number, one.state) for one in all_versions(registry, "t", a_page=a_page)]
    assert found == [("m", number, "importing") for number in range(1, 6)] + [("other", 1, "importing")]
    assert len(all_versions(registry, "t", most=4, a_page=a_page)) == 4
    assert list(all_versions(registry, "stranger")) == []


def test_the_newest_of_one_model_come_first(registry):
    for number in range(1, 4):
        reserved(registry, number)
    assert [one.number for one in newest_versions(registry, "t", "m", most=2)] == [3, 2]
    assert list(newest_versions(registry, "t", "unknown")) == []


def test_what_is_deleted_or_in_a_deleted_model_is_not_listed(registry):
    reserved(registry, 1)
    reserved(registry, 2, job_id="second")
    reserved(registry, 1, model="gone", job_id="third")
    registry.delete_version("t", registry.get_version("t", "m", 1), DELETION)
    delete_model(registry, "t", "gone")
    assert [(one.model, one.number) for one in all_versions(registry, "t")] == [("m", 2)]
