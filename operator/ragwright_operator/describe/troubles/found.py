"""All problems of a pipeline, the most informative first."""

from __future__ import annotations

from collections.abc import Sequence

from ragwright_core.report import Reason
from ragwright_operator.describe.facts import Facts
from ragwright_operator.describe.troubles.autoscaling import autoscaling_troubles
from ragwright_operator.describe.troubles.controllers import controller_troubles
from ragwright_operator.describe.troubles.index import index_troubles
from ragwright_operator.describe.troubles.overridden import overridden
from ragwright_operator.describe.troubles.pods import pod_troubles, running_reports
from ragwright_operator.plan.children import storage_troubles
from ragwright_operator.plan.steps import ApplyObject, CreateJob, Outcome, in_words
from ragwright_operator.world.observed import key_of
from ragwright_operator.world.trouble import Trouble


def troubles(facts: Facts, outcomes: Sequence[Outcome]) -> list[Trouble]:
    observed = facts.observed
    held_up = [
        *running_reports(observed),
        *pod_troubles(observed, facts.now),
        *controller_troubles(observed, facts.memory, facts.now),
    ]
    last = build_troubles(facts)
    found = [
        *_taken(outcomes),
        *_rejected(outcomes),
        *index_troubles(facts),
        # The reason that delays the running attempt comes before the last attempt's failure.
        *([*held_up, *last] if facts.memory.running_build else [*last, *held_up]),
        *overridden(observed),
        *autoscaling_troubles(observed, facts.now),
        *storage_troubles(observed),
    ]
    return list(dict.fromkeys(found))


def _taken(outcomes: Sequence[Outcome]) -> list[Trouble]:
    """Objects that have our names but are not ours. They are never overwritten."""
    keys = [
        key_of(step.manifest if isinstance(step, ApplyObject) else step.order)
        for step in (outcome.step for outcome in outcomes if outcome.result == "taken")
        if isinstance(step, ApplyObject | CreateJob)
    ]
    return [
        Trouble(
            "NameTaken",
            f"{kind} {name} exists and does not belong to this pipeline; no pod is made that would "
            "use it. Rename or delete it, or give the pipeline another name.",
        )
        for kind, name in keys
    ]


def _rejected(outcomes: Sequence[Outcome]) -> list[Trouble]:
    return [
        Trouble(
            "Rejected",
            f"the API server refused {in_words(outcome.step)}: {outcome.message} "
            "It is tried again; change the spec or the cluster's rules.",
        )
        for outcome in outcomes
        if outcome.result == "rejected"
    ]


def build_troubles(facts: Facts) -> list[Trouble]:
    """The last failure. It is shown until an attempt succeeds, also while the next attempt runs."""
    build, wanted = facts.memory.build, facts.wanted
    if build is None or not build.failure:
        return []
    if build.outcome == "running":
        return [Trouble(build.failure, f"{build.message} (attempt {build.attempt} runs)")]
    if build.failure == Reason.GATE_FAILED:
        return [Trouble(build.failure, build.message)]
    again = wanted.build.not_before if wanted.build else None
    following = f"; the next at {again:%H:%M:%S UTC}" if again else ""
    return [Trouble(build.failure, f"{build.message} (attempt {build.attempt}{following})")]
