"""What the text of a refusal says of an optional parameter. Pure.

Servers word this as they like: a parameter that they do not know, or a value that is beyond what
the model takes. Only the first is mended by leaving the parameter out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto


class Blame(Enum):
    NAME = auto()  # the endpoint does not know the parameter, or not for this model
    TOO_HIGH = auto()  # it wants another value, mostly a lower one
    TOO_LOW = auto()


@dataclass(frozen=True)
class Sent:
    """A parameter as it is sent. `names` and `also` (a pattern) are what refusals call it."""

    names: tuple[str, ...]
    value: int
    also: str

    @property
    def literally(self) -> str:
        return rf"\b({'|'.join(map(re.escape, self.names))})\b"


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_NO_VALUE = r"(?!\w*[ _]value)"
_UNKNOWN = _words(
    rf"unsupported[ _]?param{_NO_VALUE}",
    rf"not support(ed)?( the)?( following)? (param|argument|field){_NO_VALUE}",
    r"drop_params|unrecogni[sz]ed|unknown(?! error)|unexpected(?! error)|no such (param|field)",
    r"extra[ _](forbidden|inputs|fields?)|additional propert|does not exist",
    r"not an? (valid|known|recogni[sz]ed|supported) (param|argument|field|property)",
)
_VALUE = _words(
    r"too (large|big|high|long|many|small|low|few)|at (most|least)|up to \d|between \d",
    r"(less|greater|larger|smaller|lower|higher|more|fewer|bigger)[ _](or[ _]equal|than)",
    r"<=|>=|=<|≤|≥|\d\s*[<>]\s*\d|above|below|exceed|maximum|minimum|\blimit(ed)?\b|\brange\b",
    r"out of bounds|expected a value|only supports?\b|supports only|one of|multiple of",
    r"(invalid|illegal|unsupported|bad|allowed|accepted|valid|permitted|supported)[ _]values?",
    r"value[^.]{0,40}not (valid|supported|allowed|permitted)|can(not|'t) be|must be|should be",
    r"\b(increase|raise)\b",
)
# What is advised counts more than what was met: "the limit was reached, try a higher one".
_RAISE = _words(
    r"\b(try|again|use|with|set)\b[^.]{0,30}\b(higher|larger|greater)\b|\b(increase|raise)\b",
    r"limit was reached",
)
_LOW = _words(
    r"too (small|low|few)|at least|below|minimum|>=|≥|value >|greater_than",
    r"(must|should|needs? to|has to) be (greater|larger|higher|more|bigger)",
)
_HIGH = _words(
    r"at most|maximum|too (large|big|high|many)|<=|≤|\d\s*>\s*\d|less_than",
    r"(must|should|needs? to|has to) be (less|lower|smaller|fewer)",
)
_REFUSED = _words(
    r"(not|n't)( currently| yet)? (support|allow|accept|permit|available|implement|valid)",
    r"unsupported|not a matryoshka|no support|disallow|forbid|invalid(?!_request)|remove",
    r"deprecated|instead",
)
# A status is no value.
_NUMBER = re.compile(r"(?<![\w.-])(?![45]\d\d\b)\d{2,6}(?![\w-])")


def blamed(told: str, sent: Sent, *, by_client: bool) -> Blame | None:
    """What is said of the parameter, if anything. Where an error that is the client's (`by_client`)
    names it and says no more, its name is refused."""
    if not re.search(f"{sent.literally}|{sent.also}", told, re.IGNORECASE):
        return None
    if _UNKNOWN.search(told):
        return Blame.NAME
    if _VALUE.search(told) or re.search(rf"{sent.literally}\W{{1,6}}{sent.value}\b", told):
        is_low = _RAISE.search(told) or (_LOW.search(told) and not _HIGH.search(told))
        return Blame.TOO_LOW if is_low else Blame.TOO_HIGH
    if _REFUSED.search(told):
        return Blame.NAME
    if not by_client:
        return None
    return Blame.TOO_HIGH if _NUMBER.search(told) else Blame.NAME
