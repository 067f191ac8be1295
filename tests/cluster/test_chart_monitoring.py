"""What the chart gives to Prometheus and Grafana, when asked. Rendering needs no cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from dev.install import CHART
from ragwright_core.names import Identity
from ragwright_core.spec import RagPipelineSpec
from ragwright_operator.desired.api import deployment
from ragwright_operator.desired.target import Target
from ragwright_operator.settings import Images
from tests.kit.chart import render

MONITORED = "monitoring.enabled=true,monitoring.dashboard=true"


def test_nothing_is_made_unless_asked_for(env: Mapping[str, str]) -> None:
    kinds = {kind for kind, _ in render(env)}
    assert not kinds & {"PrometheusRule", "ServiceMonitor", "PodMonitor", "ConfigMap"}
    assert ("ConfigMap", "mine-operator-dashboard") not in render(env, "monitoring.enabled=true")


def test_the_rules_are_the_file_that_promtool_tests(env: Mapping[str, str]) -> None:
    made = render(env, MONITORED, "monitoring.labels.release=prometheus")
    rules = made["PrometheusRule", "mine-operator"]
    assert rules["spec"] == yaml.safe_load(Path(CHART, "files", "rules.yaml").read_text())
    for kind, name in (
        ("PrometheusRule", "mine-operator"),
        ("ServiceMonitor", "mine-operator"),
        ("PodMonitor", "mine-operator-pipelines"),
    ):
        labels = made[kind, name]["metadata"]["labels"]
        assert labels["release"] == "prometheus"
        assert labels["app.kubernetes.io/instance"] == "mine"


def test_every_alert_names_its_page_once_it_is_known_where_pages_are(
    env: Mapping[str, str],
) -> None:
    shown = "monitoring.runbookUrl=https://docs.example.com/runbooks/"
    for values, wanted in (((), None), ((shown,), "https://docs.example.com/runbooks/")):
        rules = render(env, MONITORED, *values)["PrometheusRule", "mine-operator"]["spec"]
        alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
        assert alerts
        for alert in alerts:
            url = wanted and f"{wanted}{alert['alert']}"
            assert alert["annotations"].get("runbook_url") == url


def test_the_operators_own_service_is_scraped(env: Mapping[str, str]) -> None:
    made = render(env, MONITORED)
    monitor = made["ServiceMonitor", "mine-operator"]["spec"]
    wanted = monitor["selector"]["matchLabels"].items()
    chosen = [
        item
        for (kind, _), item in made.items()
        if kind == "Service" and wanted <= item["metadata"]["labels"].items()
    ]
    [endpoint] = monitor["endpoints"]
    assert [port["name"] for service in chosen for port in service["spec"]["ports"]] == ["metrics"]
    assert (endpoint["port"], endpoint["honorLabels"]) == ("metrics", True)


def test_the_api_pods_of_every_pipeline_are_scraped(env: Mapping[str, str]) -> None:
    monitor = render(env, MONITORED)["PodMonitor", "mine-operator-pipelines"]["spec"]
    template = deployment(_target())["spec"]["template"]
    wanted = monitor["selector"]["matchLabels"].items()
    assert wanted <= template["metadata"]["labels"].items()
    assert not wanted <= _target().labels("postgres").items()
    [endpoint] = monitor["podMetricsEndpoints"]
    ports = {port["name"]: port for port in template["spec"]["containers"][0]["ports"]}
    assert ports[endpoint["port"]]["containerPort"] == 8001
    assert endpoint["honorLabels"] is True
    assert monitor["namespaceSelector"] == {"any": True}
    named = render(env, MONITORED, "watchNamespaces={a,b}")
    monitor = named["PodMonitor", "mine-operator-pipelines"]["spec"]
    assert monitor["namespaceSelector"] == {"matchNames": ["a", "b"]}


def _target() -> Target:
    sources = [{"name": "handbook", "configMap": {"name": "handbook"}}]
    return Target(
        Identity(namespace="team", name="docs", uid="u", cluster="c"),
        RagPipelineSpec.model_validate({"sources": sources}),
        Images("ragwright:1", "postgres:1", "redis:1", "IfNotPresent"),
    )


def test_the_dashboard_is_where_grafanas_sidecar_looks(env: Mapping[str, str]) -> None:
    made = render(env, MONITORED)["ConfigMap", "mine-operator-dashboard"]
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    file = Path(CHART, "files", "dashboard.json").read_text()
    assert json.loads(made["data"]["ragwright.json"]) == json.loads(file)
