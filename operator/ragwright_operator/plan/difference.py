"""Whether an object is as it should be: everything desired is there, defaults do not count."""

from __future__ import annotations

from typing import Any

from ragwright_core.model import fingerprint
from ragwright_core.spec import GROUP
from ragwright_operator.desired.target import Manifest

APPLIED_ANNOTATION = f"{GROUP}/applied"
# The keys by which Kubernetes merges lists; other writers may add items of their own.
_LIST_KEYS = ("mountPath", "containerPort", "uid", "name")
# Where a key more changes the meaning, and the API server adds none of its own.
_EXACT_PARTS = ("selector", "podSelector", "ingress", "data")


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its own hash, so that a field which is no longer desired is noticed."""
    metadata = manifest["metadata"]
    annotations = {
        **metadata.get("annotations", {}),
        APPLIED_ANNOTATION: fingerprint(manifest)[:16],
    }
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def covers(existing: Any, desired: Any, *, exactly: bool = False) -> bool:
    """Whether `existing` holds everything that `desired` does, and nothing else if `exactly`."""
    if isinstance(desired, dict):
        return (
            isinstance(existing, dict)
            and (not exactly or existing.keys() == desired.keys())
            and all(
                key in existing
                and covers(existing[key], value, exactly=exactly or key in _EXACT_PARTS)
                for key, value in desired.items()
            )
        )
    if isinstance(desired, list):
        return isinstance(existing, list) and _list_covers(existing, desired, exactly=exactly)
    return bool(existing == desired)


def _list_covers(existing: list[Any], desired: list[Any], *, exactly: bool) -> bool:
    key = None if exactly else _list_key(desired)
    if key is None:
        return len(existing) == len(desired) and all(
            covers(one, other, exactly=exactly)
            for one, other in zip(existing, desired, strict=True)
        )
    by_key = {item.get(key): item for item in existing if isinstance(item, dict)}
    return all(item[key] in by_key and covers(by_key[item[key]], item) for item in desired)


def stray_keys(existing: Manifest, desired: Manifest) -> tuple[str, ...]:
    """Keys that another hand wrote into a ConfigMap's data: applying ours would leave them."""
    return tuple(sorted(set(existing.get("data") or {}) - set(desired.get("data") or {})))


def _list_key(items: list[Any]) -> str | None:
    for key in _LIST_KEYS:
        if items and all(isinstance(item, dict) and key in item for item in items):
            return key
    return None
