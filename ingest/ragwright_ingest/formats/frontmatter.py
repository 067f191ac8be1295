"""A Markdown document's own fields, written between two lines of `---`, for filters."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import yaml

from ragwright_core import filters

MAX_CHARACTERS = 10_000
MAX_FIELDS = 50
MAX_ITEMS = 100

_FRONT = re.compile(r"\A---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)


def fields(text: str) -> dict[str, Any]:
    """The fields that a filter can use: a text, number, boolean, date or null, or a list of these.
    Front matter that is not YAML has no fields, and counts as text."""
    found = _FRONT.match(text[:MAX_CHARACTERS])
    given = _read(found["yaml"]) if found else None
    if not isinstance(given, dict):
        return {}
    values = {name: _value(item) for name, item in given.items() if isinstance(name, str)}
    fit = {name: value for name, value in values.items() if _can_be_asked_for(name, value)}
    return _bounded(fit)


def _bounded(values: dict[str, Any]) -> dict[str, Any]:
    """The first fields, together no longer than front matter may be: aliases may repeat a text as
    often as they like, and each chunk carries its document's fields."""
    kept: dict[str, Any] = {}
    left = MAX_CHARACTERS
    for name, value in values.items():
        left -= len(json.dumps({name: value}, ensure_ascii=False))
        if left < 0 or len(kept) == MAX_FIELDS:
            break
        kept[name] = value
    return kept


def _read(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except Exception:  # a tag whose text does not fit may raise any error
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
            if isinstance(item, int):
                float(item)
    except (filters.FilterError, OverflowError):
        return False
    return True
