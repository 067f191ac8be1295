"""A snapshot of a pipeline's world without times, to compare two final states."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ragwright_core.names import PIPELINE_LABEL, PipelineName
from ragwright_core.spec import GROUP
from tests.kit.cluster import Namespace

KINDS = (
    "deployments,statefulsets,services,configmaps,serviceaccounts,networkpolicies,"
    "poddisruptionbudgets,jobs,persistentvolumeclaims,secrets"
)
# Given by the API server or by controllers, or different in every copy.
_MOVING = {
    "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "clusterIP",
    "clusterIPs", "volumeName", "deployment.kubernetes.io/revision", "status", "finalizers",
    "kubectl.kubernetes.io/last-applied-configuration", "kubectl.kubernetes.io/restartedAt",
}  # fmt: skip


def snapshot(space: Namespace, name: str) -> dict[str, Any]:
    """Objects, tables and status of a pipeline whose children are all at rest."""
    state = space.state(name)
    return {
        "objects": objects(space, name),
        "tables": tables(space, name),
        "conditions": {item["type"]: item["status"] for item in state.status.get("conditions", [])},
        "building": state.status.get("index", {}).get("building"),
        "progress": state.status.get("progress"),
    }


def objects(space: Namespace, name: str) -> dict[str, Any]:
    selector = f"{PIPELINE_LABEL}={name}"
    return {
        f"{item['kind']} {item['metadata']['name']}": _still(item)
        if item["kind"] != "Secret"
        else "a secret"
        for item in space.kubectl.items("-n", space.name, KINDS, "-l", selector)
    }


def tables(space: Namespace, name: str) -> dict[str, int]:
    """The schema's tables and their numbers of rows. Versions are named by role, not by number."""
    names = PipelineName(space.name, name)
    live, *kept = sorted(_numbers(space, names), reverse=True)[:1] + _kept(space, names)
    found = {}
    for table in sql(space, names, _TABLES.format(schema=names.schema)):
        rows = sql(space, names, f'SELECT count(*) FROM "{names.schema}"."{table}"')
        found[_by_part(table, live, kept)] = int(rows[0])
    return found


_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = '{schema}' AND tablename ~ '_v[0-9]+$'
"""


def sql(space: Namespace, names: PipelineName, statement: str) -> list[str]:
    psql = ("psql", "-U", "postgres", "-d", "ragwright", "-Atc", statement)
    told = space("exec", f"{names.postgres}-0", "-c", "postgres", "--", *psql)
    return told.split()


def _numbers(space: Namespace, names: PipelineName) -> list[int]:
    return [int(n) for n in sql(space, names, f'SELECT number FROM "{names.schema}".live')]


def _kept(space: Namespace, names: PipelineName) -> list[int]:
    statement = f"SELECT number FROM \"{names.schema}\".index_version WHERE state = 'kept'"
    return [int(number) for number in sql(space, names, statement)]


def _by_part(table: str, live: int, kept: Sequence[int]) -> str:
    stem, _, number = table.rpartition("_v")
    part = "live" if int(number) == live else "kept" if int(number) in kept else f"LEFT {number}"
    return f"{stem} {part}"


def _still(value: Any) -> Any:
    if isinstance(value, dict):
        still = {key: _still(item) for key, item in value.items() if key not in _MOVING}
        # Of a pod template whose only annotation was the moment of a restart nothing stays.
        return {key: item for key, item in still.items() if (key, item) != ("annotations", {})}
    if isinstance(value, list):
        return [_still(item) for item in value]
    return value


def portable(found: dict[str, Any], space: Namespace, name: str) -> Any:
    """A snapshot without what differs from namespace to namespace, to compare two pipelines."""
    uid = (space.get("rag", name) or {})["metadata"]["uid"]
    text = json.dumps(found).replace(space.name, "NAMESPACE").replace(uid, "UID")
    text = re.sub(rf'("{GROUP}/(applied|settings)": )"\w+"', r'\1"HASH"', text)
    names = PipelineName(space.name, name)
    for stem in (names.api, names.postgres, names.redis):
        text = re.sub(rf"{stem}-[0-9a-f]{{8}}\b", f"{stem}-HASH", text)
    return json.loads(text.replace(names.schema, "SCHEMA"))


def differences(before: Any, after: Any, where: str = "") -> list[str]:
    """Where two snapshots differ, in words."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [
            line
            for key in sorted({*before, *after})
            for line in differences(
                before.get(key, "nothing"), after.get(key, "nothing"), f"{where}/{key}"
            )
        ]
    return [] if before == after else [f"{where}: {_short(before)} became {_short(after)}"]


def _short(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value))[:200]
