"""One cluster and one installation of the operator for all cluster tests."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from dev.cluster import NoClusterError
from dev.cluster.select import select_cluster
from dev.install import Installed, install
from tests.kit.cluster import Namespace

HERE = os.path.dirname(__file__)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def installed() -> Installed:
    """The operator on the chosen cluster. Where none can be had: a skip, in CI an error.

    A cluster or an image that fails to come up is an error everywhere.
    """
    try:
        return install(print)
    except NoClusterError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"CLUSTER TESTS NOT RUN: {error}")


@pytest.fixture(scope="session")
def env(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """An environment with helm in it; where a cluster must be made to have it, it is made."""
    try:
        found = select_cluster().env()
        if shutil.which("helm", path=found["PATH"]):
            return found
    except NoClusterError:
        pass
    made: Installed = request.getfixturevalue("installed")
    return made.cluster.env()


@contextmanager
def fresh(installed: Installed) -> Iterator[Namespace]:
    """A new namespace in which Pod Security `restricted` is enforced."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "ragwright.dev/test": "true"}
    installed.kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )
    made = Namespace(name, installed)
    yield made
    made("delete", "rag", "--all", "--timeout=90s")
    installed.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(installed: Installed) -> Iterator[Namespace]:
    with fresh(installed) as made:
        yield made
