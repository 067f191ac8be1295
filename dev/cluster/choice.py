"""Which cluster to use: decided from facts, with the reason in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["current", "kind", "embedded"]


@dataclass(frozen=True)
class Facts:
    """What was found on this machine."""

    asked: str = ""
    kubeconfig: str = ""
    image: str = ""
    daemon: str = ""
    has_kind: bool = False
    is_linux: bool = True
    is_root: bool = True
    has_apt: bool = True


@dataclass(frozen=True)
class Choice:
    kind: Kind
    why: str


@dataclass(frozen=True)
class Missing:
    """Why no cluster can be started: one sentence for each thing that is missing."""

    sentences: tuple[str, ...]


def choose(facts: Facts) -> Choice | Missing:
    """Choose by CLUSTER=... if it is set, else kind if a daemon answers, else the embedded one."""
    if facts.asked == "current":
        return _current(facts)
    if facts.asked not in ("", "kind", "embedded"):
        return Missing((f"CLUSTER={facts.asked} is not known: write current, kind or embedded.",))
    if facts.asked != "embedded" and facts.daemon and facts.has_kind:
        return Choice("kind", f"kind, because {facts.daemon} answers and kind is installed")
    if facts.asked == "kind":
        return Missing(_missing_for_kind(facts))
    if missing := _missing_for_embedded(facts):
        return Missing((*_missing_for_kind(facts), *missing))
    reason = "CLUSTER=embedded" if facts.asked else "no docker or podman daemon with kind is here"
    return Choice("embedded", f"the embedded one-node Kubernetes, because {reason}")


def _current(facts: Facts) -> Choice | Missing:
    missing = []
    if not facts.kubeconfig:
        missing.append("CLUSTER=current needs a cluster: export KUBECONFIG=path/to/kubeconfig.")
    if not facts.image:
        missing.append(
            "CLUSTER=current needs an image that the cluster can pull: "
            "make image push IMAGE=registry/name:tag, then set IMAGE to the same."
        )
    if missing:
        return Missing(tuple(missing))
    return Choice("current", f"the cluster in {facts.kubeconfig}, because CLUSTER=current")


def _missing_for_kind(facts: Facts) -> tuple[str, ...]:
    missing = []
    if not facts.daemon:
        missing.append("No docker or podman daemon answers: start one (systemctl start docker).")
    if not facts.has_kind:
        missing.append("kind is not installed: go install sigs.k8s.io/kind@latest.")
    return tuple(missing)


def _missing_for_embedded(facts: Facts) -> tuple[str, ...]:
    missing = []
    if not (facts.is_linux and facts.has_apt):
        missing.append("The embedded cluster needs Debian or Ubuntu (apt-get).")
    if not facts.is_root:
        missing.append("The embedded cluster needs root: sudo make demo.")
    return tuple(missing)
