"""Rows 4 to 6: the API server is away, or answers with errors."""

from __future__ import annotations

import pytest

from dev.cluster.embedded.cluster import EmbeddedCluster
from dev.kubectl import until
from tests.conftest import Holds
from tests.kit.faults.breaking import answers, ends_with_error, silent, some
from tests.kit.faults.calls import Bend, Call
from tests.kit.faults.kubelet import WATCHER_ENDS
from tests.kit.faults.pods import hold
from tests.kit.faults.stage import Stage
from tests.kit.faults.table import Record

# What the operator may say of an API server that does not answer as it should.
UNANSWERED = (
    r"round failed|watch begins anew|Request attempt|Watching|Cannot connect|"
    r"Failed to watch|stopped watching|disconnect|retry|Retry"
)


@pytest.mark.row(4, "API server away in the middle of a build")
def test_api_server_away(stage: Stage, record: Record, holds: Holds) -> None:
    cluster = stage.space.installed.cluster
    if not isinstance(cluster, EmbeddedCluster):
        pytest.skip("the API server of this cluster is not ours to stop")
    with stage.row(record, builds=1, allowed=UNANSWERED) as seen:
        live = stage.ask_for(stage.revision + 1)
        until(stage.jobs, 30, "the load Job")
        with cluster.without_api_server():
            asked = seen.reader.asked
            hold(holds.api_server_away)
            record.at_least(
                "asked meanwhile", seen.reader.asked - asked, 40 * holds.api_server_away
            )
        # Kubernetes' own watches pause for up to 50 s before they begin anew, and the Job's pod
        # needs three of them: it was seen to be made 80 s after the API server was back.
        stage.until_swapped(live, 180)


@pytest.mark.row(5, "410, then ERROR 500 in every watch")
def test_error_in_the_watch(stage: Stage, record: Record) -> None:
    """500 ends kopf's watch for ever: the liveness probe must notice."""
    with stage.row(record, builds=1, allowed=f"{UNANSWERED}|{WATCHER_ENDS}"):
        live = stage.ask_for(stage.revision + 1)
        for status in (410, 500):
            with stage.proxy.bent(ends_with_error(status)):
                hold(3)
        stage.until_swapped(live, 60)


@pytest.mark.row(5, "silent watches")
def test_silent_watches(stage: Stage, record: Record, holds: Holds) -> None:
    with stage.row(record, builds=1, allowed=UNANSWERED):
        with stage.proxy.bent(silent):
            live = stage.ask_for(stage.revision + 1)
            hold(holds.silent_stream)
        stage.until_swapped(live, 60)


@pytest.mark.row(5, "forbidden for a while, and too many requests")
@pytest.mark.parametrize("status", [403, 429])
def test_refused_for_a_while(stage: Stage, record: Record, holds: Holds, status: int) -> None:
    calls: list[Call] = []

    def every(call: Call) -> bool:
        calls.append(call)
        return call.sub != "proxy"

    with stage.row(record, builds=1, allowed=UNANSWERED):
        with (
            stage.proxy.broken(answers(status, every, Retry_After="3")),
            stage.proxy.bent(*no_bend()),
        ):
            live = stage.ask_for(stage.revision + 1)
            hold(holds.forbidden)
        record.at_most("calls a second", len(calls) / holds.forbidden, 5)
        stage.until_swapped(live, 90)


def no_bend() -> tuple[Bend, ...]:
    """Nothing is bent, but the watches begin anew: and meet the refusal."""
    return ()


@pytest.mark.row(6, "409 for a third of the writes, and 422 for a quarter")
def test_conflicts(stage: Stage, record: Record) -> None:
    def of_ours(call: Call) -> bool:
        return call.writes and call.sub != "proxy"

    allowed = f"{UNANSWERED}|step refused"
    with stage.row(record, builds=1, allowed=allowed):
        with stage.proxy.broken(some(1 / 3, 409, of_ours), some(1 / 4, 422, of_ours, seed=2)):
            first = len(stage.proxy.writes)
            # Half of all writes are refused, and pauses grow with 422s in a row: 40 s in the
            # median, 107 s once in a hundred builds, 220 s once in a thousand.
            stage.until_swapped(stage.ask_for(stage.revision + 1), 240)
            writes = stage.proxy.writes[first:]
        rate = len(writes) / (writes[-1].at - writes[0].at)
        record.at_most("writes a second", round(rate, 1), 3)
