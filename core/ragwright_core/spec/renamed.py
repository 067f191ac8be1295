"""Fields of the spec that had another name in early builds. Nothing reads the old names. They are
listed so that a resource with an old name is refused with a message: the API server would drop the
unknown field, and a pipeline that names its database would seem to name none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Renamed:
    """`said` goes behind the new name. `defaulted`: the API server sets a value if the user wrote
    none. `without`: if one of these fields of the group is set, the old one is not missed."""

    group: str
    old: str
    new: str
    said: str = ""
    defaulted: bool = False
    without: tuple[tuple[str, str | None], ...] = ()

    def __str__(self) -> str:
        return f"spec.{self.group}.{self.old} is now called {self.new}{self.said}"


_OWN_SERVER = (("managed", None),)
RENAMED = (
    Renamed("database", "secretRef", "secretKeyRef", without=_OWN_SERVER),
    Renamed("database", "readOnlySecretRef", "readOnlySecretKeyRef", without=_OWN_SERVER),
    Renamed("database", "pooledSecretRef", "pooledSecretKeyRef", without=_OWN_SERVER),
    Renamed("cache", "secretRef", "secretKeyRef", without=_OWN_SERVER),
    Renamed("embedding", "secretRef", "secretKeyRef", without=(("provider", "embedded"),)),
    Renamed("llm", "secretRef", "secretKeyRef", without=(("provider", "extractive"),)),
    Renamed("retrieval", "adjacentWeight", "adjacentShare", ", in percent", defaulted=True),
    Renamed("retrieval", "scoreThreshold", "minScore", ", in percent", defaulted=True),
    Renamed(
        "cache",
        "inProcessMebibytes",
        "inProcessMemory",
        ", a quantity such as 32Mi",
        defaulted=True,
    ),
)
