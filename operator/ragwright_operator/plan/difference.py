"""Whether an object is as desired: it has every desired field, and may have defaults besides."""

from __future__ import annotations

from typing import Any

from ragwright_core.model import fingerprint
from ragwright_operator.desired.annotations import APPLIED
from ragwright_operator.desired.target import Manifest

# The keys by which Kubernetes merges lists; other writers may add items of their own.
_LIST_KEYS = ("mountPath", "containerPort", "uid", "name")
# Parts in which an additional key changes the meaning, and the API server adds no defaults.
_EXACT_PARTS = ("selector", "podSelector", "ingress", "data")


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its own hash, so that a field which is no longer desired is noticed."""
    metadata = manifest["metadata"]
    annotations = {
        **metadata.get("annotations", {}),
        APPLIED: fingerprint(manifest)[:16],
    }
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def stamp_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["annotations"][APPLIED])


def covers(existing: Any, desired: Any) -> bool:
    """Whether `existing` holds everything that `desired` does."""
    return first_difference(existing, desired) is None


def first_difference(
    existing: Any, desired: Any, path: str = "", *, exactly: bool = False
) -> str | None:
    """The path of a field that `existing` lacks or has otherwise; if `exactly`, or of one that it
    has besides. None if there is no such field."""
    if isinstance(desired, dict) and isinstance(existing, dict):
        return _of_fields(existing, desired, path, exactly=exactly)
    if isinstance(desired, list) and isinstance(existing, list):
        return _of_items(existing, desired, path, exactly=exactly)
    return None if existing == desired else path


def _of_fields(existing: Any, desired: Any, path: str, *, exactly: bool) -> str | None:
    for key, value in desired.items():
        inside = f"{path}.{key}".lstrip(".")
        if key not in existing:
            return inside
        strictly = exactly or key in _EXACT_PARTS
        found = first_difference(existing[key], value, inside, exactly=strictly)
        if found is not None:
            return found
    strays = sorted(existing.keys() - desired.keys()) if exactly else []
    return f"{path}.{strays[0]}" if strays else None


def _of_items(existing: list[Any], desired: list[Any], path: str, *, exactly: bool) -> str | None:
    key = None if exactly else _list_key(desired)
    if key is None:
        if len(existing) != len(desired):
            return path
        pairs = [
            (str(n), one, other)
            for n, (one, other) in enumerate(zip(existing, desired, strict=True))
        ]
    else:
        by_key = {item.get(key): item for item in existing if isinstance(item, dict)}
        pairs = [(str(item[key]), by_key.get(item[key]), item) for item in desired]
    found = (
        first_difference(one, other, f"{path}[{name}]", exactly=exactly)
        for name, one, other in pairs
    )
    return next((inside for inside in found if inside is not None), None)


def stray_keys(existing: Manifest, desired: Manifest) -> tuple[str, ...]:
    """Keys in a ConfigMap's data that somebody else wrote. Applying our manifest would leave
    them."""
    return tuple(sorted(set(existing.get("data") or {}) - set(desired.get("data") or {})))


def _list_key(items: list[Any]) -> str | None:
    for key in _LIST_KEYS:
        if items and all(isinstance(item, dict) and key in item for item in items):
            return key
    return None
