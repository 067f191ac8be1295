"""The fields that a Markdown document gives itself between two lines of `---`, for filters."""

from __future__ import annotations

import datetime
import re
from typing import Any

import yaml

from ragwright_core import filters

MAX_CHARACTERS = 10_000
MAX_FIELDS = 50
MAX_ITEMS = 100

_FRONT = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)


def fields(text: str) -> dict[str, Any]:
    """Just those that a filter can ask for: a text, number, boolean, date or null, or a list of
    these. Front matter that is no YAML gives none: it is text all the same."""
    found = _FRONT.match(text[:MAX_CHARACTERS])
    given = _read(found["yaml"]) if found else None
    if not isinstance(given, dict):
        return {}
    values = {name: _value(item) for name, item in given.items() if isinstance(name, str)}
    fit = {name: value for name, value in values.items() if _can_be_asked_for(name, value)}
    return dict(list(fit.items())[:MAX_FIELDS])


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except Exception:  # a tag that its text does not fit raises whatever comes
        return None


def _value(given: Any) -> Any:
    return (
        [_plain(item) for item in given[:MAX_ITEMS]] if isinstance(given, list) else _plain(given)
    )


def _plain(given: Any) -> Any:
    return given.isoformat() if isinstance(given, datetime.date) else given


def _can_be_asked_for(name: str, value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    try:
        for item in values:
            filters.parse({name: {"$eq": item}})
    except filters.FilterError:
        return False
    return True
