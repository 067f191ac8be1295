"""What webhooks have told of the sources, in the pipeline's schema."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import psycopg

from ragwright_api.index import queries
from ragwright_api.index.connection import Connection
from ragwright_api.index.database import Database
from ragwright_api.index.summary import read_pushes
from ragwright_api.unanswered import UnansweredError
from ragwright_core.index.connect import NoVectorError
from ragwright_core.model import fingerprint

# Of each source, so many of the latest calls are known again.
CALLS_KNOWN = 100

# Any replica may have taken a call, so that those who hold somebody ask the database.
LOOK_SECONDS = 1.0
HOLD_SECONDS = 60.0
MOST_HELD = 16


class NotPreparedError(UnansweredError):
    reason = "not_prepared"
    retry_after = 30
    words = "the first build after a webhook was added prepares the schema for it; call again then"


@dataclass(frozen=True)
class Pushes:
    database: Database

    async def write(self, source: str, call: str) -> bool:
        """Write down that the documents of a source may have changed, and return whether the call
        is a new one. Raises NotPreparedError and DatabaseUnavailableError."""

        async def write(connection: Connection) -> bool:
            parameters = {"source": source, "call": call, "known": CALLS_KNOWN}
            written = await connection.execute(queries.WRITE_PUSH, parameters)
            return await written.fetchone() is not None

        try:
            return await self.database.on_primary(write)
        except (NoVectorError, psycopg.errors.UndefinedTable):
            raise NotPreparedError from None

    async def words(self) -> dict[str, str]:
        """For each source a word that each new call changes. Raises DatabaseUnavailableError."""
        try:
            return await self.database.on_primary(read_pushes)
        except NoVectorError:
            return {}


@dataclass(frozen=True)
class PushWatch:
    """Holds whoever wants to know of the next push, at most MOST_HELD at once."""

    words: Callable[[], Awaitable[dict[str, str]]]
    stopping: Callable[[], bool]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    _held: set[object] = field(default_factory=set)

    async def wait(self, after: str) -> None:
        """Return when `tag` is another than `after`, or after HOLD_SECONDS. Raises
        DatabaseUnavailableError."""
        if len(self._held) >= MOST_HELD:
            return
        held, until = object(), self.clock() + HOLD_SECONDS
        self._held.add(held)
        try:
            while tag(await self.words()) == after:
                if self.stopping() or self.clock() >= until:
                    return
                await self.pause(LOOK_SECONDS)
        finally:
            self._held.discard(held)


def tag(words: Mapping[str, str]) -> str:
    """Another one after each push."""
    return fingerprint(dict(words))[:16]
