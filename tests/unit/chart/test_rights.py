"""The rights that the chart grants are those that the page shows, and none leads to a Secret."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.kit.rights import CLUSTER, OWN, SHOWN, WATCHED, Right, granted, shown, told, watching

EACH = SHOWN[WATCHED]


def test_the_page_shows_what_is_granted(env: Mapping[str, str]) -> None:
    assert shown() == granted(env, *watching())


def test_without_a_list_of_namespaces_the_same_holds_in_all(env: Mapping[str, str]) -> None:
    def everywhere(right: Right) -> Right:
        where = CLUSTER if right.where == EACH else right.where
        return Right(right.account, where, right.names, right.resource, right.verbs)

    assert granted(env) == sorted(map(everywhere, shown()))


def test_nothing_is_granted_in_other_namespaces() -> None:
    assert {right.where for right in shown()} <= {CLUSTER, EACH, SHOWN[OWN]}


@pytest.mark.parametrize("values", [(), watching()], ids=["all namespaces", "some"])
def test_no_account_can_read_a_secret_or_gain_rights(
    env: Mapping[str, str], values: tuple[str, ...]
) -> None:
    for right in granted(env, *values):
        verbs = set(right.verbs.split())
        kind = right.resource.partition(".")[0]
        assert "*" not in right.resource + right.verbs
        assert not verbs & {"escalate", "bind", "impersonate", "deletecollection"}, right
        assert kind not in ("roles", "rolebindings", "clusterroles", "clusterrolebindings"), right
        assert not right.resource.startswith(("pods/", "nodes", "serviceaccounts/")), right
        if kind == "secrets":
            assert verbs == {"create"}


def test_what_kubectl_prints_is_read() -> None:
    printed = """\
Resources                   Non-Resource URLs   Resource Names   Verbs
jobs.batch                  []                  []               [list get]
                            [/healthz]          []               [get]
namespaces                  []                  [kube-system]    [get]
"""
    assert told(printed) == {("jobs.batch", "", "get list"), ("namespaces", "kube-system", "get")}
