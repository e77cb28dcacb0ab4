"""What a tenant has to predict with, as the public protocols list it: without paging, so bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from aimass.domain.model import VersionSummary
from aimass.domain.ports import Page, PageRequest, VersionReader

_A_PAGE = 100
_MOST_LISTED = 2000
T = TypeVar("T")


def newest_versions(versions: VersionReader, tenant: str, model: str, most: int = _A_PAGE) -> Sequence[VersionSummary]:
    """The newest versions of a model that aren't deleted, newest first; of an unknown model none."""
    return versions.list_versions(tenant, model, PageRequest(limit=most), state=None, tag=None).items


def all_versions(
    versions: VersionReader, tenant: str, most: int = _MOST_LISTED, a_page: int = _A_PAGE
) -> Sequence[VersionSummary]:
    """The first `most` versions that aren't deleted, of the models that aren't, by model and number."""
    models = {one.name for one in _items(lambda page: versions.list_models(tenant, page), a_page)}
    listed = _items(lambda page: versions.list_all_versions(tenant, page), a_page)
    return list(islice((one for one in listed if one.model in models), most))


def _items(read: Callable[[PageRequest], Page[T]], a_page: int) -> Iterator[T]:
    token = None
    while True:
        page = read(PageRequest(limit=a_page, token=token))
        yield from page.items
        token = page.next_token
        if token is None:
            return
