"""What runs around the rounds: pace, waking, liveness, handlers, the program's start."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import kopf
import pytest

from ragwright_core.names import FINALIZER, PipelineName
from ragwright_core.spec import KIND
from ragwright_operator.effects.children import VIEW
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.watch import WATCH_SECONDS, KindWatch
from ragwright_operator.running.handlers import Handlers, configure
from ragwright_operator.running.liveness import STARTING_SECONDS, Liveness
from ragwright_operator.running.reconcile import Round
from ragwright_operator.running.registry import Registry
from ragwright_operator.running.rounds import (
    CHANGES_TO_SLOW,
    RESTLESS_PAUSE,
    SHORTEST_PAUSE,
    Pace,
    Rounds,
)
from ragwright_operator.telemetry.metrics import make_metrics
from ragwright_operator.telemetry.strangers import Strangers
from tests.kit.operator import apply, reconciler
from tests.kit.operator_world import NAME, NAMESPACE, World


class Script:
    """Stands in for a Reconciler: each round does what the script says."""

    def __init__(self, *rounds: Round | Exception | None) -> None:
        self.rounds = list(rounds)
        self.begun = asyncio.Event()
        self.strangers = Strangers()

    async def reconcile(self, namespace: str, name: str) -> Round | None:
        assert (namespace, name) == (NAMESPACE, NAME)
        self.begun.set()
        made = self.rounds.pop(0)
        if isinstance(made, Exception):
            raise made
        return made


def rounds_of(script: Any, resync: float = 30) -> Rounds:
    return Rounds(script, Registry(), make_metrics(), resync, failure_pause=0.01)


def counted(made: Rounds, outcome: str) -> float:
    name = "ragwright_reconciles_total"
    return made.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


async def test_rounds_go_on_after_failures_and_end_with_the_pipeline() -> None:
    script = Script(KubeError(503, "", "away"), ValueError("a bug"), Round(changed=True), None)
    rounds = rounds_of(script)
    await asyncio.wait_for(rounds.run(NAMESPACE, NAME), 30)
    assert script.rounds == []
    assert (counted(rounds, "failed"), counted(rounds, "changed"), counted(rounds, "gone")) == (
        2,
        1,
        1,
    )


async def test_an_event_of_a_child_wakes_its_pipeline_at_once() -> None:
    script = Script(Round(changed=False), None)
    rounds = rounds_of(script, resync=3000)
    running = asyncio.create_task(rounds.run(NAMESPACE, NAME))
    await script.begun.wait()
    rounds.registry.wake(NAMESPACE, NAME)
    await asyncio.wait_for(running, 5)


async def test_what_is_not_registered_is_not_woken_and_the_end_is_counted() -> None:
    rounds = rounds_of(Script(None))
    rounds.registry.wake(NAMESPACE, "stranger")
    assert len(rounds.registry) == 0
    await rounds.run(NAMESPACE, NAME)
    rounds.end(NAMESPACE, NAME)
    rounds.end(NAMESPACE, NAME)
    assert rounds.metrics.registry.get_sample_value("ragwright_pipelines") == 0


class LongRound:
    """Stands in for a Reconciler: a round ends when it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def reconcile(self, namespace: str, name: str) -> Round:
        del namespace, name
        self.begun.set()
        await self.let_go.wait()
        self.ended.set()
        return Round(changed=False)


async def _listed() -> None:
    """Every kind has been listed."""


async def test_rounds_that_are_to_stop_end_after_this_one() -> None:
    """Else kopf waits for five seconds, says so aloud, and cancels a round in the middle."""
    long, asked = LongRound(), asyncio.Event()
    handlers = Handlers(rounds_of(long, resync=3000), _listed, list)
    stopped: Any = asked
    running = asyncio.create_task(handlers.run(namespace=NAMESPACE, name=NAME, stopped=stopped))
    await long.begun.wait()
    asked.set()
    await asyncio.sleep(0)
    long.let_go.set()
    await asyncio.wait_for(running, 2)
    assert long.ended.is_set()


def _watch() -> KindWatch:
    return KindWatch(World(), "Pod", None, lambda *_: None, VIEW)  # type: ignore[arg-type]


async def _forever() -> None:
    await asyncio.Event().wait()


async def test_liveness_sees_what_has_stopped() -> None:
    watch = _watch()
    ours = asyncio.create_task(_forever(), name="watch of Pod")
    kopfs = asyncio.create_task(_forever(), name="watcher for ragpipelines.v1alpha1.ragwright.dev")
    await asyncio.sleep(0)
    dead = Liveness([watch], [ours]).dead
    assert dead() == []

    watch.heard_at = monotonic() - 10 * WATCH_SECONDS
    assert dead() == ["nothing was heard of Pod for long"]
    watch.heard_at = monotonic()

    for task in (kopfs, ours):
        task.cancel()
    await asyncio.gather(ours, kopfs, return_exceptions=True)
    assert dead() == ["watch of Pod has ended", "ragpipelines are not watched"]


async def test_liveness_gives_kopf_time_to_begin() -> None:
    now = 100.0
    liveness = Liveness([], [], clock=lambda: now)
    assert liveness.dead() == []
    now += STARTING_SECONDS
    assert liveness.dead() == ["ragpipelines are not watched"]


async def _ready() -> None:
    pass


async def test_a_pipeline_with_webhooks_is_listened_to_until_it_is_gone() -> None:
    listened: list[tuple[PipelineName, bool]] = []
    rounds = rounds_of(Script(Round(changed=True, listens=True), None))
    rounds.listen = lambda *told: listened.append(told)
    await asyncio.wait_for(rounds.run(NAMESPACE, NAME), 30)
    pipeline = PipelineName(NAMESPACE, NAME)
    assert listened == [(pipeline, True), (pipeline, False)]


async def test_the_probe_fails_in_words() -> None:
    rounds = rounds_of(Script())
    assert await Handlers(rounds, _ready, list).probe() == "ok"
    with pytest.raises(kopf.PermanentError, match="watch of Pod has ended"):
        await Handlers(rounds, _ready, lambda: ["watch of Pod has ended"]).probe()


async def test_the_delete_handler_waits_by_temporary_errors() -> None:
    world = apply()
    world.objects[KIND, NAME]["spec"] |= {
        "database": {"secretKeyRef": {"name": "cnpg"}},
        "deletionPolicy": "Delete",
    }
    rounds = Rounds(reconciler(world), Registry(), make_metrics(), 30)
    handlers = Handlers(rounds, _ready, list)
    body = kopf.Body(world.objects[KIND, NAME])  # type: ignore[arg-type]
    given: dict[str, Any] = {"body": body, "namespace": NAMESPACE, "name": NAME}
    with pytest.raises(kopf.TemporaryError, match="docs-cleanup"):
        await handlers.delete(**given, runtime=timedelta(seconds=1))
    world.settle()
    await handlers.delete(**given, runtime=timedelta(seconds=2))
    assert len(rounds.registry) == 0


def test_kopf_is_set_as_measured() -> None:
    settings = kopf.OperatorSettings()
    configure(settings)
    assert settings.peering.standalone
    assert settings.persistence.finalizer == FINALIZER
    assert settings.queueing.idle_timeout == 0.1
    assert not settings.posting.enabled
    long = {"spec": {"sources": ["x" * 300_000]}, "metadata": {"labels": {"a": "b"}}}
    essence = settings.persistence.diffbase_storage.build(body=kopf.Body(long))  # type: ignore[arg-type]
    assert len(str(essence)) < 100, "an annotation holds 262,144 bytes at most"


def test_the_program_says_what_is_missing() -> None:
    program = Path(sys.executable).parent / "ragwright-operator"
    done = subprocess.run([program], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "RAGWRIGHT_IMAGE is not set" in done.stderr
    helped = subprocess.run([program, "--help"], capture_output=True, text=True, check=True)
    assert "RAGWRIGHT_RESYNC_SECONDS" in helped.stdout


def test_a_refused_round_waits_as_long_as_it_was_asked_to() -> None:
    pace = Pace(failure_pause=1.0)
    assert pace.after(KubeError(429, "TooManyRequests", "later", retry_after=30)) == 30
    assert 1.6 <= pace.after(KubeError(429, "TooManyRequests", "later")) <= 2.4, "growing"
    assert pace.after(Round(changed=True)) == SHORTEST_PAUSE
    assert 0.8 <= pace.after(None) <= 1.2, "one that went well ends the growth"


def test_conflicts_in_a_row_do_not_make_a_pipeline_wait_longer_and_longer() -> None:
    pace = Pace(failure_pause=1.0)
    conflict = KubeError(409, "Conflict", "the object has been modified")
    assert {pace.after(conflict) for _ in range(10)} == {RESTLESS_PAUSE}
    assert 0.8 <= pace.after(KubeError(422, "Invalid", "no")) <= 1.2


def test_a_pipeline_that_finds_no_rest_is_slowed_down() -> None:
    pace = Pace(failure_pause=1.0)
    pauses = [pace.after(Round(changed=True)) for _ in range(CHANGES_TO_SLOW + 1)]
    assert set(pauses[:-1]) == {SHORTEST_PAUSE}
    assert pauses[-1] == RESTLESS_PAUSE
    pace.after(Round(changed=False))
    assert pace.after(Round(changed=True)) == SHORTEST_PAUSE
    assert pace.after(Round(changed=True, refused=True)) == RESTLESS_PAUSE
