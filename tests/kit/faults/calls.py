"""What the operator asks of the API server, as the proxy between them sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class Call:
    """One request. `plural` and `name` are empty where the path names none."""

    method: str
    path: str
    query: Mapping[str, str]
    plural: str
    name: str
    sub: str

    @property
    def watches(self) -> bool:
        return self.query.get("watch") in ("true", "1", "True")

    @property
    def lists(self) -> bool:
        return self.method == "GET" and not self.name and not self.watches and bool(self.plural)

    @property
    def writes(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Write:
    """A write that the API server has answered; `made` names the object also for a POST."""

    call: Call
    made: str
    status: int
    at: float

    @property
    def words(self) -> str:
        sub = f"/{self.call.sub}" if self.call.sub else ""
        return f"{self.call.method} {self.call.plural} {self.made}{sub}"


Forward = Callable[[Call], Awaitable[web.StreamResponse]]
# A fault answers a call by itself, or forwards it to the API server, or both.
Fault = Callable[[Call, Forward], Awaitable[web.StreamResponse]]
# The same for the lines of a watch, which is one event each.
Bend = Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]


class NoConnection(Exception):  # noqa: N818 - not an error here: a fault on purpose
    """The connection ends without an answer."""


def read_call(method: str, path: str, query: Mapping[str, str]) -> Call:
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    plural, name, sub = [*rest, "", "", ""][:3]
    return Call(method, path, dict(query), plural, name, sub)
