"""A cluster's own rules against what the operator makes: told, and recovered from."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from dev.install import Installed
from dev.kubectl import until
from tests.cluster.conftest import fresh
from tests.kit.cluster import RULES, Namespace, pipeline
from tests.kit.hostile.admission import BEHAVIOURS, Behaviour, pod_of, refusing, ruled

AGAINST_CLEANUPS = Behaviour(refusing("cleanup"), "", (), probe=pod_of("cleanup"))


# Most of the time of each is waiting; with more at once, the pods of one node wait for each other.
AT_ONCE = 3


def test_what_the_cluster_refuses_or_rewrites_is_told(installed: Installed) -> None:
    def play(behaviour: Behaviour) -> None:
        with fresh(installed) as namespace, _told(namespace, behaviour):
            pass

    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = {name: pool.submit(play, behaviour) for name, behaviour in BEHAVIOURS.items()}
    failed = {name: error for name, one in played.items() if (error := one.exception())}
    for name, error in failed.items():
        error.add_note(f"the behaviour: {name}")
    if failed:
        raise BaseExceptionGroup("behaviours that were not told", list(failed.values()))


@pytest.mark.parametrize("name", ["a quota of three pods", "a policy that changes a limit"])
def test_a_pipeline_recovers_when_the_rule_is_gone(namespace: Namespace, name: str) -> None:
    with _told(namespace, BEHAVIOURS[name]):
        pass
    namespace.until("docs", lambda at: at.live == 1 and at.ready, "version 1", seconds=400)


@contextmanager
def _told(namespace: Namespace, behaviour: Behaviour) -> Iterator[None]:
    """A pipeline under the rule, with what is wrong in its conditions."""
    namespace.write_rules(RULES)
    with ruled(namespace, behaviour):
        namespace.apply(pipeline("docs", **behaviour.spec))
        message = namespace.until_reason("docs", behaviour.reason, seconds=120)
        assert all(word in message for word in behaviour.said), message
        _names_only_pods_that_are_there(namespace)
        yield


def _names_only_pods_that_are_there(namespace: Namespace) -> None:
    """No message advises to look at a pod where there is none."""
    pods = namespace("get", "pods", "-o", "name").split()
    conditions = namespace.state("docs").status["conditions"]
    for told in (item["message"] for item in conditions if "pod docs-" in item["message"]):
        assert any(pod.removeprefix("pod/") in told for pod in pods), told


def test_a_cleanup_that_may_not_run_is_told_in_an_event(namespace: Namespace) -> None:
    namespace("create", "secret", "generic", "own", "--from-literal=uri=postgresql://192.0.2.1/x")
    own = {"secretKeyRef": {"name": "own"}}
    with ruled(namespace, AGAINST_CLEANUPS):
        namespace.apply(pipeline("docs", database=own, deletionPolicy="Delete"))
        until(lambda: namespace.get("rag", "docs"), 30, "the pipeline")
        namespace("delete", "rag", "docs", "--timeout=90s")
        told = namespace("get", "events", "-o", "jsonpath={.items[*].message}")
    assert "describe job docs-cleanup" in told
