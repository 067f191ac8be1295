"""Decides when a pod is ready for questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ragwright_api.index.lease import LiveReader, LiveVersion
from ragwright_api.retrieval.embedders import Embedders
from ragwright_api.settings import Settings
from ragwright_api.unanswered import UnansweredError
from ragwright_core.problems import place
from ragwright_core.stores import NotMountedError

PAUSE_SECONDS = 0.5


class Readiness:
    """A pod that is ready stays ready until it shuts down, even if Postgres or Redis fails:
    otherwise no pod would be left to report the failure to callers."""

    def __init__(
        self,
        settings: Settings,
        reader: LiveReader,
        embedders: Embedders,
        cache_problem: Callable[[], str | None],
        log: Any,
    ) -> None:
        """`cache_problem` says why nothing is cached at present."""
        self._settings = settings
        self._reader = reader
        self._embedders = embedders
        self._cache_problem = cache_problem
        self._log = log
        self._waits_for: str | None = "the process is starting"
        self._stopping = False

    @property
    def stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        self._stopping = True

    def problem(self) -> str | None:
        """Why the pod is not ready, in words."""
        return "shutting down" if self._stopping else self._waits_for

    def note(self) -> str | None:
        """A problem that does not prevent answers."""
        problem = self._cache_problem()
        return f"answers are not cached: {problem}" if problem else None

    async def get_ready(self) -> None:
        """Read the pointer once and load the live version's model. Repeated until both worked."""
        while True:
            if await self._has_model():
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _has_model(self) -> bool:
        """Whether the live version's model is in memory. Before the first version there is no
        model: the pod is ready then, and loads the model when the version is known."""
        try:
            version = await self._live_version()
            if version is not None:
                await self._embedders.get(version.descriptor.embedding)
        except (NotMountedError, UnansweredError) as error:
            self._tell(str(error))
            return False
        except Exception as error:
            self._log.error("fault", **place(error))
            self._tell(f"a fault ({type(error).__name__}): see the log")
            return False
        self._tell(None)
        if version is not None and version.ignored:
            self._log.warning("fields of another release", of="descriptor", fields=version.ignored)
        return version is not None

    async def _live_version(self) -> LiveVersion | None:
        """Raises NotMountedError naming a Secret that is not mounted, or UnansweredError."""
        self._settings.database_url()
        self._settings.require(self._settings.serve.llm.secret_key_ref)
        lease = await self._reader.lease_now()
        if lease.version is not None:
            self._settings.require(lease.version.descriptor.embedding.secret_ref)
        return lease.version

    def _tell(self, problem: str | None) -> None:
        if self._waits_for is not None and problem != self._waits_for:
            self._waits_for = problem
            self._log.info("ready" if problem is None else "not ready", waits_for=problem)
