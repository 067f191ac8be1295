"""Where and how a pipeline's pods run. No field of these gives its author more rights, another
image, another account or a way to the host."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ragwright_core.model import Model
from ragwright_core.spec.fields import ObjectName, rule, rules

# Kubernetes, its tools and the operator read these of a pod; some give it rights.
_RESERVED = re.compile(r"([^/]*\.)?(kubernetes\.io|k8s\.io|ragwright\.dev)/")
# The affinity stands in every template; this is enough for some hundred terms.
_LONGEST_AFFINITY = 8000


def _not_reserved(written: dict[str, str]) -> dict[str, str]:
    if found := [key for key in written if _RESERVED.match(key)]:
        raise ValueError(
            f"{found[0]} belongs to Kubernetes or to Ragwright: write a key of your own domain"
        )
    return written


def _bounded(written: dict[str, Any]) -> dict[str, Any]:
    if len(str(written)) > _LONGEST_AFFINITY:
        raise ValueError(f"an affinity has at most {_LONGEST_AFFINITY} characters: write less")
    return written


Words = Annotated[dict[str, Annotated[str, Field(max_length=1000)]], Field(max_length=20)]
Terms = Annotated[
    dict[str, Any],
    AfterValidator(_bounded),
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
]


class Toleration(Model):
    key: str | None = Field(None, max_length=317)
    operator: Literal["Equal", "Exists"] | None = None
    value: str | None = Field(None, max_length=63)
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = Field(None, ge=0, le=31_536_000)


class Affinity(Model):
    """As Kubernetes writes it. Labels of a pipeline's pods: `ragwright.dev/pipeline` and
    `app.kubernetes.io/component`."""

    node_affinity: Terms | None = None
    pod_affinity: Terms | None = None
    pod_anti_affinity: Terms | None = None


class TopologySpread(Model):
    """Counts the pods of the same component."""

    max_skew: int = Field(1, ge=1, le=100)
    topology_key: str = Field(max_length=317)
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = "ScheduleAnyway"


class Placement(Model):
    """What an administrator sets for all pipelines, and an author for one."""

    node_selector: Words = Field(default={})
    tolerations: list[Toleration] = Field(default=[], max_length=20)
    affinity: Affinity | None = None
    topology_spread_constraints: list[TopologySpread] = Field(default=[], max_length=5)
    priority_class_name: ObjectName | None = None
    labels: Words = Field(default={})
    annotations: Words = Field(default={})


_SYSTEM = (
    "podTemplate.priorityClassName: classes that begin with system- are for the cluster's pods: "
    "name another"
)


class PodTemplate(Placement):
    """For the pods of the API, the Jobs and the managed stores. Labels, annotations, node selector
    and tolerations are added to what the administrator sets for all pipelines, the rest replaces
    it."""

    model_config = rules(
        rule(
            "!has(self.priorityClassName) || !self.priorityClassName.startsWith('system-')",
            _SYSTEM,
        )
    )

    topology_spread_constraints: list[TopologySpread] = Field(
        default=[],
        max_length=5,
        description="Default: the API's replicas on different nodes, where they can be.",
    )
    labels: Annotated[Words, AfterValidator(_not_reserved)] = Field(
        default={}, description="Not of kubernetes.io, k8s.io and ragwright.dev."
    )
    annotations: Annotated[Words, AfterValidator(_not_reserved)] = Field(
        default={},
        description="Those alone that the administrator allows "
        "(`pipelines.allowedPodAnnotations` in the chart's values), because injectors read them.",
    )

    @model_validator(mode="after")
    def _is_no_system_pod(self) -> Self:
        if (self.priority_class_name or "").startswith("system-"):
            raise ValueError(_SYSTEM)
        return self
