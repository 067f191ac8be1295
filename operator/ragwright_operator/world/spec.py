"""The spec of a pipeline as the API server shows it, or why it cannot be used, in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ragwright_core.model import Paths, in_words
from ragwright_core.spec import GROUP, PLURAL, RENAMED, RagPipelineSpec, Renamed
from ragwright_operator.desired.target import Manifest
from ragwright_operator.world.trouble import Trouble

CLIENT_SIDE = "kubectl-client-side-apply"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_APPLY_CRD = "apply that of the operator's release: kubectl apply --server-side -f crds/"


class UnusableSpecError(Exception):
    """The spec cannot be used. What runs goes on; nothing is changed or deleted for this spec."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


def read_spec(pipeline: Manifest) -> RagPipelineSpec:
    """The spec of a pipeline. Raises UnusableSpecError."""
    written: dict[str, Any] = pipeline.get("spec") or {}
    if shown := [item for item in RENAMED if item.old in _group(written, item)]:
        raise _unusable(
            f"the resource definition {PLURAL}.{GROUP} is older than the operator: it still knows "
            f"spec.{shown[0].group}.{shown[0].old}; {_APPLY_CRD}"
        )
    if missed := [item for item in RENAMED if _is_missed(pipeline, written, item)]:
        raise _unusable(_write_anew(pipeline, missed))
    try:
        return RagPipelineSpec.model_validate(written)
    except ValidationError as error:
        raise _unusable(_told(error)) from None


def lacking(pipeline: Manifest, spec: RagPipelineSpec) -> Paths:
    """Fields whose defaults the API server has not filled in, because its resource definition is of
    an older release and does not know them."""
    return tuple(_missing(pipeline.get("spec") or {}, spec.model_dump(exclude_none=True), "spec"))


def _missing(written: Mapping[str, Any], meant: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in meant.items():
        if name not in written:
            yield f"{path}.{name}"
        elif isinstance(value, dict):
            yield from _missing(written[name], value, f"{path}.{name}")


def _unusable(message: str) -> UnusableSpecError:
    return UnusableSpecError(Trouble("InvalidSpec", f"{message}. What runs goes on."))


def _group(written: Mapping[str, Any], item: Renamed) -> Mapping[str, Any]:
    return written.get(item.group) or {}


def _is_missed(pipeline: Manifest, written: Mapping[str, Any], item: Renamed) -> bool:
    """Whether somebody still sets the old field, which the API server has dropped."""
    metadata, group = pipeline["metadata"], _group(written, item)
    if not item.defaulted and item.new in group:
        return False
    if any(name in group and value in (None, group[name]) for name, value in item.without):
        return False
    fields = metadata.get("managedFields") or []
    if item.defaulted and any(_holds(entry, item.group, item.new) for entry in fields):
        return False
    applied = _last_applied(metadata)
    if applied is not None and item.old in _group(applied, item):
        return True
    return any(
        _is_a_wish(entry, item, is_annotated=applied is not None)
        and _holds(entry, item.group, item.old)
        for entry in fields
    )


def _is_a_wish(entry: Mapping[str, Any], item: Renamed, *, is_annotated: bool) -> bool:
    """Whether an entry of managedFields shows that somebody set the field. An entry of an Apply
    does. An entry of an Update also names removed fields, and defaults that nobody wrote. For
    kubectl's own entry, the last-applied annotation decides instead."""
    if entry.get("operation") == "Apply":
        return True
    return not item.defaulted and not (is_annotated and entry.get("manager") == CLIENT_SIDE)


def _holds(entry: Mapping[str, Any], group: str, field: str) -> bool:
    spec: Mapping[str, Any] = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    return f"f:{field}" in (spec.get(f"f:{group}") or {})


def last_written(pipeline: Manifest, group: str, fields: Iterable[str]) -> datetime | None:
    """When somebody who wrote one of the fields last changed the pipeline, if that is known."""
    entries = pipeline["metadata"].get("managedFields") or []
    times = [
        datetime.fromisoformat(entry["time"])
        for entry in entries
        if "time" in entry and any(_holds(entry, group, field) for field in fields)
    ]
    return max(times, default=None)


def _last_applied(metadata: Mapping[str, Any]) -> Mapping[str, Any] | None:
    text = (metadata.get("annotations") or {}).get(LAST_APPLIED)
    try:
        return dict(json.loads(text).get("spec") or {}) if text else None
    except (ValueError, AttributeError, TypeError):
        return None


def _write_anew(pipeline: Manifest, missed: list[Renamed]) -> str:
    metadata = pipeline["metadata"]
    names = "; ".join(map(str, missed))
    forget = '\'{"metadata":{"managedFields":[{}]}}\''
    return (
        f"{names}. Write the new name and apply again; where the field is meant to be gone: "
        f"kubectl -n {metadata['namespace']} patch rag {metadata['name']} --type=merge -p {forget}"
    )


def _told(error: ValidationError) -> str:
    found = error.errors(include_input=False)
    unknown = [item for item in found if item["type"] == "extra_forbidden"]
    if unknown:
        field = ".".join(str(part) for part in unknown[0]["loc"])
        return (
            f"spec.{field} is not known to this operator: the resource definition {PLURAL}.{GROUP} "
            f"is newer; upgrade the operator, or {_APPLY_CRD}"
        )
    return f"the spec cannot be used: {in_words(error)}. Correct it"
