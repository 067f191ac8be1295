"""Which children to write, and which to prune."""

from __future__ import annotations

from ragwright_core.spec.quantity import amount
from ragwright_operator.desired.children import children
from ragwright_operator.desired.order import is_order
from ragwright_operator.desired.target import Manifest
from ragwright_operator.plan.difference import covers, stamp_of, stamped, stray_keys
from ragwright_operator.plan.settings import is_needed
from ragwright_operator.plan.steps import (
    ApplyObject,
    CreateSecret,
    PruneObject,
    RemoveKeys,
    Step,
)
from ragwright_operator.world.observed import Key, Observed, is_ours, key_of
from ragwright_operator.world.trouble import Trouble

# Deleting a volume claim would delete an index that no spec asked to delete.
NEVER_PRUNED = ("PersistentVolumeClaim",)


def child_steps(observed: Observed) -> list[Step]:
    steps: list[Step] = []
    manifests = wanted(observed)
    for manifest in manifests:
        if manifest["kind"] in ("StatefulSet", "Deployment"):
            steps += _secret_for(observed, manifest)
        if not _waits_for_volume(observed, manifest) and not is_left_alone(observed, manifest):
            steps += _apply(observed, manifest)
    return steps + _prune(observed, {key_of(manifest) for manifest in manifests})


def wanted(observed: Observed) -> list[Manifest]:
    return [stamped(_keep_size(observed, manifest)) for manifest in children(observed.target)]


def is_left_alone(observed: Observed, manifest: Manifest) -> bool:
    return observed.left_alone.get(key_of(manifest)) == stamp_of(manifest)


def volume(observed: Observed) -> Manifest | None:
    """The managed database's volume claim, as it exists in the cluster, if it is ours."""
    target = observed.target
    claim = observed.children.get(("PersistentVolumeClaim", target.names.postgres))
    return claim if claim and is_ours(claim, target) else None


def _apply(observed: Observed, manifest: Manifest) -> list[Step]:
    existing = observed.children.get(key_of(manifest))
    if existing is None:
        return [ApplyObject(manifest, known=False)]
    if "deletionTimestamp" in existing["metadata"]:
        return []
    if not is_ours(existing, observed.target):
        return [ApplyObject(manifest, known=False)]  # which finds it taken
    if covers(existing, manifest):
        return []
    if existing.get("immutable") and existing.get("data") != manifest.get("data"):
        return [PruneObject(*key_of(manifest)), ApplyObject(manifest, known=False)]
    strays = stray_keys(existing, manifest)
    steps: list[Step] = [RemoveKeys(manifest["metadata"]["name"], strays)] if strays else []
    return [*steps, ApplyObject(manifest, known=True)]


def _secret_for(observed: Observed, manifest: Manifest) -> list[Step]:
    """A managed server's Secret is created before the pods that mount it, because the kubelet
    notices a file that appears later only after a minute."""
    name, target = manifest["metadata"]["name"], observed.target
    if name == target.names.redis:
        return [CreateSecret("redis", target)]
    if name == target.names.postgres and volume(observed) is not None:
        return [CreateSecret("postgres", target)]
    return []


def _waits_for_volume(observed: Observed, manifest: Manifest) -> bool:
    """Whether the object must wait for the managed database's Secret, which in turn waits for its
    owner, the volume claim."""
    if observed.target.managed_postgres is None or volume(observed) is not None:
        return False
    names = observed.target.names
    return key_of(manifest) in {("StatefulSet", names.postgres), ("Deployment", names.api)}


def _keep_size(observed: Observed, manifest: Manifest) -> Manifest:
    """A volume claim cannot shrink, so a smaller size is not applied, and a condition says so."""
    if manifest["kind"] != "PersistentVolumeClaim" or not storage_troubles(observed):
        return manifest
    claim = volume(observed)
    assert claim is not None
    requests = {"requests": {"storage": claim["spec"]["resources"]["requests"]["storage"]}}
    return {**manifest, "spec": {**manifest["spec"], "resources": requests}}


def storage_troubles(observed: Observed) -> list[Trouble]:
    postgres, claim = observed.target.managed_postgres, volume(observed)
    if postgres is None or claim is None:
        return []
    has = claim["spec"]["resources"]["requests"]["storage"]
    if amount(postgres.storage) >= amount(has):
        return []
    return [
        Trouble(
            "StorageCannotShrink",
            f"database.managed.storage is {postgres.storage}, but the volume has {has} and "
            f"cannot shrink. Write {has} or more.",
        )
    ]


def _prune(observed: Observed, names: set[Key]) -> list[Step]:
    return [
        PruneObject(*key)
        for key, existing in observed.children.items()
        if key not in names
        and key[0] not in NEVER_PRUNED
        and "deletionTimestamp" not in existing["metadata"]
        and is_ours(existing, observed.target)
        and not (key[0] == "ConfigMap" and is_needed(observed, existing))
        and not is_order(existing)
    ]
