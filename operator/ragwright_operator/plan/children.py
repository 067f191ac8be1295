"""Which children to write, and which to prune."""

from __future__ import annotations

from ragwright_operator.desired.children import children
from ragwright_operator.desired.quantity import amount
from ragwright_operator.desired.target import Manifest
from ragwright_operator.observed import Key, Observed, Trouble, is_ours, key_of
from ragwright_operator.plan.difference import covers, stamped, stray_keys
from ragwright_operator.plan.steps import (
    ApplyObject,
    CreateSecret,
    PruneObject,
    RemoveKeys,
    Step,
)

# Deleting a volume claim would delete an index that no spec asked to delete.
NEVER_PRUNED = ("PersistentVolumeClaim",)


def child_steps(observed: Observed) -> list[Step]:
    steps: list[Step] = []
    for manifest in wanted(observed):
        if manifest["kind"] in ("StatefulSet", "Deployment"):
            steps += _secret_for(observed, manifest)
        if not _waits_for_volume(observed, manifest):
            steps += _apply(observed, manifest)
    return steps + _prune(observed)


def wanted(observed: Observed) -> list[Manifest]:
    return [stamped(_keep_size(observed, manifest)) for manifest in children(observed.target)]


def volume(observed: Observed) -> Manifest | None:
    """The managed database's volume claim, as the cluster has it."""
    return observed.children.get(("PersistentVolumeClaim", observed.target.names.postgres))


def _apply(observed: Observed, manifest: Manifest) -> list[Step]:
    existing = observed.children.get(key_of(manifest))
    if existing is None:
        return [ApplyObject(manifest, known=False)]
    going = "deletionTimestamp" in existing["metadata"]
    if going or not is_ours(existing, observed.target) or covers(existing, manifest):
        return []
    strays = stray_keys(existing, manifest)
    steps: list[Step] = [RemoveKeys(manifest["metadata"]["name"], strays)] if strays else []
    return [*steps, ApplyObject(manifest, known=True)]


def _secret_for(observed: Observed, manifest: Manifest) -> list[Step]:
    """A managed server's Secret comes before the pods that mount it: a file that appears later
    is noticed by the kubelet only after a minute."""
    name, target = manifest["metadata"]["name"], observed.target
    if name == target.names.redis:
        return [CreateSecret("redis", target)]
    claim = volume(observed)
    if name == target.names.postgres and claim is not None and is_ours(claim, target):
        return [CreateSecret("postgres", target, claim["metadata"]["uid"])]
    return []


def _waits_for_volume(observed: Observed, manifest: Manifest) -> bool:
    """Whoever mounts the managed database's Secret waits for it, and it for its owner, the
    volume claim."""
    if observed.target.managed_postgres is None or volume(observed) is not None:
        return False
    names = observed.target.names
    return key_of(manifest) in {("StatefulSet", names.postgres), ("Deployment", names.api)}


def _keep_size(observed: Observed, manifest: Manifest) -> Manifest:
    """A volume claim cannot shrink: a smaller wish is told in a condition, not applied."""
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


def _prune(observed: Observed) -> list[Step]:
    names: set[Key] = {key_of(manifest) for manifest in children(observed.target)}
    return [
        PruneObject(*key)
        for key, existing in observed.children.items()
        if key not in names
        and key[0] not in NEVER_PRUNED
        and "deletionTimestamp" not in existing["metadata"]
        and is_ours(existing, observed.target)
    ]
