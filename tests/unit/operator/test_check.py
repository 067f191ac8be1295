"""What `helm test` finds out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ragwright_operator.effects.kube import KubeError
from ragwright_operator.running.check import Check, CheckFailedError
from ragwright_operator.telemetry.metrics import make_metrics


@dataclass
class Served:
    """Stands in for `Kube`."""

    plurals: set[str] | KubeError = field(default_factory=lambda: {"ragpipelines"})

    async def served(self, api: str) -> set[str]:
        assert api == "apis/ragwright.dev/v1alpha1"
        if isinstance(self.plurals, KubeError):
            raise self.plurals
        return self.plurals


async def checked(kube: Any, url: str) -> None:
    seconds = [0.0]

    async def sleep(pause: float) -> None:
        seconds[0] += pause

    async with aiohttp.ClientSession() as session:
        await Check(kube, session, url, lambda: seconds[0], sleep).run()


def answering(text: str, status: int = 200) -> TestServer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    app = web.Application()
    app.router.add_get("/metrics", answer)
    return TestServer(app)


def metrics_text() -> str:
    return "".join(family.name + "\n" for family in make_metrics().registry.collect())


async def test_all_is_well() -> None:
    async with answering(metrics_text()) as server:
        await checked(Served(), str(server.make_url("/metrics")))


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (Served(set()), "does not serve ragpipelines in"),
        (Served(KubeError(404, "NotFound", "")), "apply the CRD"),
    ],
)
async def test_a_crd_that_is_not_served(served: Served, words: str) -> None:
    with pytest.raises(CheckFailedError, match=words):
        await checked(served, "http://127.0.0.1:9/metrics")


async def test_an_operator_that_does_not_answer() -> None:
    with pytest.raises(CheckFailedError, match=r"no operator answers at http://127\.0\.0\.1:9/"):
        await checked(Served(), "http://127.0.0.1:9/metrics")
    for text, status in (("hello", 200), (metrics_text(), 503)):
        async with answering(text, status) as server:
            with pytest.raises(CheckFailedError, match=f"is no operator .HTTP {status}"):
                await checked(Served(), str(server.make_url("/metrics")))
