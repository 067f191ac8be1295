"""A kind cluster: three calls. Not run in CI, which has no docker daemon."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from dev.cluster.base import ClusterError, Images, cache_folder

NAME = "ragwright"
IMAGE = "localhost/ragwright:dev"


@dataclass(frozen=True)
class KindCluster:
    why: str
    daemon: str
    disposable: bool = True

    def up(self) -> None:
        if NAME not in self._run("kind", "get", "clusters").split():
            self._kind("create", "cluster", "--name", NAME, "--wait", "180s")
        self._kind("export", "kubeconfig", "--name", NAME)

    def down(self) -> None:
        self._kind("delete", "cluster", "--name", NAME)

    def images(self) -> Images:
        self._run(self.daemon, "build", "--tag", IMAGE, ".")
        archive = cache_folder() / "kind-image.tar"
        archive.parent.mkdir(parents=True, exist_ok=True)
        self._run(self.daemon, "save", "--output", str(archive), IMAGE)
        self._kind("load", "image-archive", str(archive), "--name", NAME)
        return Images(ragwright=IMAGE)

    def env(self) -> Mapping[str, str]:
        return {
            **os.environ,
            "KUBECONFIG": str(cache_folder() / "kind-kubeconfig"),
            "KIND_EXPERIMENTAL_PROVIDER": self.daemon,
        }

    def _kind(self, *arguments: str) -> None:
        self._run("kind", *arguments)

    def _run(self, *command: str) -> str:
        """Run a command whose progress goes to the terminal by stderr. Raises ClusterError."""
        done = subprocess.run(
            command, env=self.env(), stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise ClusterError(f"{' '.join(command[:2])} failed with exit code {done.returncode}")
        return done.stdout
