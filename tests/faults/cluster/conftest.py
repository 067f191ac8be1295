"""One cluster, one installation, one stage for the rows that need a Kubernetes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.cluster import NoClusterError
from dev.install import Installed, install
from tests.kit.faults.ground import resting, staged
from tests.kit.faults.stage import Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def installed() -> Iterator[Installed]:
    """The chart on the chosen cluster, its own operator at rest for the session."""
    try:
        made = install(print)
    except NoClusterError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"FAULTS ON A CLUSTER NOT RUN: {error}")
    with resting(made):
        yield made


@pytest.fixture(scope="session")
def stage(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(installed, tmp_path_factory.mktemp("operator")) as made:
        made.open()
        yield made


@pytest.fixture
def empty(installed: Installed, tmp_path: Path) -> Iterator[Stage]:
    """A stage of the row's own, without a pipeline yet."""
    with staged(installed, tmp_path) as made:
        yield made
