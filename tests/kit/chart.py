"""The chart's objects, as helm renders them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dev.install import CHART, helm

Objects = dict[tuple[str, str], dict[str, Any]]


def render(
    env: Mapping[str, str],
    *values: str,
    release: str = "mine",
    namespace: str = "system",
    chart: Path = CHART,
) -> Objects:
    """By kind and name: of objects of one name in several namespaces, the last."""
    found = rendered(env, *values, release=release, namespace=namespace, chart=chart)
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def rendered(
    env: Mapping[str, str],
    *values: str,
    release: str = "mine",
    namespace: str = "system",
    chart: Path = CHART,
) -> list[dict[str, Any]]:
    chosen = [part for value in ("image.repository=x", *values) for part in (_flag(value), value)]
    text = helm(env, "template", release, str(chart), "--namespace", namespace, *chosen)
    return [item for item in yaml.safe_load_all(text) if item]


def operator_of(made: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    [operator] = [item for (kind, _), item in made.items() if kind == "Deployment"]
    return dict(operator["spec"]["template"])


def _flag(value: str) -> str:
    try:
        written = json.loads(value.partition("=")[2])
    except ValueError:
        return "--set"
    return "--set-json" if isinstance(written, dict | list | str) else "--set"
