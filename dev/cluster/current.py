"""The cluster in KUBECONFIG. It belongs to the user, so we remove only objects with our labels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from dev.cluster.base import Images


@dataclass(frozen=True)
class CurrentCluster:
    why: str
    image: str
    disposable: bool = False

    def up(self) -> None:
        """Do nothing, because the cluster runs already."""

    def down(self) -> None:
        """Do nothing, because the cluster is not ours."""

    def images(self) -> Images:
        return Images(ragwright=self.image)

    def env(self) -> Mapping[str, str]:
        return os.environ
