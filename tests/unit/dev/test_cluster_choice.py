"""Which cluster is chosen, and what is said where none can be had."""

from __future__ import annotations

import pytest

from dev.cluster.choice import Choice, Facts, Missing, choose
from dev.cluster.select import no_proxy

BARE = Facts(daemon="", has_kind=False)


@pytest.mark.parametrize(
    ("facts", "kind", "reason"),
    [
        (BARE, "embedded", "no docker or podman daemon"),
        (Facts(daemon="docker", has_kind=True), "kind", "docker answers"),
        (Facts(daemon="docker", has_kind=False), "embedded", "no docker or podman daemon"),
        (Facts(asked="embedded", daemon="docker", has_kind=True), "embedded", "CLUSTER=embedded"),
        (Facts(asked="current", kubeconfig="k", image="r/n:t"), "current", "CLUSTER=current"),
    ],
)
def test_chosen(facts: Facts, kind: str, reason: str) -> None:
    choice = choose(facts)
    assert isinstance(choice, Choice)
    assert choice.kind == kind
    assert reason in choice.why


@pytest.mark.parametrize(
    ("facts", "sentences"),
    [
        (Facts(asked="minikube"), ["write current, kind or embedded"]),
        (Facts(asked="current"), ["export KUBECONFIG", "make image push IMAGE="]),
        (Facts(asked="kind"), ["systemctl start docker", "go install sigs.k8s.io/kind"]),
        (Facts(is_root=False), ["systemctl start docker", "go install", "sudo make demo"]),
        (Facts(is_linux=False), ["Debian or Ubuntu"]),
    ],
)
def test_missing_is_said_with_the_command_that_mends_it(facts: Facts, sentences: list[str]) -> None:
    missing = choose(facts)
    assert isinstance(missing, Missing)
    for sentence in sentences:
        assert any(sentence in said for said in missing.sentences)


def test_a_proxy_is_kept_from_what_stands_on_this_machine() -> None:
    once = no_proxy({"no_proxy": "intranet.example"})
    hosts = once["NO_PROXY"].split(",")
    assert hosts[0] == "intranet.example"
    assert {"localhost", "127.0.0.1", "10.41.0.1", "10.42.0.0/16", "10.43.0.0/16"} < set(hosts)
    assert no_proxy(once) == once
