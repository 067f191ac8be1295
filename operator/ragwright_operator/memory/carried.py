"""Reads a status of the first builds, which had the operator's memory among its other fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RENAMED = {
    "build": {"reason": "failure"},
    "swap": {"reason": "cause", "problem": "failure"},
    "kept": {"secretRef": "secretKeyRef"},
}


def carried(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """The status with that memory in its present place. Without the memory, the index would be
    built once more."""
    found = {
        name: _with_new_names(name, status[name])
        for name in ("build", "swap", "kept", "recreated")
        if name in status
    }
    if not found or status.get("operator"):
        return status
    return {**status, "operator": found}


def _with_new_names(part: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_with_new_names(part, item) for item in value]
    names = _RENAMED.get(part, {})
    return {names.get(name, name): item for name, item in value.items()}
