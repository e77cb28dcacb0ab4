"""Pages of a partition, against a plain list of what is in it."""

from dataclasses import dataclass
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass.adapters.aws.items import item_of
from aimass.adapters.aws.registry.table import Filter, TenantTable
from aimass.domain.ports import PageRequest

KINDS = ("a", "b", "rare")
TENANTS = count()


@dataclass(frozen=True)
class Thing:
    number: int
    kind: str


class Things(TenantTable):
    """The table, and how many queries it was asked."""

    def __init__(self, client):
        super().__init__(self, "table")
        self._real = client
        self.limits = []

    def query(self, **request):
        self.limits.append(request["Limit"])
        return self._real.query(**request)

    def fill(self, tenant, kinds):
        things = [Thing(number, kind) for number, kind in enumerate(kinds)]
        keyed = [(f"THING#{thing.number:06d}", thing) for thing in things] + [("THINH#next", Thing(-1, "a"))]
        for sort_key, thing in keyed:
            self._real.put_item(TableName="table", Item=item_of(thing, PK=f"T#{tenant}", SK=sort_key))
        return things

    def page(self, tenant, request, kind=None, **options):
        only = Filter("#kind = :kind", {":kind": kind}, {"#kind": "kind"}) if kind else None
        return self._page(tenant, "THING#", Thing, request, only=only, **options)

    def walk(self, tenant, limit, *args, **options):
        """Every page, each held to its limit."""
        token, pages = None, []
        while token is not None or not pages:
            page = self.page(tenant, PageRequest(limit, token), *args, **options)
            assert len(page.items) <= limit
            pages.append(page.items)
            token = page.next_token
        return pages


@pytest.fixture
def things(registry):
    return Things(registry._client)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=60),
    repeated=st.sampled_from([1, 1, 4]),
    limit=st.integers(1, 200),
    kind=st.sampled_from((None, *KINDS)),
    newest_first=st.booleans(),
    attributes=st.sampled_from([(), ("number", "kind")]),
)
def test_pages_put_together_are_the_list(things, kinds, repeated, limit, kind, newest_first, attributes):
    tenant = f"t{next(TENANTS)}"
    whole = [thing for thing in things.fill(tenant, kinds * repeated) if kind in {None, thing.kind}]
    pages = things.walk(tenant, limit, kind, newest_first=newest_first, attributes=attributes)
    assert [thing for page in pages for thing in page] == (whole[::-1] if newest_first else whole)


def test_a_filter_that_little_passes_costs_few_queries_however_short_the_page(things):
    things.fill("t", (["a"] * 99 + ["rare"]) * 3)
    page = things.page("t", PageRequest(1), "rare")
    assert [thing.number for thing in page.items] == [99]
    assert len(things.limits) == 1


def test_a_page_cut_short_goes_on_after_what_it_returned(things):
    things.fill("t", ["a"] * 5)
    first = things.page("t", PageRequest(2), "a")
    then = things.page("t", PageRequest(2, first.next_token), "a")
    assert [thing.number for thing in first.items + then.items] == [0, 1, 2, 3]


def test_without_a_filter_no_more_is_read_than_returned(things):
    things.fill("t", ["a"] * 5)
    things.walk("t", 2)
    assert set(things.limits) == {2}


def test_a_page_without_anything_still_leads_to_the_next_when_much_is_left(things):
    things.fill("t", ["a"] * 1001 + ["rare"])
    first = things.page("t", PageRequest(1), "rare")
    assert (first.items, first.next_token is None) == ((), False)
    assert [thing.number for thing in things.page("t", PageRequest(1, first.next_token), "rare").items] == [1001]
