"""A Job that stalls in mid-swap and wakes after a rollback: it must change nothing."""

from __future__ import annotations

import signal

from dev.kubectl import until
from dev.stack import Stack
from ragwright_core.contract import EXIT_INPUT
from ragwright_core.spec import RagPipelineSpec


def wake_too_late(stack: Stack, spec: RagPipelineSpec, request: str, back_to: int) -> int:
    """Of a loaded request: stop its index Job at the swap, roll back, and let it go on. Returns
    how many things went otherwise than they should (0: none)."""
    with stack.connect() as holder, holder.transaction():
        holder.execute("SELECT 1 FROM live FOR UPDATE")
        job = stack.start_build("index", spec, request)
        until(lambda: _waits(stack), 60, "the swap to wait for the live row", pause=0.01)
        job.process.send_signal(signal.SIGSTOP)
    stack.start_swap(back_to, spec).finish()
    before = _pointer(stack)
    job.process.send_signal(signal.SIGCONT)
    job.process.wait(timeout=60)
    return int(_pointer(stack) != before) + int(job.process.returncode != EXIT_INPUT)


def _waits(stack: Stack) -> bool:
    with stack.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND query LIKE '%UPDATE live SET number%'"
        ).fetchone()
    return row is not None and row[0] != 0


def _pointer(stack: Stack) -> tuple[object, ...] | None:
    with stack.connect() as connection:
        return connection.execute("SELECT number, term FROM live").fetchone()
