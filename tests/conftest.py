"""The rows of the fault suite, wherever they are played, and the table at its end."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from dev.goals import conclude
from tests.kit.faults.table import FIGURE, ROW, Record, Table

FAULTS = Path(__file__).parent / "faults"
TABLE = pytest.StashKey[Table]()


@dataclass(frozen=True)
class Holds:
    """How long a fault lasts, in seconds; 0: as long as what is done meanwhile takes."""

    operator_down: float
    api_server_away: float
    silent_stream: float
    forbidden: float
    silent_worker: float  # until the server gives up one that was cut off
    every_effect: tuple[str, ...] = ()


SHORT = Holds(operator_down=0, api_server_away=60, silent_stream=20, forbidden=20, silent_worker=3)
FULL = Holds(
    operator_down=600,
    api_server_away=300,
    silent_stream=150,
    forbidden=60,
    silent_worker=60,
    every_effect=("--each-object",),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--full", action="store_true", help="the full lengths of the faults")
    group.addoption(
        "--figures", action="store_true", help="show the table, and write bench/results/faults.json"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()
    config.pluginmanager.register(Collector(config.stash[TABLE]), "faults-table")


class OneClusterScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Rows on a cluster share it, so one process plays them; other processes play the rest."""

    def _split_scope(self, nodeid: str) -> str:
        return "cluster" if nodeid.startswith("tests/faults/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneClusterScheduling | None:
    if config.getvalue("dist") == "loadscope":
        return OneClusterScheduling(config, log)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(FAULTS):
            item.add_marker(pytest.mark.faults)
        if (row := item.get_closest_marker("row")) is not None:
            item.user_properties.append((ROW, row.args))


@dataclass(frozen=True, eq=False)
class Collector:
    """A plugin of its own: the reports of other processes come to it, too."""

    table: Table

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.table.take(report)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    table = config.stash[TABLE]
    if not config.getoption("--figures"):
        return
    terminalreporter.section("faults")
    for line in table.ordered():
        terminalreporter.write_line(line.shown())
    conclude("faults", table.goals(), [line.as_json() for line in table.ordered()])


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Writes this row's figures into the table, and asserts them."""
    properties: list[tuple[str, object]] = request.node.user_properties
    return Record(lambda goal: properties.append((FIGURE, asdict(goal))))


@pytest.fixture(scope="session")
def holds(request: pytest.FixtureRequest) -> Holds:
    return FULL if request.config.getoption("--full", default=False) else SHORT
