"""Settings of API pods: they are kept for as long as a pod may start with them. Pure."""

from __future__ import annotations

from ragwright_operator.desired.api import settings_name
from ragwright_operator.desired.target import COMPONENT_LABEL, Manifest
from ragwright_operator.world.observed import Observed, volumes_of


def is_needed(observed: Observed, config_map: Manifest) -> bool:
    """Whether a ConfigMap holds settings of an existing pod, or of one that an older ReplicaSet may
    still create."""
    if (config_map["metadata"].get("labels") or {}).get(COMPONENT_LABEL) != "api":
        return False
    name = config_map["metadata"]["name"]
    mounted = any(name in pod.config_maps for pod in observed.pods if not pod.ended)
    return mounted or not _is_rolled_out(observed)


def _is_rolled_out(observed: Observed) -> bool:
    """Whether the Deployment has the present settings and no pod with earlier ones is left."""
    deployment = observed.children.get(("Deployment", observed.target.names.api))
    if deployment is None:
        return False
    status, volumes = deployment.get("status") or {}, _volumes(deployment)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    only_new = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return seen and only_new and settings_name(observed.target) in volumes


def _volumes(deployment: Manifest) -> set[str]:
    volumes = volumes_of(deployment)
    return {item["configMap"]["name"] for item in volumes if "configMap" in item}
