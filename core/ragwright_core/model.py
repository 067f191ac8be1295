"""The bases of every model: strict for what a user writes, tolerant at a process border."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, from_json

Paths = tuple[str, ...]
_Place = tuple[int | str, ...]


class Model(BaseModel):
    """Immutable, camelCase on the wire, and strict about unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        serialize_by_alias=True,
    )


class Wire(Model):
    """What one program writes and another reads. During an upgrade, the two may be of different
    releases.

    Missing fields have defaults where a default makes sense.
    """

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def read(cls, document: str | bytes | Mapping[str, Any]) -> tuple[Self, Paths]:
        """The model, and the fields that were left out because this release does not know them,
        including fields within nested models. Raises ValueError."""
        content = _content(document)
        try:
            return cls.model_validate(content, extra="forbid"), ()
        except ValidationError as error:
            unknown = [item["loc"] for item in error.errors() if _is_unknown(item)]
        return cls.model_validate(content, extra="ignore"), _named(unknown)

    @classmethod
    def read_what_fits(cls, document: str | bytes | Mapping[str, Any]) -> tuple[Self, Paths]:
        """Like `read`, but values that this release does not know are replaced by defaults too.
        Do not use it for an order or for what is live: nothing may be guessed there."""
        content = _content(document)
        misfits: list[_Place] = []
        while True:
            try:
                model, unknown = cls.read(content)
            except ValidationError as error:
                content = copy.deepcopy(content)
                places = {_misfit(item) for item in error.errors() if not _is_unknown(item)}
                # The last goes first, so that the indexes of a list's other items stay valid.
                for place in sorted(places, key=_in_order, reverse=True):
                    if not place or not _removed(content, place):
                        raise
                misfits += places
            else:
                return model, tuple(sorted({*_named(misfits), *unknown}))


def in_words(error: ValidationError) -> str:
    """Place and kind of the first few faults. The values are left out, because they may be
    secret."""
    found = [
        f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
        for item in error.errors(include_input=False)
    ]
    return "; ".join(found[:5])


def _content(document: str | bytes | Mapping[str, Any]) -> Any:
    return from_json(document) if isinstance(document, str | bytes) else document


def _is_unknown(item: ErrorDetails) -> bool:
    return item["type"] == "extra_forbidden"


def _misfit(item: ErrorDetails) -> _Place:
    """The place to remove: that of the value, or the parent of a required value that is missing."""
    return item["loc"][:-1] if item["type"] == "missing" else item["loc"]


def _in_order(place: _Place) -> list[str]:
    return [f"{part:>9}" for part in place]


def _removed(content: Any, place: _Place) -> bool:
    """Remove the value at `place`. Returns whether there was one."""
    try:
        for key in place[:-1]:
            content = content[key]
        del content[place[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _named(places: Iterable[_Place]) -> Paths:
    return tuple(sorted(".".join(map(str, place)) for place in places))


def fingerprint(value: Any) -> str:
    """Full SHA-256 of a JSON value in canonical form, as 64 hex digits."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
