"""A kind of source answers for itself: a new one is a model with its field, and a file."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from ragwright_core.network import Network
from ragwright_core.problems import ProblemError
from ragwright_core.report import Reason
from ragwright_core.spec import SecretKey, Source, SourceKind
from ragwright_ingest.settings import Stores
from ragwright_ingest.sources.open import opener
from ragwright_ingest.surroundings import Folders, Surroundings
from ragwright_operator.desired.target import Target
from tests.kit.golden import IDENTITY, IMAGES, build, target

CONFIG_MAP = {"name": "manual"}
GIT = {"url": "https://git.example/x"}


class Wiki(SourceKind):
    space: str

    def shape(self) -> dict[str, Any]:
        return {"space": self.space}

    def secret_keys(self) -> list[SecretKey]:
        return [SecretKey(name="wiki", key="token")]

    def volume(self) -> dict[str, Any]:
        return {"emptyDir": {}}


class WithWiki(Source):
    wiki: Wiki | None = None


WIKI = WithWiki(name="docs", wiki=Wiki(space="handbook"))


@pytest.mark.parametrize(
    "written", [{}, {"git": GIT, "configMap": CONFIG_MAP}, {"s3": {"bucket": "docs"}}]
)
def test_a_source_is_of_exactly_one_kind(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"a source is either git|Extra inputs"):
        Source.model_validate({"name": "docs", **written})


def test_every_kind_has_its_module() -> None:
    assert {"git", "configMap"} <= set(Source.kinds())
    for kind in Source.kinds():
        assert callable(opener(kind))


def test_a_kind_that_this_release_does_not_know() -> None:
    with pytest.raises(ProblemError, match="cannot read sources of the kind s3") as stopped:
        opener("s3")
    assert stopped.value.problem.reason is Reason.INTERNAL


def test_a_new_kind_is_in_the_rule_and_its_words() -> None:
    rule, _ = WithWiki.model_json_schema()["x-kubernetes-validations"]

    assert " or wiki: write exactly one of them" in rule["message"]
    assert "(has(self.wiki) ? 1 : 0)" in rule["rule"]
    with pytest.raises(ValidationError, match=" or wiki: "):
        WithWiki.model_validate({"name": "docs", "git": GIT, "wiki": {"space": "handbook"}})


def test_a_new_kind_shapes_the_index_and_leaves_the_others_as_they_were() -> None:
    plain = {"name": "docs", "config_map": {"name": "manual"}}

    assert WithWiki.model_validate(plain).shape() == Source.model_validate(plain).shape()
    assert WIKI.shape()["wiki"] == {"space": "handbook"}


def test_a_job_has_what_a_new_kind_asks_for() -> None:
    spec = target().spec.model_copy(update={"sources": [WIKI]})
    made = Target(IDENTITY, spec, IMAGES)
    job, _ = build(made, "load")

    pod = job["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {item["mountPath"]: item["name"] for item in pod["containers"][0]["volumeMounts"]}
    assert "emptyDir" in volumes[mounts["/etc/ragwright/sources/docs"]]
    assert volumes[mounts["/etc/ragwright/secrets/wiki"]]["secret"]["items"][0]["key"] == "token"


def test_a_new_kinds_file_opens_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = ModuleType("kinds.wiki")
    vars(module)["open_source"] = lambda source, _, revision: (source, revision)
    monkeypatch.setitem(sys.modules, "kinds.wiki", module)
    monkeypatch.setitem(sys.modules, "kinds", ModuleType("kinds"))

    around = Surroundings(Stores("", None), Folders(tmp_path, tmp_path, tmp_path), Network())
    opened: Any = opener(WIKI.kind, "kinds")(WIKI, around, "r1")

    assert opened == (WIKI, "r1")
