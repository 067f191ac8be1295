"""Rules, alerts and the dashboard: right, and of series that are really there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dev.debian import NoProgramError, promtool
from dev.servers.openai_server import Endpoint
from ragwright_core.spec import REINDEX_ANNOTATION
from tests.integration.conftest import Pipeline
from tests.kit.api import build, serving
from tests.kit.operator import apply, reconciler
from tests.kit.operator_world import NAME, NAMESPACE, World

FILES = Path("charts/ragwright/files")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FILES / "rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FILES / "dashboard.json").read_text())
PAGE = Path("docs/howto/monitoring.md").read_text()


@pytest.fixture(scope="module")
def tool() -> Path:
    try:
        return promtool()
    except NoProgramError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def run(tool: Path, *arguments: str, stdin: str = "") -> str:
    """What promtool said. Fails where it found anything wrong."""
    done = subprocess.run(
        [tool, *arguments], input=stdin, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def dashboard_expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["expr"]


def runbook_expressions() -> Iterator[str]:
    for page in sorted(Path("docs/runbooks").glob("*.md")):
        for text in re.findall(r"```promql\n(.*?)\n```", page.read_text(), re.S):
            yield text.replace('"NAMESPACE"', '"$namespace"').replace('"PIPELINE"', '"$pipeline"')


def expressions() -> list[str]:
    return [*(rule["expr"] for rule in RULES), *dashboard_expressions(), *runbook_expressions()]


@dataclass
class Series:
    """What a scrape holds of one name: the values of each label."""

    labels: dict[str, set[str]] = field(default_factory=dict)


@pytest.fixture
async def scrape(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> str:
    """Of an API that was asked, and of an operator whose last build failed two gates."""
    remote: dict[str, Any] = {"provider": "openai", "base_url": endpoint.url, "model": "m"}
    asked = pipeline.having(llm=remote, embedding={**remote, "dimensions": 48})
    await build(asked, "r1", refunds="Refunds are paid within 14 days.")
    async with serving(asked) as api:
        for _ in range(2):
            await api.ask()
        endpoint.told.always = 401
        assert (await api.post("another question")).status_code >= 500
        told = (await api.internal.get("/metrics")).text
    return told + await _operators_scrape()


async def _operators_scrape() -> str:
    world = apply()
    operator = reconciler(world)

    async def rounds(world: World) -> None:
        for _ in range(20):
            await operator.reconcile(NAMESPACE, NAME)
            world.settle()

    await rounds(world)
    world.failed_gates = ("maxShrink",)
    world.annotate(REINDEX_ANNOTATION, "again")
    await rounds(world)
    operator.metrics.reconciles.labels("changed").inc()
    return generate_latest(operator.metrics.registry).decode()


def read(scrape: str) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(scrape):
        for sample in family.samples:
            series = found.setdefault(sample.name, Series())
            for name, value in sample.labels.items():
                series.labels.setdefault(name, set()).add(value)
    return found


NAMED = re.compile(r"\b(ragwright[\w:]*)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
RECORDED = {rule["record"] for rule in RULES if "record" in rule}


def problems(expression: str, there: dict[str, Series]) -> Iterator[str]:
    """Names, labels and label values of an expression that no scrape holds."""
    grouped_by = {"namespace", "pipeline", "version"}
    for name, matchers in NAMED.findall(expression):
        if ":" in name:
            if name not in RECORDED:
                yield f"{name} is recorded by no rule"
        elif name not in there:
            yield f"there is no series {name}"
        else:
            grouped_by |= set(there[name].labels)
            yield from _wrong_labels(name, matchers, there[name])
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        for label in set(re.split(r",\s*", grouped)) - grouped_by:
            yield f"nothing in {expression} has the label {label}"


def _wrong_labels(name: str, matchers: str, series: Series) -> Iterator[str]:
    for label, how, value in MATCHER.findall(matchers):
        values = series.labels.get(label, set())
        wanted = how in ("=", "=~") and "$" not in value
        if not values:
            yield f"{name} has no label {label}"
        elif wanted and not any(re.fullmatch(value, item) for item in values):
            yield f"{name} has no {label} {value}"


async def test_every_series_that_is_named_is_there(scrape: str) -> None:
    there = read(scrape)
    wrong = [problem for expression in expressions() for problem in problems(expression, there)]
    assert wrong == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("rate(ragwright_answers_total[5m])", "there is no series ragwright_answers_total"),
        ("ragwright:hits:ratio", "ragwright:hits:ratio is recorded by no rule"),
        ('ragwright_tokens_total{sort="x"}', "ragwright_tokens_total has no label sort"),
        ('ragwright_tokens_total{kind="both"}', "ragwright_tokens_total has no kind both"),
        ("sum by (pod) (ragwright_tokens_total)", "nothing in sum by (pod)"),
    ],
)
def test_a_series_that_is_not_there_is_found_out(expression: str, problem: str) -> None:
    there = {"ragwright_tokens_total": Series({"kind": {"prompt"}})}
    [found] = problems(expression, there)
    assert found.startswith(problem)


async def test_the_page_of_metrics_names_every_one_and_no_other(scrape: str) -> None:
    there = {
        # As Prometheus stores them: counters with their ending, histograms without.
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(scrape)
        if family.name.startswith("ragwright_") and not family.name.endswith("_created")
    }
    named = set(re.findall(r"`(ragwright_\w+)`", PAGE))
    assert named == there


async def test_names_and_help_are_as_prometheus_wants_them(tool: Path, scrape: str) -> None:
    await asyncio.to_thread(run, tool, "check", "metrics", stdin=scrape)


def test_the_rules_are_sound(tool: Path) -> None:
    assert "SUCCESS" in run(tool, "check", "rules", str(FILES / "rules.yaml"))


def test_alerts_fire_at_their_thresholds_and_not_before(tool: Path) -> None:
    assert "SUCCESS" in run(tool, "test", "rules", "tests/integration/rules_test.yml")


def test_every_expression_of_the_dashboard_can_be_evaluated(tool: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(dashboard_expressions())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(tool, "check", "rules", str(file))


def test_every_panel_says_what_it_shows_and_lies_beside_the_others() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_alert_tells_what_it_means_and_the_page_what_to_do() -> None:
    alerts = [rule for rule in RULES if "alert" in rule]
    assert len(alerts) == 7
    for alert in alerts:
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert set(alert["annotations"]) == {"summary", "description"}
        assert "$labels.pipeline" in alert["annotations"]["summary"]
        assert f"`{alert['alert']}`" in PAGE
