"""The interface of every kind of cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ClusterError(Exception):
    """No cluster could be started. The message says why, and which command corrects it."""


class NoClusterError(ClusterError):
    """This machine has none and can have none: one sentence for each thing that is missing."""


@dataclass(frozen=True)
class Images:
    """References under which the cluster finds its images; empty means the chart's default."""

    ragwright: str
    postgres: str = ""
    redis: str = ""


class Cluster(Protocol):
    """A cluster that the demo and the tests may use."""

    @property
    def why(self) -> str:
        """The reason for this choice, in a sentence."""
        ...

    @property
    def disposable(self) -> bool:
        """Whether the cluster is ours alone, and may be stopped with everything in it."""
        ...

    def up(self) -> None:
        """Start the cluster, which is quick when it runs already. Raises ClusterError."""

    def down(self) -> None:
        """Remove everything that `up` made."""

    def images(self) -> Images:
        """Build the images if they are ours to build, and bring them into the cluster."""
        ...

    def env(self) -> Mapping[str, str]:
        """The environment in which kubectl and helm reach it."""
        ...


def cache_folder() -> Path:
    """The folder for everything that should be downloaded or compiled only once per machine."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "ragwright"
