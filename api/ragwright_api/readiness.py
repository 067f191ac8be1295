"""What a pod waits for before questions may come to it."""

from __future__ import annotations

import asyncio
from typing import Any

from ragwright_api.errors import UnansweredError
from ragwright_api.lease import LiveVersion
from ragwright_api.logs import place
from ragwright_api.service import Service
from ragwright_api.settings import NotMountedError, Settings

PAUSE_SECONDS = 0.5


class Readiness:
    """Once ready, a pod stays so until it shuts down: it does not fall with Postgres or Redis, or
    nobody would be left to say so."""

    def __init__(self, settings: Settings, service: Service, log: Any) -> None:
        self._settings = settings
        self._service = service
        self._log = log
        self._waits_for: str | None = "the process is starting"
        self._stopping = False

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        self._stopping = True

    def problem(self) -> str | None:
        """Why no question should come, in words."""
        return "shutting down" if self._stopping else self._waits_for

    def note(self) -> str | None:
        """What is amiss although questions are answered."""
        problem = self._service.cache.problem()
        return f"answers are not cached: {problem}" if problem else None

    async def get_ready(self) -> None:
        """Confirm the pointer once and load the live version's model; tried until both worked."""
        while True:
            if await self._has_model():
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _has_model(self) -> bool:
        """Whether the live version's model is in memory. Before the first version there is none:
        the pod is ready then, and the model is loaded when it is known."""
        try:
            version = await self._live_version()
            if version is not None:
                await self._service.retrieval.embedder(version.descriptor.embedding)
        except (NotMountedError, UnansweredError) as error:
            self._tell(str(error))
            return False
        except Exception as error:
            self._log.error("fault", **place(error))
            self._tell(f"a fault ({type(error).__name__}): see the log")
            return False
        self._tell(None)
        return version is not None

    async def _live_version(self) -> LiveVersion | None:
        """Raises NotMountedError naming a Secret that is not mounted, or UnansweredError."""
        self._settings.database_url()
        self._settings.require(self._settings.serve.llm.secret_ref)
        lease = await self._service.reader.lease(self._service.clock())
        if lease.version is not None:
            self._settings.require(lease.version.descriptor.embedding.secret_ref)
        return lease.version

    def _tell(self, problem: str | None) -> None:
        if self._waits_for is not None and problem != self._waits_for:
            self._waits_for = problem
            self._log.info("ready" if problem is None else "not ready", waits_for=problem)
