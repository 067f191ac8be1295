"""The ConfigMaps that may hold documents: whether they changed, and never their text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ragwright_core.model import fingerprint
from ragwright_operator.desired.target import MANAGED_BY, MANAGED_BY_LABEL, Manifest
from ragwright_operator.effects.kube import Kube
from ragwright_operator.effects.watch import Changed, KindWatch, View

_KEPT = ("name", "namespace", "uid", "resourceVersion")


def _stub(item: Manifest, kind: str) -> Manifest:
    metadata = {key: item["metadata"][key] for key in _KEPT}
    return {"kind": kind, "metadata": metadata}


def _name(item: Manifest) -> str:
    return str(item["metadata"]["name"])


_VIEW = View(f"{MANAGED_BY_LABEL}!={MANAGED_BY}", _stub, _name)


@dataclass(frozen=True)
class Documents:
    watches: tuple[KindWatch, ...]

    def versions(self, namespace: str, names: Iterable[str]) -> dict[str, str]:
        """A word for each of these ConfigMaps that changes whenever it does. One that does not
        exist has none."""
        found = {
            name: item["metadata"]
            for name in names
            for watch in self.watches
            if (item := watch.objects.get((namespace, name)))
        }
        return {
            name: fingerprint([metadata["uid"], metadata["resourceVersion"]])[:16]
            for name, metadata in found.items()
        }


def documents_watches(kube: Kube, namespaces: tuple[str, ...], changed: Changed) -> Documents:
    places: tuple[str | None, ...] = namespaces or (None,)
    metadata = replace(kube, metadata_only=True)
    return Documents(
        tuple(KindWatch(metadata, "ConfigMap", place, changed, _VIEW) for place in places)
    )
