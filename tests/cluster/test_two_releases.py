"""A second release whose namespaces overlap the first's: it stands aside, and takes over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from dev.install import CHART, NAMESPACE, RELEASE, Installed, helm, image_values, install
from dev.kubectl import until
from tests.kit.cluster import Namespace, pipeline

SECOND = "second"


@contextmanager
def second_release(namespace: Namespace) -> Iterator[None]:
    """In the pipeline's own namespace, which alone it watches; the first watches all."""
    installed = namespace.installed
    env = installed.cluster.env()
    watched = f"watchNamespaces={json.dumps([namespace.name])}"
    helm(
        env,
        *("install", SECOND, str(CHART), "--namespace", namespace.name),
        *("--set", "crd.install=false", "--set-json", watched, *image_values(installed.images)),
    )
    try:
        namespace("rollout", "status", f"deploy/{SECOND}-operator", "--timeout=120s")
        yield
    finally:
        helm(env, "uninstall", SECOND, "--namespace", namespace.name)


def holder(namespace: Namespace) -> str:
    lease = namespace.get("lease", "ragwright-operator")
    return str(lease["spec"]["holderIdentity"]) if lease else ""


def told(namespace: Namespace) -> str:
    return namespace("get", "events", "--field-selector=reason=TwoOperators", "-o", "name")


def generation_of(namespace: Namespace) -> str:
    return namespace("get", "deploy", "docs-api", "-o", "jsonpath={.metadata.generation}")


def test_the_second_stands_aside_and_takes_over_when_the_first_goes(namespace: Namespace) -> None:
    installed: Installed = namespace.installed
    namespace.write_rules({"a.md": "# A\n\nSome text.\n"})
    namespace.apply(pipeline("docs", suspend=True))
    until(lambda: namespace.get("deploy", "docs-api"), 60, "the API of the pipeline")
    first = f"{NAMESPACE}/{RELEASE}-operator"
    with second_release(namespace):
        until(lambda: told(namespace), 60, "the event of the second")
        assert holder(namespace) == first
        log = namespace("logs", f"deploy/{SECOND}-operator")
        assert "stands aside: another operator works in this namespace" in log
        assert first in log
        generation = generation_of(namespace)
        try:
            # Its hook leaves the finalizer to the second, which holds it now.
            helm(installed.cluster.env(), "uninstall", RELEASE, "--namespace", NAMESPACE)
            taken = f"{namespace.name}/{SECOND}-operator"
            until(lambda: holder(namespace) == taken, 60, "the second to take over")
            assert generation_of(namespace) == generation, "it applies the same"
            namespace("delete", "rag", "docs", "--timeout=60s")
        finally:
            install(print)
