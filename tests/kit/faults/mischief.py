"""The faults of a chaos run, by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from dev.kubectl import KubectlError, until
from tests.kit.faults.breaking import answers, ends_with_error
from tests.kit.faults.calls import Call
from tests.kit.faults.kubelet import Operator
from tests.kit.faults.pods import hold, pods_of
from tests.kit.faults.reader import Reader
from tests.kit.faults.stage import Stage

_NOW = ("--grace-period=0", "--force", "--wait=false")
Mischief = Callable[[Stage, Reader], None]


def _operator_killed(stage: Stage, _: Reader) -> None:
    stage.operator.kill()


def _second_operator(stage: Stage, _: Reader) -> None:
    other = Operator(
        stage.proxy.url, stage.operator.environment, stage.operator.folder, name="second"
    )
    with other.kept():
        other.until_at_work()
        hold(5)


def _answers(status: int) -> Mischief:
    def mischief(stage: Stage, _: Reader) -> None:
        with stage.proxy.broken(answers(status, _writes)):
            hold(4)

    return mischief


def _watches_end(stage: Stage, _: Reader) -> None:
    with stage.proxy.bent(ends_with_error(500)):
        hold(3)


def _watches_cut(stage: Stage, _: Reader) -> None:
    stage.proxy.cut()


def _killed_at_once(*components: str) -> Mischief:
    def mischief(stage: Stage, _: Reader) -> None:
        for component in components:
            for pod in pods_of(stage, component)[:1]:
                with suppress(KubectlError):  # it has ended in the meantime
                    stage.space("delete", "pod", pod, *_NOW)

    return mischief


def _api_pod_killed(stage: Stage, _: Reader) -> None:
    """Pods end gracefully and one at a time, because killing more is an outage by any measure."""
    for pod in pods_of(stage, "api")[:1]:
        stage.space("delete", "pod", pod, "--wait=false")
    stage.space("rollout", "status", f"deploy/{stage.names.api}", "--timeout=120s")


def _postgres_killed(stage: Stage, reader: Reader) -> None:
    """No new question can be answered meanwhile. That is excused, but a mixed answer is not."""
    reader.excusing = True
    stage.space("delete", "pod", f"{stage.names.postgres}-0", *_NOW)
    excused: list[int] = []

    def answers_again() -> bool:
        excused.append(reader.excused)
        return len(excused) > 4 and excused[-1] == excused[-4]

    until(lambda: stage.space.state(stage.name).ready, 120, "the database to be back")
    until(answers_again, 120, "answers", pause=1)
    reader.excusing = False


def _spec_there_and_back(stage: Stage, _: Reader) -> None:
    usual = stage.get()["spec"].get("chunking", {}).get("maxCharacters", 1200)
    stage.patch(chunking={"maxCharacters": usual + 100})
    hold(2)
    stage.patch(chunking={"maxCharacters": usual})


def _pinned_and_let_go(stage: Stage, reader: Reader) -> None:
    """Pin the previous version while the next one is built, so that older answers are right."""
    previous = stage.space.state(stage.name).status.get("index", {}).get("previous")
    if previous is None:
        return
    reader.reported = 0
    stage.pins += 1
    stage.patch(reindex={"pin": previous["number"]})
    hold(4)
    stage.patch(reindex={"pin": None})


def _writes(call: Call) -> bool:
    return call.writes


MISCHIEF: Mapping[str, Mischief] = {
    "operator killed": _operator_killed,
    "second operator": _second_operator,
    "API server answers 409": _answers(409),
    "API server answers 500": _answers(500),
    "watches end with an error": _watches_end,
    "watches cut": _watches_cut,
    "Job pod killed": _killed_at_once("load", "index"),
    "API pod killed": _api_pod_killed,
    "Redis pod killed": _killed_at_once("redis"),
    "Postgres pod killed": _postgres_killed,
    "spec changed there and back": _spec_there_and_back,
    "pinned and let go": _pinned_and_let_go,
}
