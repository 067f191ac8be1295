"""What can be done. A plan is a list of these; they are logged as data and hold no secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragwright_operator.desired.target import Manifest, Target


@dataclass(frozen=True)
class ApplyObject:
    """Write an object by server-side apply. `known` is whether the watch has shown it."""

    manifest: Manifest
    known: bool


@dataclass(frozen=True)
class CreateSecret:
    """Create a managed server's Secret with a new password; one that exists stays as it is."""

    server: Literal["postgres", "redis"]
    target: Target
    volume_uid: str = ""


@dataclass(frozen=True)
class CreateJob:
    """Create a Job; one of this name that exists is the same Job."""

    manifest: Manifest


@dataclass(frozen=True)
class DeleteJob:
    name: str


@dataclass(frozen=True)
class PruneObject:
    """Delete a child that the spec no longer asks for."""

    kind: str
    name: str


@dataclass(frozen=True)
class RemoveKeys:
    """Take keys that are not ours out of a ConfigMap of ours."""

    name: str
    keys: tuple[str, ...]


Step = ApplyObject | CreateSecret | CreateJob | DeleteJob | PruneObject | RemoveKeys


@dataclass(frozen=True)
class Outcome:
    """What came of a step. `taken`: an object of this name is not ours; `rejected`: the API server
    refused, `message` says why."""

    step: Step
    result: Literal["done", "exists", "taken", "rejected"]
    message: str = ""


def describe(step: Step) -> str:
    """The step in words, for logs and conditions."""
    match step:
        case ApplyObject(manifest=manifest) | CreateJob(manifest=manifest):
            subject = f"{manifest['kind']} {manifest['metadata']['name']}"
        case CreateSecret(server=server, target=target):
            subject = f"Secret {target.names.name}-{server}"
        case DeleteJob(name=name):
            subject = f"Job {name}"
        case RemoveKeys(name=name):
            subject = f"ConfigMap {name}"
        case PruneObject(kind=kind, name=name):
            subject = f"{kind} {name}"
    return f"{type(step).__name__} {subject}"
