"""For `helm test`: whether the resource is served, and an operator answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

import aiohttp

from ragwright_core.spec import GROUP, PLURAL, VERSION
from ragwright_operator.effects.kube import Kube, KubeError

SECONDS = 60.0
PAUSE_SECONDS = 2.0
_TIMEOUT = aiohttp.ClientTimeout(total=5)
# Every operator tells this number, also of no pipelines.
_METRIC = "ragwright_pipelines"


class CheckFailedError(Exception):
    """What is not as it should be, in words."""


@dataclass(frozen=True)
class Check:
    """`metrics` is the URL of the operator's metrics."""

    kube: Kube
    session: aiohttp.ClientSession
    metrics: str
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Look until all is well, for a minute at most. Raises CheckFailedError."""
        ends_at = self.clock() + SECONDS
        while fault := await self._fault():
            if self.clock() >= ends_at:
                raise CheckFailedError(fault)
            await self.sleep(PAUSE_SECONDS)

    async def _fault(self) -> str:
        try:
            if PLURAL not in await self.kube.served(f"apis/{GROUP}/{VERSION}"):
                return f"the API server does not serve {PLURAL} in {GROUP}/{VERSION}"
        except KubeError as error:
            return f"the API server does not serve {GROUP}/{VERSION} ({error}): apply the CRD"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"the API server cannot be reached ({type(error).__name__})"
        return await self._silence()

    async def _silence(self) -> str:
        try:
            async with self.session.get(self.metrics, timeout=_TIMEOUT) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"no operator answers at {self.metrics} ({type(error).__name__})"
        if response.status != 200 or _METRIC not in text:
            return f"what answers at {self.metrics} is no operator (HTTP {response.status})"
        return ""
