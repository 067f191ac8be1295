"""The steps that a plan may consist of. They are logged as data and hold no secret."""

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
    """Create a managed server's Secret with a new password. An existing Secret is not changed."""

    server: Literal["postgres", "redis"]
    target: Target

    @property
    def name(self) -> str:
        return self.target.redis_secret if self.server == "redis" else self.target.postgres_secret


@dataclass(frozen=True)
class CreateJob:
    """Create a Job and the ConfigMap that holds its order. If a Job of this name exists, it is the
    same Job."""

    manifest: Manifest
    order: Manifest


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
    """Remove keys that somebody else wrote from a ConfigMap of ours."""

    name: str
    keys: tuple[str, ...]


Step = ApplyObject | CreateSecret | CreateJob | DeleteJob | PruneObject | RemoveKeys


@dataclass(frozen=True)
class Outcome:
    """The result of a step. `taken`: an object that is not ours has the name. `held`: the step
    would make pods that use such an object. `rejected`: the API server refused the step, and
    `message` says why."""

    step: Step
    result: Literal["done", "exists", "taken", "held", "rejected"]
    message: str = ""


def in_words(step: Step) -> str:
    """A description of the step for logs and conditions."""
    match step:
        case ApplyObject(manifest=manifest) | CreateJob(manifest=manifest):
            subject = f"{manifest['kind']} {manifest['metadata']['name']}"
        case CreateSecret():
            subject = f"Secret {step.name}"
        case DeleteJob(name=name):
            subject = f"Job {name}"
        case RemoveKeys(name=name):
            subject = f"ConfigMap {name}"
        case PruneObject(kind=kind, name=name):
            subject = f"{kind} {name}"
    return f"{type(step).__name__} {subject}"
