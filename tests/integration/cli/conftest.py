"""`kubectl rag` in this process, against an API server over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ragwright_cli.app import run
from tests.kit.argocd import SCENES
from tests.kit.kube_api import KubeApi, served


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@dataclass
class Desk:
    """Where a person types commands. `env` has the kubeconfig of the API server."""

    api: KubeApi
    env: dict[str, str]
    read: Callable[[], tuple[str, str]]

    def __call__(self, *arguments: str) -> Said:
        self.read()
        with pytest.raises(SystemExit) as ended:
            run([*arguments, "--kubeconfig", self.env["KUBECONFIG"]])
        return Said(int(ended.value.code or 0), *self.read())


Sit = Callable[..., Desk]


@pytest.fixture
def sit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Sit]:
    """A desk before a scene of the operator's tests."""
    with ExitStack() as stack:

        def sit_before(scene: str, **more: Any) -> Desk:
            api = KubeApi(asyncio.run(SCENES[scene]()), **more)  # type: ignore[arg-type]
            config = stack.enter_context(served(api, tmp_path))
            return Desk(api, {**os.environ, "KUBECONFIG": str(config)}, capsys.readouterr)

        yield sit_before
