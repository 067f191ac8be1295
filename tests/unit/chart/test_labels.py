"""Labels of the chart's objects: all of them by name, the operator's pod without the release."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from dev.install import CHART
from tests.kit.chart import rendered

ALL = ("monitoring.enabled=true,monitoring.dashboard=true", "networkPolicy.enabled=true")
VERSION, PART_OF = "app.kubernetes.io/version", "app.kubernetes.io/part-of"


def test_every_object_says_what_it_is_part_of_and_of_which_release(env: Mapping[str, str]) -> None:
    about = yaml.safe_load(Path(CHART, "Chart.yaml").read_text())
    objects = rendered(env, *ALL)
    assert len(objects) > 9
    for item in objects:
        if item["kind"] == "CustomResourceDefinition":
            continue  # generated, and kept when the chart goes
        labels = item["metadata"]["labels"]
        assert (labels[PART_OF], labels[VERSION]) == ("ragwright", about["appVersion"])


def test_a_new_release_alone_restarts_no_pod(env: Mapping[str, str]) -> None:
    """What changes with each release stands on no pod and in no selector."""
    deployments = [item for item in rendered(env, *ALL) if item["kind"] == "Deployment"]
    assert deployments
    for item in deployments:
        spec = item["spec"]
        for labels in (spec["template"]["metadata"]["labels"], spec["selector"]["matchLabels"]):
            assert not {VERSION, PART_OF, "helm.sh/chart"} & labels.keys()
