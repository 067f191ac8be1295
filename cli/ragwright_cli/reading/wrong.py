"""What is wrong with a pipeline, as its status says. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragwright_cli.pipeline import Pipeline
from ragwright_core.report import Reason
from ragwright_core.status import Condition, HistoryEntry

# The most informative first: the others often repeat its message.
_TOLD_BY_TRUE = ("Degraded", "Stalled")
_TOLD_BY_FALSE = ("Ready", "IndexReady", "ApiAvailable", "CacheAvailable")


@dataclass(frozen=True)
class Wrong:
    """`what` is wrong: conditions, a gate, or documents. `command` is what to type next; it is
    empty where the cause names one."""

    what: str
    reason: str
    cause: str
    command: str = ""


def find_wrong(pipeline: Pipeline) -> list[Wrong]:
    return [*_conditions(pipeline), *_gates(pipeline), *_documents(pipeline)]


def _conditions(pipeline: Pipeline) -> list[Wrong]:
    found: list[Wrong] = []
    for condition in _wrong_conditions(pipeline):
        for number, known in enumerate(found):
            if condition.message in known.cause:
                found[number] = Wrong(
                    f"{known.what}, {condition.type}", known.reason, known.cause, known.command
                )
                break
        else:
            command = _command(pipeline, condition)
            found.append(Wrong(condition.type, condition.reason, condition.message, command))
    return found


def _wrong_conditions(pipeline: Pipeline) -> Iterator[Condition]:
    for kind in _TOLD_BY_TRUE:
        if (found := pipeline.condition(kind)) and found.status == "True":
            yield found
    # What is still being made is not wrong.
    if pipeline.says("Reconciling", "True"):
        return
    for kind in _TOLD_BY_FALSE:
        if (found := pipeline.condition(kind)) and found.status == "False":
            yield found


def _command(pipeline: Pipeline, condition: Condition) -> str:
    if "kubectl " in condition.message:
        return ""
    waiting = pipeline.status.index.waiting
    if condition.reason == Reason.GATE_FAILED and waiting and waiting.failed_gates:
        return pipeline.command("approve", "--override", ",".join(waiting.failed_gates))
    return f"kubectl -n {pipeline.names.namespace} describe rag {pipeline.names.name}"


def _gates(pipeline: Pipeline) -> Iterator[Wrong]:
    """Gates that the last version failed. If it is live, a person has overridden them."""
    judged, live = pipeline.status.judged, pipeline.status.index.live
    if judged is None or (live and live.number == judged.number):
        return
    for verdict in judged.verdicts:
        if not verdict.ok:
            what = f"gate {verdict.gate} of version {judged.number}"
            yield Wrong(what, "GateFailed", f"wants {verdict.want}; got {verdict.got}")


def _documents(pipeline: Pipeline) -> Iterator[Wrong]:
    """Documents that could not be read, and warnings: of the live version and of one that
    waits."""
    for entry in _entries(pipeline):
        for document in entry.failed_documents:
            yield Wrong(f"a document of version {entry.number}", "DocumentFailed", document)
        for warning in entry.warnings:
            yield Wrong(f"version {entry.number}", "Warning", warning)


def _entries(pipeline: Pipeline) -> Iterator[HistoryEntry]:
    """The newest entry of each of these versions that a build has written."""
    index = pipeline.status.index
    numbers = {item.number for item in (index.live, index.waiting) if item}
    for entry in pipeline.status.history:
        if entry.number in numbers and entry.seconds:
            numbers.remove(entry.number)
            yield entry
