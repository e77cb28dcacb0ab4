"""The deployed HTTP API: its routes, integrations and authorizers, and which route a request takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import unquote

DEFAULT = "$default"
REMEMBERED = 1000  # paths
STATIC, VARIABLE, GREEDY = range(3)


@dataclass(frozen=True)
class Authorizer:
    """A Lambda authorizer with simple responses. `identity_sources` as API Gateway writes them."""

    function: str
    identity_sources: tuple[str, ...]
    ttl_seconds: int


@dataclass(frozen=True)
class Route:
    """`key` is `METHOD /path`, or `$default`."""

    key: str
    function: str
    timeout_seconds: float = 30.0
    authorizer: Authorizer | None = None

    @cached_property
    def method(self) -> str:
        return "ANY" if self.key == DEFAULT else self.key.split(" ", 1)[0]

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return () if self.key == DEFAULT else _segments(self.key.split(" ", 1)[1])


@dataclass(frozen=True)
class Api:
    api_id: str
    stage: str
    routes: tuple[Route, ...]


class RouteTable:
    """The most specific route wins: literal before `{variable}` before `{greedy+}`, segment by segment, then a named
    method before ANY, then `$default`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        listed = list(routes)
        self._default = next((route for route in listed if route.key == DEFAULT), None)
        self._routes = sorted((route for route in listed if route.key != DEFAULT), key=_rank)
        self.match = lru_cache(REMEMBERED)(self._match)

    def _match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a percent-encoded path, with its path parameters decoded."""
        segments = _segments(path)
        for route in self._routes:
            if route.method in (method, "ANY"):
                parameters = _capture(route.segments, segments)
                if parameters is not None:
                    return route, parameters
        return (self._default, {}) if self._default else None


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix("/").split("/"))


def _kind(segment: str) -> int:
    if not (segment.startswith("{") and segment.endswith("}")):
        return STATIC
    return GREEDY if segment.endswith("+}") else VARIABLE


def _rank(route: Route) -> tuple[tuple[int, ...], bool]:
    return tuple(_kind(segment) for segment in route.segments), route.method == "ANY"


def _capture(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for index, part in enumerate(pattern):
        if index >= len(segments):
            return None
        kind = _kind(part)
        if kind == GREEDY:
            rest = "/".join(segments[index:])
            return {**parameters, part[1:-2]: unquote(rest)}  # empty behind a trailing slash
        if kind == VARIABLE:
            if not segments[index]:
                return None
            parameters[part[1:-1]] = unquote(segments[index])
        elif part != unquote(segments[index]):
            return None
    return parameters if len(pattern) == len(segments) else None
