"""Orders of Jobs: each in an immutable ConfigMap of its own, which the Job's pods mount."""

from __future__ import annotations

import copy

from ragwright_core.contract import ORDER_FILE
from ragwright_core.model import fingerprint
from ragwright_core.orders import Order
from ragwright_operator.desired.pods import mount
from ragwright_operator.desired.target import COMPONENT_LABEL, ORDER_COMPONENTS, Manifest

ORDER_VOLUME = "order"


def order_map(job: Manifest, order: Order) -> Manifest:
    """The name contains the Job's name and a hash of the order, so that a different order that a
    crash left behind is not mistaken for this one."""
    text = order.model_dump_json()
    metadata = {**copy.deepcopy(job), "name": f"{job['name']}-{fingerprint(text)[:8]}"}
    metadata.pop("annotations", None)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": True,
        "data": {ORDER_FILE.name: text},
    }


def job_of(order_name: str) -> str:
    return order_name.rpartition("-")[0]


def is_order(existing: Manifest) -> bool:
    labels = existing["metadata"].get("labels") or {}
    return existing["kind"] == "ConfigMap" and labels.get(COMPONENT_LABEL) in ORDER_COMPONENTS


def order_volume(order: Manifest) -> Manifest:
    return {"name": ORDER_VOLUME, "configMap": {"name": order["metadata"]["name"]}}


def order_mount() -> Manifest:
    return mount(ORDER_VOLUME, ORDER_FILE.parent)


def owned_by(order: Manifest, job: Manifest) -> Manifest:
    """The order with its Job as owner, for a Job that no pipeline owns: both are deleted
    together."""
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"],
        "controller": True,
    }
    return {**order, "metadata": {**order["metadata"], "ownerReferences": [owner]}}
