"""A kind cluster: three calls. Not run in CI, which has no docker daemon."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from dev.cluster.base import Images, cache_folder

NAME = "ragwright"
IMAGE = "localhost/ragwright:dev"


@dataclass(frozen=True)
class KindCluster:
    why: str
    daemon: str

    def up(self) -> None:
        clusters = subprocess.run(
            ["kind", "get", "clusters"], capture_output=True, text=True, check=True
        ).stdout.split()
        if NAME not in clusters:
            self._kind("create", "cluster", "--name", NAME, "--wait", "180s")
        self._kind("export", "kubeconfig", "--name", NAME)

    def down(self) -> None:
        self._kind("delete", "cluster", "--name", NAME)

    def images(self) -> Images:
        subprocess.run([self.daemon, "build", "--tag", IMAGE, "."], check=True)
        archive = cache_folder() / "kind-image.tar"
        archive.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([self.daemon, "save", "--output", str(archive), IMAGE], check=True)
        self._kind("load", "image-archive", str(archive), "--name", NAME)
        return Images(ragwright=IMAGE)

    def env(self) -> Mapping[str, str]:
        return {**os.environ, "KUBECONFIG": str(cache_folder() / "kind-kubeconfig")}

    def _kind(self, *arguments: str) -> None:
        provider = {"KIND_EXPERIMENTAL_PROVIDER": self.daemon}
        subprocess.run(["kind", *arguments], env={**self.env(), **provider}, check=True)
