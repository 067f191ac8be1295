"""What runs around the rounds: care, waking, liveness, handlers, the program's start."""

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

from ragwright_core.names import FINALIZER
from ragwright_core.spec import KIND
from ragwright_operator.caring import (
    CHANGES_TO_SLOW,
    RESTLESS_PAUSE,
    SHORTEST_PAUSE,
    Caretaker,
    Pace,
)
from ragwright_operator.effects.kube import KubeError
from ragwright_operator.effects.watch import WATCH_SECONDS, Children, KindWatch
from ragwright_operator.handlers import Handlers, configure
from ragwright_operator.liveness import STARTING_SECONDS, Liveness
from ragwright_operator.metrics import make_metrics
from ragwright_operator.pipelines import Pipelines
from ragwright_operator.reconcile import Round
from tests.operator_kit import NAME, NAMESPACE, World, apply, reconciler


class Script:
    """Stands in for a Reconciler: each round does what the script says."""

    def __init__(self, *rounds: Round | Exception | None) -> None:
        self.rounds = list(rounds)
        self.begun = asyncio.Event()

    async def reconcile(self, namespace: str, name: str) -> Round | None:
        assert (namespace, name) == (NAMESPACE, NAME)
        self.begun.set()
        made = self.rounds.pop(0)
        if isinstance(made, Exception):
            raise made
        return made


def caretaker(script: Any, resync: float = 30) -> Caretaker:
    return Caretaker(script, Pipelines(), make_metrics(), resync, failure_pause=0.01)


def counted(care: Caretaker, outcome: str) -> float:
    name = "ragwright_reconciles_total"
    return care.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


async def test_care_goes_on_after_failures_and_ends_with_the_pipeline() -> None:
    script = Script(KubeError(503, "", "away"), ValueError("a bug"), Round(changed=True), None)
    care = caretaker(script)
    await asyncio.wait_for(care.care(NAMESPACE, NAME), 30)
    assert script.rounds == []
    assert (counted(care, "failed"), counted(care, "changed"), counted(care, "gone")) == (2, 1, 1)


async def test_an_event_of_a_child_wakes_its_pipeline_at_once() -> None:
    script = Script(Round(changed=False), None)
    care = caretaker(script, resync=3000)
    caring = asyncio.create_task(care.care(NAMESPACE, NAME))
    await script.begun.wait()
    care.pipelines.wake(NAMESPACE, NAME)
    await asyncio.wait_for(caring, 5)


async def test_what_no_one_cares_for_is_not_woken_and_the_end_is_counted() -> None:
    care = caretaker(Script(None))
    care.pipelines.wake(NAMESPACE, "stranger")
    assert len(care.pipelines) == 0
    await care.care(NAMESPACE, NAME)
    care.end(NAMESPACE, NAME)
    care.end(NAMESPACE, NAME)
    assert care.metrics.registry.get_sample_value("ragwright_pipelines") == 0


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


async def test_care_that_is_to_stop_ends_after_its_round() -> None:
    """Else kopf waits for five seconds, says so aloud, and cancels a round in the middle."""
    long, asked = LongRound(), asyncio.Event()
    handlers = Handlers(caretaker(long, resync=3000), _listed, list)
    stopped: Any = asked
    caring = asyncio.create_task(handlers.care(namespace=NAMESPACE, name=NAME, stopped=stopped))
    await long.begun.wait()
    asked.set()
    await asyncio.sleep(0)
    long.let_go.set()
    await asyncio.wait_for(caring, 2)
    assert long.ended.is_set()


def _watch() -> KindWatch:
    return KindWatch(World(), "Pod", None, lambda *_: None)  # type: ignore[arg-type]


async def _forever() -> None:
    await asyncio.Event().wait()


async def test_liveness_sees_what_has_stopped() -> None:
    watch = _watch()
    ours = asyncio.create_task(_forever(), name="watch of Pod")
    kopfs = asyncio.create_task(_forever(), name="watcher for ragpipelines.v1alpha1.ragwright.dev")
    await asyncio.sleep(0)
    dead = Liveness(Children((watch,)), [ours]).dead
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
    liveness = Liveness(Children(()), [], clock=lambda: now)
    assert liveness.dead() == []
    now += STARTING_SECONDS
    assert liveness.dead() == ["ragpipelines are not watched"]


async def _ready() -> None:
    pass


async def test_the_probe_fails_in_words() -> None:
    care = caretaker(Script())
    assert await Handlers(care, _ready, list).probe() == "ok"
    with pytest.raises(kopf.PermanentError, match="watch of Pod has ended"):
        await Handlers(care, _ready, lambda: ["watch of Pod has ended"]).probe()


async def test_the_delete_handler_waits_by_temporary_errors() -> None:
    world = apply()
    world.objects[KIND, NAME]["spec"] |= {
        "database": {"secretRef": {"name": "cnpg"}},
        "deletionPolicy": "Delete",
    }
    care = Caretaker(reconciler(world), Pipelines(), make_metrics(), 30)
    handlers = Handlers(care, _ready, list)
    body = kopf.Body(world.objects[KIND, NAME])  # type: ignore[arg-type]
    given: dict[str, Any] = {"body": body, "namespace": NAMESPACE, "name": NAME}
    with pytest.raises(kopf.TemporaryError, match="docs-cleanup"):
        await handlers.delete(**given, runtime=timedelta(seconds=1))
    world.settle()
    await handlers.delete(**given, runtime=timedelta(seconds=2))
    assert len(care.pipelines) == 0


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
    assert 3.2 <= pace.after(KubeError(429, "TooManyRequests", "later")) <= 4.8, "growing"
    assert pace.after(Round(changed=True)) == SHORTEST_PAUSE
    assert 1.6 <= pace.after(None) <= 2.4, "one that went well ends the growth"


def test_a_pipeline_that_finds_no_rest_is_slowed_down() -> None:
    pace = Pace(failure_pause=1.0)
    pauses = [pace.after(Round(changed=True)) for _ in range(CHANGES_TO_SLOW + 1)]
    assert set(pauses[:-1]) == {SHORTEST_PAUSE}
    assert pauses[-1] == RESTLESS_PAUSE
    pace.after(Round(changed=False))
    assert pace.after(Round(changed=True)) == SHORTEST_PAUSE
    assert pace.after(Round(changed=True, refused=True)) == RESTLESS_PAUSE
