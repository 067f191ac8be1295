"""The part of an object that the operator keeps in memory.

Whoever may write in a namespace can put our labels on objects of any size, and there may be many.
"""

from __future__ import annotations

from typing import Any

from ragwright_core.names import PIPELINE_LABEL, REQUEST_LABEL
from ragwright_core.spec import GROUP, KIND
from ragwright_operator.desired.job import UID_LABEL
from ragwright_operator.desired.order import ORDER_VOLUME, is_order
from ragwright_operator.desired.target import COMPONENT_LABEL, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import api_version

_METADATA = (
    "name",
    "namespace",
    "uid",
    "generation",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
)
_OWNERS_OF_PODS = ("ReplicaSet", "StatefulSet", "Job")
_OURS = (MANAGED_BY_LABEL, PIPELINE_LABEL, COMPONENT_LABEL, REQUEST_LABEL, UID_LABEL)
_PREFIXES = (f"{GROUP}/", "app.kubernetes.io/", "batch.kubernetes.io/")
# Of what a pipeline did not make; no uid, and no word of ours, is longer.
_MOST_WORDS = 20
_LONGEST_WORD = 256
_LONGEST_MESSAGE = 1000


def slim(item: Manifest, kind: str) -> Manifest:
    """The object with its kind, which items of a list lack, and without the fields that no plan
    reads: managedFields alone are half of an object's size, and an order may have a megabyte. Of
    an object that no pipeline made, only the metadata, and what a plan reads of a volume claim and
    of a clean-up's Job, which no pipeline owns."""
    found = item["metadata"]
    metadata = {key: found[key] for key in _METADATA if key in found}
    owners = _owners(found)
    if owners:
        metadata["ownerReferences"] = owners
    made: Manifest = {"apiVersion": api_version(kind), "kind": kind, "metadata": metadata}
    if _is_made_by_pipeline(kind, owners):
        return _with_words(made, found, whole=True) | _body(item, made)
    _with_words(made, found, whole=False)
    if kind == "PersistentVolumeClaim":
        return {**made, "spec": _claim(item.get("spec") or {})}
    if kind == "Job" and metadata["labels"].get(COMPONENT_LABEL) == "cleanup":
        return {**made, **_clean_up(item)}
    return made


def _with_words(made: Manifest, found: Manifest, *, whole: bool) -> Manifest:
    """Adds the labels and annotations that we or Kubernetes' own controllers write."""
    for part in ("labels", "annotations"):
        words = {
            key: value
            for key, value in (found.get(part) or {}).items()
            if key.startswith(_PREFIXES) and (whole or len(key + value) <= _LONGEST_WORD)
        }
        if not whole:
            ours_first = sorted(words, key=lambda key: key not in _OURS)
            words = {key: words[key] for key in ours_first[:_MOST_WORDS]}
        if words or part == "labels":
            made["metadata"][part] = words
    return made


def _body(item: Manifest, made: Manifest) -> Manifest:
    body = {key: value for key, value in item.items() if key not in made}
    if is_order(made):
        body.pop("data", None)
    if made["kind"] == "Pod":
        body["spec"] = {"volumes": _volumes(item["spec"].get("volumes") or [])}
    return body


def _volumes(volumes: list[Manifest]) -> list[Manifest]:
    """Of a pod's volumes, which Secrets' keys and ConfigMaps are mounted. A stranger's ReplicaSet
    may have pods, too."""
    return [
        {"configMap": {"name": volume["configMap"]["name"]}}
        if "configMap" in volume
        else {
            "secret": {
                **volume["secret"],
                "items": (volume["secret"].get("items") or [])[:_MOST_WORDS],
            }
        }
        for volume in volumes
        if "configMap" in volume or "secret" in volume
    ]


def _claim(spec: Manifest) -> Manifest:
    """Of a volume claim, what is compared with the one that is wanted."""
    kept: Manifest = {key: spec[key] for key in ("accessModes", "storageClassName") if key in spec}
    requests = (spec.get("resources") or {}).get("requests") or {}
    return {**kept, "resources": {"requests": {"storage": requests.get("storage", "0")}}}


def _clean_up(job: Manifest) -> Manifest:
    """Of a clean-up's Job, its order's name and what became of it."""
    spec, status = job["spec"]["template"]["spec"], job.get("status") or {}
    volumes = [
        {"name": ORDER_VOLUME, "configMap": {"name": volume["configMap"]["name"]}}
        for volume in spec.get("volumes") or []
        if volume["name"] == ORDER_VOLUME and "configMap" in volume
    ]
    conditions = [
        {
            "type": condition["type"],
            "status": condition["status"],
            "reason": condition.get("reason", "")[:_LONGEST_MESSAGE],
            "message": condition.get("message", "")[:_LONGEST_MESSAGE],
        }
        for condition in status.get("conditions") or []
        if condition["type"] in ("Complete", "Failed")
    ]
    counts = {key: status[key] for key in ("active", "failed") if key in status}
    return {
        "spec": {"template": {"spec": {"volumes": volumes[:1]}}},
        "status": {"conditions": conditions[:2], **counts},
    }


def _is_made_by_pipeline(kind: str, owners: list[Manifest]) -> bool:
    """Whether a pipeline, or a controller of one, is its owner. A false owner does not help:
    Kubernetes deletes what has an owner that does not exist, and the operator what its pipeline did
    not ask for."""
    wanted = _OWNERS_OF_PODS if kind == "Pod" else (KIND,)
    return any(owner.get("controller") and owner["kind"] in wanted for owner in owners)


def _owners(metadata: Manifest) -> list[Manifest]:
    """The object's controller; there is at most one. What is longer than a controller's is none of
    ours, and the object stays a stranger's by its uid."""
    return [
        {key: _short(value) for key, value in owner.items()}
        for owner in metadata.get("ownerReferences") or []
        if owner.get("controller")
    ][:1]


def _short(value: Any) -> Any:
    return value[:_LONGEST_WORD] if isinstance(value, str) else value
