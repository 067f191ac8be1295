"""What two programs agree on, and the sums that a promise rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ragwright_api import main as api
from ragwright_core import contract
from ragwright_operator.desired.api import deployment
from ragwright_operator.settings import SettingsError, read_settings
from tests.kit.golden import target

CHART = Path(__file__).parents[3] / "charts" / "ragwright"


def test_a_swap_waits_longer_than_anyone_may_believe_the_old_pointer() -> None:
    # A whole lease, and time for a read that was sent within it to arrive.
    assert contract.AFTER_COMMIT_SECONDS >= contract.LEASE_SECONDS + 0.25


def test_what_an_api_pod_does_at_its_end_fits_into_its_grace_period() -> None:
    pod: dict[str, Any] = deployment(target())["spec"]["template"]["spec"]
    before_sigterm = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    stages = (
        before_sigterm,
        contract.LINGER_SECONDS,
        contract.DRAIN_SECONDS,
        contract.INTERNAL_DRAIN_SECONDS,
        contract.CLOSING_SECONDS,
    )
    assert sum(stages) <= pod["terminationGracePeriodSeconds"]


def test_both_ports_drain_as_the_budget_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["ragwright-api"])
    options = api._options()
    assert options.linger == contract.LINGER_SECONDS
    public, internal = api._servers(_app, _app, options, lambda *_: None)
    assert public.config.timeout_graceful_shutdown == contract.DRAIN_SECONDS
    assert internal.config.timeout_graceful_shutdown == contract.INTERNAL_DRAIN_SECONDS


async def _app(*_: Any) -> None:
    raise AssertionError("nothing is asked")


def test_the_chart_is_the_one_place_of_default_images() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["postgres"]["image"]
    assert values["redis"]["image"]
    with pytest.raises(SettingsError, match="RAGWRIGHT_POSTGRES_IMAGE is not set"):
        read_settings({"RAGWRIGHT_IMAGE": "ragwright:1"})
