"""What a running cluster says that the operator may do is what the page shows."""

from __future__ import annotations

from dev.install import NAMESPACE, RELEASE, Installed
from tests.cluster.test_chart import OPERATOR
from tests.kit.cluster import Namespace
from tests.kit.rights import OWN, SHOWN, shown, told

NOBODY = f"system:serviceaccount:{NAMESPACE}:has-no-binding"


def listed(installed: Installed, namespace: str, account: str) -> set[tuple[str, str, str]]:
    asked = ("auth", "can-i", "--list", "-n", namespace, "--as", account)
    return told(installed.kubectl(*asked))


def test_the_operator_may_do_what_the_page_shows_and_nothing_else(namespace: Namespace) -> None:
    """Beside what every account may."""
    installed = namespace.installed
    everyone = listed(installed, namespace.name, NOBODY)
    wanted = {
        (right.resource, right.names, right.verbs)
        for right in shown()
        if OPERATOR.endswith(f":{RELEASE}-{right.account}") and right.where != SHOWN[OWN]
    }
    assert wanted
    assert listed(installed, namespace.name, OPERATOR) - everyone == wanted


def test_pods_of_a_pipeline_may_do_nothing(namespace: Namespace) -> None:
    installed = namespace.installed
    everyone = listed(installed, namespace.name, NOBODY)
    account = f"system:serviceaccount:{namespace.name}:rules-api"
    assert listed(installed, namespace.name, account) == everyone
