"""What the managed stores have, read from their objects in the cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from ragwright_core.memory import StoreImages
from ragwright_core.spec import ManagedPostgres, ManagedRedis
from ragwright_operator.desired.pods import SERVER_SECRET
from ragwright_operator.desired.target import Manifest, Target
from ragwright_operator.world.observed import is_ours, key_of, volumes_of


def with_stores(target: Target, children: Iterable[Manifest], known: StoreImages) -> Target:
    """The target with what its managed stores have: the uid of the volume; the Secrets of early
    releases that the servers mount, so that a database keeps its password; and their images."""
    names, spec = target.names, target.spec
    ours = {key_of(item): item for item in children if is_ours(item, target)}
    claim = ours.get(("PersistentVolumeClaim", names.postgres))
    postgres = ours.get(("StatefulSet", names.postgres))
    redis = ours.get(("Deployment", names.redis))
    mounted = {secret for server in (postgres, redis) if server for secret in _mounted(server)}
    written = spec.database.managed, spec.cache.managed
    images = replace(
        target.images,
        postgres=_image(written[0], known.postgres, postgres) or target.images.postgres,
        redis=_image(written[1], known.redis, redis) or target.images.redis,
    )
    return replace(
        target,
        images=images,
        volume_uid=claim["metadata"]["uid"] if claim else "",
        early_secrets=frozenset(mounted & {names.postgres, names.redis}),
    )


def _image(
    written: ManagedPostgres | ManagedRedis | None, known: str, server: Manifest | None
) -> str:
    """The image that the spec names, or the one that the server has been ready with. Empty if the
    operator's default is to be taken: a default that was wrong from the start can be corrected."""
    if written is not None and written.image:
        return written.image
    if known or server is None or not is_ready(server):
        return known
    return image_of(server)


def is_ready(server: Manifest) -> bool:
    """Whether the present template is rolled out and answers."""
    status = server.get("status") or {}
    seen = status.get("observedGeneration", 0) >= server["metadata"].get("generation", 0)
    new = status.get("updatedReplicas", 0) == status.get("replicas", 0)
    return seen and new and bool(status.get("readyReplicas"))


def image_of(server: Manifest) -> str:
    containers = server["spec"]["template"]["spec"]["containers"]
    return str(containers[0]["image"])


def _mounted(server: Manifest) -> Iterator[str]:
    for volume in volumes_of(server):
        if volume["name"] == SERVER_SECRET and "secret" in volume:
            yield volume["secret"]["secretName"]
