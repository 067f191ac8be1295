"""Leaves the number of a Deployment's pods to an autoscaler, without a moment of another number."""

from __future__ import annotations

from ragwright_core.names import FIELD_MANAGER
from ragwright_operator.desired.target import Manifest
from ragwright_operator.effects.kube import Kube, KubeError

REPLICAS_MANAGER = f"{FIELD_MANAGER}-replicas"


async def let_go_of_replicas(kube: Kube, manifest: Manifest) -> None:
    """To be called before a manifest without replicas is applied. Server-side apply removes a field
    that its only manager leaves out, and a Deployment without the field has one pod: so another
    manager holds the present number first. What changes it later, such as an autoscaler, takes it
    from that one. Raises KubeError."""
    kind, metadata = manifest["kind"], manifest["metadata"]
    if kind != "Deployment" or "replicas" in manifest["spec"]:
        return
    try:
        existing = await kube.get(kind, metadata["namespace"], metadata["name"])
    except KubeError as error:
        if error.not_found:
            return
        raise
    held = {
        "apiVersion": manifest["apiVersion"],
        "kind": kind,
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"replicas": existing["spec"]["replicas"]},
    }
    try:
        await kube.apply(held, force=False, manager=REPLICAS_MANAGER)
    except KubeError as error:
        if not error.conflict:  # changed in this moment: who changed it holds it
            raise
