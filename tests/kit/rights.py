"""Who may do what: as the chart grants it, as the page shows it, as kubectl tells it.

`python -m tests.kit.rights` writes the table of docs/reference/rights.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.cluster.embedded.paths import binaries
from tests.kit.chart import rendered

PAGE = Path("docs/reference/rights.md")
RELEASE, OWN, WATCHED = "mine", "system", "team"
CLUSTER = "the cluster"
SHOWN = {OWN: "the release's namespace", WATCHED: "each watched namespace"}
_CAN_I = re.compile(r"^(\S+)\s+\[.*?\]\s+\[(.*?)\]\s+\[(.*?)\]$", re.M)
_ROW = re.compile(r"^\| `(.+?)` \| (.*?) \| (.*?) \| `(.+?)` \| `(.+?)` \|$", re.M)


@dataclass(frozen=True, order=True)
class Right:
    """What one account may do with one resource; `names` empty: whatever its name."""

    account: str
    where: str
    names: str
    resource: str
    verbs: str

    def row(self) -> str:
        named = f"named `{self.names}`" if self.names else ""
        cells = (f"`{self.account}`", self.where, named, f"`{self.resource}`", f"`{self.verbs}`")
        return f"| {' | '.join(cells)} |"


def granted(env: Mapping[str, str], *values: str) -> list[Right]:
    """What the chart grants to every account, by its bindings."""
    objects = rendered(env, *values, release=RELEASE, namespace=OWN)
    roles = {_place(item): item["rules"] for item in objects if item["kind"].endswith("Role")}
    found: dict[Right, set[str]] = {}
    for binding in objects:
        if not binding["kind"].endswith("RoleBinding"):
            continue
        space = binding["metadata"].get("namespace", "")
        role = binding["roleRef"]
        rules = roles[role["kind"], space if role["kind"] == "Role" else "", role["name"]]
        for subject in binding["subjects"]:
            account = subject["name"].removeprefix(f"{RELEASE}-")
            where = SHOWN.get(space, space) if space else CLUSTER
            for resource, names, verbs in _pieces(rules):
                right = Right(account, where, names, resource, "")
                found.setdefault(right, set()).update(verbs)
    return _with_verbs(found)


def _place(item: dict[str, Any]) -> tuple[str, str, str]:
    about = item["metadata"]
    return item["kind"], about.get("namespace", ""), about["name"]


def _pieces(rules: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str, set[str]]]:
    for rule in rules:
        names = " ".join(sorted(rule.get("resourceNames", [])))
        for path in rule.get("nonResourceURLs", []):
            yield path, names, set(rule["verbs"])
        for group in rule.get("apiGroups", []):
            for resource in rule["resources"]:
                yield in_words(group, resource), names, set(rule["verbs"])


def in_words(group: str, resource: str) -> str:
    """A resource as kubectl writes it."""
    kind, slash, part = resource.partition("/")
    return f"{kind}.{group}{slash}{part}" if group else resource


def _with_verbs(found: Mapping[Right, set[str]]) -> list[Right]:
    return sorted(
        Right(item.account, item.where, item.names, item.resource, " ".join(sorted(verbs)))
        for item, verbs in found.items()
    )


def shown() -> list[Right]:
    """What the page says."""
    rows = _ROW.findall(PAGE.read_text())
    return [
        Right(account, where, names.removeprefix("named ").strip("`"), resource, verbs)
        for account, where, names, resource, verbs in rows
    ]


def told(can_i: str) -> set[tuple[str, str, str]]:
    """What `kubectl auth can-i --list` prints, of resources: resource, names and verbs."""
    found: dict[tuple[str, str], set[str]] = {}
    for resource, names, verbs in _CAN_I.findall(can_i):
        named = " ".join(sorted(names.split()))
        found.setdefault((resource, named), set()).update(verbs.split())
    return {(*what, " ".join(sorted(verbs))) for what, verbs in found.items()}


def watching() -> tuple[str, ...]:
    return (f"watchNamespaces={{{WATCHED}}}",)


def main() -> None:
    path = os.pathsep.join([os.environ.get("PATH", ""), str(binaries())])
    rights = granted({**os.environ, "PATH": path}, *watching())
    text = PAGE.read_text()
    head, _, rest = text.partition("|---|---|---|---|---|\n")
    after = _ROW.sub("", rest).lstrip("\n")
    table = "".join(f"{right.row()}\n" for right in rights)
    PAGE.write_text(f"{head}|---|---|---|---|---|\n{table}\n{after}")


if __name__ == "__main__":
    main()
