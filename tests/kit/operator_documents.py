"""The ConfigMaps of documents in the small Kubernetes in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Documents:
    """`documents` tell ConfigMaps of sources from changed ones, of which a silent watch shows
    `shown` instead."""

    documents: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] | None = None

    def seen_documents(self, namespace: str, names: Iterable[str]) -> dict[str, str]:
        del namespace
        seen = self.documents if self.shown is None else self.shown
        return {name: seen[name] for name in names if name in seen}

    async def read_documents(self, namespace: str, names: Sequence[str]) -> dict[str, str]:
        del namespace
        found = {name: self.documents[name] for name in names if name in self.documents}
        if self.shown is not None:
            self.shown.update(found)
        return found
