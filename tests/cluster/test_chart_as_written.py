"""What the chart writes is what the API server keeps: else Argo CD shows it as out of sync."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.install import CHART, NAMESPACE, RELEASE, Installed, helm, image_values
from ragwright_operator.plan.difference import first_difference

# Each fills in groups that are empty by default.
VALUES: dict[str, dict[str, Any]] = {
    "by default": {},
    "in named namespaces": {"watchNamespaces": ["default"], "logLevel": "DEBUG"},
    "with all that a platform sets": {
        "networkPolicy": {"enabled": True},
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "rag", "operator": "Exists", "effect": "NoSchedule"}],
        "priorityClassName": "system-cluster-critical",
        "podLabels": {"team": "platform"},
        "podAnnotations": {"example.com/note": "on"},
        "commonLabels": {"example.com/team": "platform"},
        "serviceAccount": {"annotations": {"example.com/role": "rag"}},
    },
}


@pytest.mark.parametrize("name", VALUES)
def test_the_api_server_keeps_each_object_as_it_is_written(
    installed: Installed, name: str, tmp_path: Path
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(VALUES[name]))
    given = ("--namespace", NAMESPACE, *image_values(installed.images), "-f", str(values))
    text = helm(installed.cluster.env(), "template", RELEASE, str(CHART), *given)
    # Hooks come and go; nobody compares them.
    written = [item for item in yaml.safe_load_all(text) if item and not is_hook(item)]
    assert {"CustomResourceDefinition", "Deployment"} <= {item["kind"] for item in written}
    apply = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    for item in written:
        kept = json.loads(installed.kubectl(*apply, "-o", "json", stdin=json.dumps(item)))
        assert first_difference(kept, item) is None, (item["kind"], item["metadata"]["name"])


def is_hook(item: dict[str, Any]) -> bool:
    return "helm.sh/hook" in (item["metadata"].get("annotations") or {})
