"""The cluster in KUBECONFIG. It is the person's: only labelled objects are ours to remove."""

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
        """It runs already."""

    def down(self) -> None:
        """It is not ours to stop."""

    def images(self) -> Images:
        return Images(ragwright=self.image)

    def env(self) -> Mapping[str, str]:
        return os.environ
