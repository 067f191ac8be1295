"""Optional parameters that are always sent, and what is sent instead where one is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ragwright_core.endpoint.blame import Blame, Sent, blamed
from ragwright_core.endpoint.client import Endpoint
from ragwright_core.endpoint.failure import EndpointError, Failure, Topic, Verdict

# A refusal about one of these is not about a parameter, even if its text names one.
_ELSEWHERE = frozenset({Topic.FILTER, Topic.QUOTA, Topic.SIZE})
# What stands before a server says so of itself; it knows nothing of parameters.
_OVERLOADED = frozenset({502, 503, 504})
# What the bound of an answer leaves for the rest is told by its own words, as is the bound itself.
_WHOLE_REQUEST = re.compile(r"context|prompt|sequence|input|messages", re.IGNORECASE)
_BOUND = re.compile(r"(must|should|cannot|can't) be (less|lower|smaller|greater|larger|at most)")
_TOPICS = {Blame.TOO_HIGH: Topic.TOO_HIGH, Blame.TOO_LOW: Topic.TOO_LOW}


@dataclass(frozen=True)
class Option:
    """`names` are tried in order until one is not refused; then it is left out. `also` are other
    words by which refusals name the parameter."""

    names: tuple[str, ...]
    value: int
    also: str = "(?!)"

    def form(self, at: int) -> dict[str, Any]:
        return {self.names[at]: self.value} if at < len(self.names) else {}

    def blame(self, failure: Failure) -> Blame | None:
        status, verdict = failure.status, failure.verdict
        by_client = status is None or status < 500
        if verdict in {Verdict.BUSY, Verdict.SLOW} or failure.topic in _ELSEWHERE:
            return None
        if status in _OVERLOADED:
            return None
        if by_client and verdict is Verdict.PASSING:
            return None
        told = failure.told
        if (
            failure.topic is Topic.CONTEXT
            and _WHOLE_REQUEST.search(told)
            and not _BOUND.search(told)
        ):
            return None
        return blamed(told, Sent(self.names, self.value, self.also), by_client=by_client)


def nothing(_: Any) -> None:
    pass


@dataclass
class Asker:
    """Asks one path of an endpoint. A form that worked in place of a refused one is remembered."""

    endpoint: Endpoint
    path: str
    options: Sequence[Option]
    _forms: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._forms = [0] * len(self.options)

    async def ask(
        self, payload: Mapping[str, Any], most: int, told: Callable[[Any], None] = nothing
    ) -> Any:
        """The JSON value that was answered. `told` gets what each request that was sent brought
        back, and None for nothing. Raises EndpointError, KeyUnusableError."""
        forms = list(self._forms)
        while True:
            try:
                reply = await self.endpoint.post(self.path, self._whole(payload, forms), most)
            except EndpointError as error:
                if error.sent:
                    told(error.body)
                if not self._has_other_form(error, forms):
                    raise
            except asyncio.CancelledError:
                told(None)
                raise
            else:
                told(reply)
                self._forms = forms
                return reply

    def _whole(self, payload: Mapping[str, Any], forms: Sequence[int]) -> dict[str, Any]:
        whole = dict(payload)
        for option, form in zip(self.options, forms, strict=True):
            whole |= option.form(form)
        return whole

    def _has_other_form(self, error: EndpointError, forms: list[int]) -> bool:
        """Goes to the next form of the option whose name is refused. Raises EndpointError where a
        value is: no other name mends that, and without a value there would be no bound."""
        for at, (option, form) in enumerate(zip(self.options, forms, strict=True)):
            if form == len(option.names):
                continue
            blame = option.blame(error.failure)
            if blame is Blame.NAME:
                forms[at] += 1
                return True
            if blame is not None:
                topic = _TOPICS[blame]
                failure = replace(error.failure, verdict=Verdict.REFUSED, topic=topic)
                raise EndpointError(failure, body=error.body, sent=error.sent) from None
        return False
