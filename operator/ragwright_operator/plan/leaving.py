"""What becomes of a pipeline when its operator is removed before it."""

from __future__ import annotations

from ragwright_core.names import FINALIZER, schema_name
from ragwright_operator.desired.target import Manifest


def without_ours(pipeline: Manifest) -> list[str] | None:
    """The finalizers that stay, or None if ours is not among them."""
    finalizers = list(pipeline["metadata"].get("finalizers") or [])
    if FINALIZER not in finalizers:
        return None
    return [name for name in finalizers if name != FINALIZER]


def is_going(pipeline: Manifest) -> bool:
    """Whether the operator still has to finish the pipeline's deletion."""
    return "deletionTimestamp" in pipeline["metadata"] and without_ours(pipeline) is not None


def fate(pipeline: Manifest) -> str:
    """What a person should know of a pipeline that was let go."""
    metadata, spec = pipeline["metadata"], pipeline.get("spec") or {}
    schema = schema_name(metadata["namespace"], metadata["name"])
    goes = "deletionTimestamp" in metadata
    words = "is deleted" if goes else "goes on answering; no change of it is carried out"
    if spec.get("deletionPolicy") != "Delete" or not _has_own_server(spec):
        return words
    when = "its index may stay" if goes else "deleted without an operator, its index stays"
    return f"{words}; {when}: as the owner of schema {schema}, DROP SCHEMA {schema} CASCADE"


def _has_own_server(spec: Manifest) -> bool:
    """Whether a server of the user's own holds the index: a managed one goes with the pipeline."""
    return bool((spec.get("database") or {}).get("secretKeyRef"))
