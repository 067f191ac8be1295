"""What every kind of cluster offers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class ClusterError(Exception):
    """A cluster could not be had; the message says why and which command mends it."""


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
        """Whether it is ours alone, and may be stopped with all that is in it."""
        ...

    def up(self) -> None:
        """Make it run; quick when it runs already. Raises ClusterError."""

    def down(self) -> None:
        """Take away what `up` made."""

    def images(self) -> Images:
        """Build the images where that is ours to do, and bring them into the cluster."""
        ...

    def env(self) -> Mapping[str, str]:
        """The environment in which kubectl and helm reach it."""
        ...


def cache_folder() -> Path:
    """Where everything is kept that only a new machine should pay for."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "ragwright"
