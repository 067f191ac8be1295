"""The ConfigMaps that may hold documents: whether they changed, and never their text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragwright_core.model import fingerprint
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube, KubeError
from ragwright_operator.effects.watch import Changed, KindWatch, View

_KIND = "ConfigMap"
_KEPT = ("name", "namespace", "uid", "resourceVersion")


def _stub(item: Manifest, kind: str) -> Manifest:
    metadata = {key: item["metadata"][key] for key in _KEPT}
    return {"kind": kind, "metadata": metadata}


def _name(item: Manifest) -> str:
    return str(item["metadata"]["name"])


_VIEW = View(f"{MANAGED_BY_LABEL}!={MANAGED_BY}", _stub, _name)


@dataclass(frozen=True)
class Documents:
    """A word for each ConfigMap that changes whenever it does. One that does not exist has none.
    `kube` reads metadata alone."""

    kube: Kube
    watches: tuple[KindWatch, ...]

    def seen(self, namespace: str, names: Iterable[str]) -> dict[str, str]:
        """As the watches have last shown them."""
        return {
            name: _word(item)
            for name in names
            for watch in self.watches
            if (item := watch.objects.get((namespace, name)))
        }

    async def read(self, namespace: str, names: Sequence[str]) -> dict[str, str]:
        """As they are now, which a watch may tell later; it is as if it had. Raises KubeError."""
        found = [(name, await self._get(namespace, name)) for name in names]
        for watch in self.watches:
            if watch.namespace in (None, namespace):
                for name, item in found:
                    watch.know((namespace, name), item)
        return {name: _word(item) for name, item in found if item}

    async def _get(self, namespace: str, name: str) -> Manifest | None:
        try:
            return _stub(await self.kube.get(_KIND, namespace, name), _KIND)
        except KubeError as error:
            if error.not_found:
                return None
            raise


def _word(item: Manifest) -> str:
    return fingerprint([item["metadata"]["uid"], item["metadata"]["resourceVersion"]])[:16]


def documents_watches(kube: Kube, namespaces: tuple[str, ...], changed: Changed) -> Documents:
    places: tuple[str | None, ...] = namespaces or (None,)
    metadata = replace(kube, metadata_only=True)
    return Documents(
        metadata, tuple(KindWatch(metadata, _KIND, place, changed, _VIEW) for place in places)
    )
