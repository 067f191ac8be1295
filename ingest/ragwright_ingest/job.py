"""The context in which the steps of a command work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ragwright_core.index.versions import mark_lost
from ragwright_core.orders import BuildOrder, SwapOrder
from ragwright_ingest.database import Connection, open_database, reconnect
from ragwright_ingest.surroundings import Surroundings


@dataclass(frozen=True)
class Job:
    """A Job whose database is open. `override` names gates whose failure a person has accepted.
    `seconds` (by phase) and `warnings` are collected for the report."""

    order: BuildOrder | SwapOrder
    around: Surroundings
    connection: Connection
    pgvector: tuple[int, ...]
    override: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def schema(self) -> str:
        return self.order.pipeline.names.schema

    def reconnect(self) -> Connection:
        return reconnect(self.around.stores.database_url, self.order.pipeline)

    @contextmanager
    def measured(self, phase: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + time.monotonic() - began, 2)


@contextmanager
def opened(
    order: BuildOrder | SwapOrder, around: Surroundings, override: tuple[str, ...] = ()
) -> Iterator[Job]:
    """Open the database for a Job. Raises ProblemError, also for DATABASE_UNAVAILABLE."""
    connection, pgvector = open_database(around.stores.database_url, order.pipeline, around.cut_off)
    with connection:
        mark_lost(connection)
        warnings = list(around.stores.warnings)
        yield Job(order, around, connection, pgvector, override, warnings=warnings)
