"""What the operator is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from ragwright_core.model import Model
from ragwright_core.network import AS_IT_IS, Outside
from ragwright_core.spec import Placement
from ragwright_core.spec.fields import ObjectName


@dataclass(frozen=True)
class Images:
    """Images of the pods that the operator makes, and whether these pods name their own uids: some
    platforms (OpenShift) give uids themselves."""

    ragwright: str
    postgres: str
    redis: str
    pull_policy: str
    assign_uids: bool = True


class PullSecret(Model):
    """A Secret of each pipeline's namespace."""

    name: ObjectName


class PodDefaults(Placement):
    """What the administrator sets for the pods of all pipelines."""

    image_pull_secrets: list[PullSecret] = Field(default=[], max_length=20)
    runtime_class_name: ObjectName | None = None


NO_DEFAULTS = PodDefaults()


@dataclass(frozen=True)
class Allowed:
    """What authors may name; of images all, if there is no pattern, and of annotations none."""

    images: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ()


ANYTHING = Allowed()


@dataclass(frozen=True)
class Site:
    """What all pipelines of this operator share: the cluster's id, the images of their pods, the
    hosts that they may contact (all if none are named), how they reach them, where their pods run,
    and what their authors may name."""

    cluster: str
    images: Images
    allowed_hosts: tuple[str, ...] = ()
    outside: Outside = AS_IT_IS
    pods: PodDefaults = NO_DEFAULTS
    allowed: Allowed = ANYTHING


@dataclass(frozen=True)
class Settings:
    images: Images
    allowed_hosts: tuple[str, ...]
    outside: Outside
    pods: PodDefaults
    allowed: Allowed
    namespaces: tuple[str, ...]
    resync_seconds: float
    log_level: str
    operator_id: str = ""


def site_of(cluster: str, settings: Settings) -> Site:
    return Site(
        cluster,
        settings.images,
        settings.allowed_hosts,
        settings.outside,
        settings.pods,
        settings.allowed,
    )


@dataclass(frozen=True)
class Departure:
    """What `let-go` is told: the operator's Deployment, as namespace and name."""

    deployment: tuple[str, str]
    namespaces: tuple[str, ...]
    log_level: str
