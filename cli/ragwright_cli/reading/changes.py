"""Which settings a changed file would change, and which of them build the index anew. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragwright_core.spec import RagPipelineSpec, Source, shape_fingerprint, shape_parts

Leaves = dict[str, str]
UNSET = "unset"


@dataclass(frozen=True)
class Change:
    path: str
    before: str
    after: str
    rebuilds: bool


def find_changes(before: RagPipelineSpec, after: RagPipelineSpec) -> list[Change]:
    old, new = _leaves(before), _leaves(after)
    old_shape, new_shape = _shape(before), _shape(after)
    found = [
        Change(
            path,
            old.get(path, UNSET),
            new.get(path, UNSET),
            rebuilds=old_shape.get(path) != new_shape.get(path),
        )
        for path in dict.fromkeys([*new, *old])
        if old.get(path) != new.get(path)
    ]
    order, now = _order(before), _order(after)
    # A version is of its sources in their order.
    if sorted(order) == sorted(now) and order != now:
        anew = shape_fingerprint(before) != shape_fingerprint(after)
        found.append(Change("sources", ", ".join(order), ", ".join(now), rebuilds=anew))
    return found


def _order(spec: RagPipelineSpec) -> list[str]:
    return [source.name for source in spec.sources]


def _leaves(spec: RagPipelineSpec) -> Leaves:
    """Every setting by its path, as text."""
    written = spec.model_dump(mode="json", exclude_none=True)
    sources = written.pop("sources")
    found = {
        f"sources[{source['name']}].{path}": text
        for source in sources
        for path, text in _flat(source)
    }
    return {**found, **dict(_flat(written))}


def _shape(spec: RagPipelineSpec) -> Leaves:
    """The settings that shape the index: their paths, with something that differs when they do."""
    groups = {
        path: text for path, text in shape_parts(spec).items() if not path.startswith("sources[")
    }
    return {**{path: text for source in spec.sources for path, text in _source(source)}, **groups}


def _source(source: Source) -> Iterator[tuple[str, str]]:
    for path, text in _flat(source.shape()):
        yield f"sources[{source.name}].{path}", text


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, item in value.items():
        path = f"{before}{name}"
        if isinstance(item, Mapping):
            yield from _flat(item, f"{path}.")
        elif item is not None:
            yield path, _text(item)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        return ", ".join(value) or "none"
    return json.dumps(value)
