"""How `kubectl rag` refuses: in one line, and by its exit code."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Sit
from tests.kit.kube_api import (
    ASK,
    DEPLOYMENTS,
    PIPELINE,
    PIPELINES,
    PODS,
    forbidden,
    kubeconfig,
    status_object,
)


def test_of_several_pipelines_one_must_be_named(sit: Sit) -> None:
    desk = sit("healthy", others=["rules"])
    said = desk("status")
    assert (said.code, said.out) == (2, "")
    assert said.err == "kubectl rag: namespace team has 2 pipelines, name one: docs, rules\n"
    assert desk("status", "docs").code == 0


def test_the_namespace_is_the_contexts_unless_one_is_named(sit: Sit) -> None:
    desk = sit("healthy")
    missing = "there is no RagPipeline docs in namespace"
    assert f"{missing} other" in desk("status", "docs", "-n", "other").err
    assert f"{missing} default" in desk("status", "docs", "--context", "elsewhere").err
    assert "there is no RagPipeline nope in namespace team" in desk("status", "nope").err
    assert "there is no RagPipeline a/b in" in desk("status", "a/b").err


@pytest.mark.parametrize(
    ("arguments", "method", "path", "words"),
    [
        (["status", "docs"], "GET", PIPELINE, "you may not get ragpipelines.ragwright.dev"),
        (["status"], "GET", PIPELINES, "you may not list ragpipelines.ragwright.dev"),
        (["rollback", "docs"], "PATCH", PIPELINE, "you may not patch ragpipelines"),
        (
            ["ask", "docs", "Why?"],
            "POST",
            ASK,
            "you may not create services/proxy in namespace team",
        ),
    ],
)
def test_a_missing_right_is_named_by_its_verb(
    sit: Sit, arguments: list[str], method: str, path: str, words: str
) -> None:
    desk = sit("healthy")
    desk.api.refuse[method, path] = forbidden()
    said = desk(*arguments)
    assert (said.code, said.out) == (1, "")
    assert words in said.err


def test_what_the_doctor_may_not_look_at_is_no_fault(sit: Sit) -> None:
    desk = sit("healthy")
    for path in (DEPLOYMENTS, PODS):
        desk.api.refuse["GET", path] = forbidden()
    said = desk("doctor")
    assert said.code == 0
    assert "?      you may not list deployments.apps in the whole cluster" in said.out
    assert "?      you may not list pods in namespace team" in said.out
    assert "answers from version 2" in said.out


def test_the_doctor_begins_with_what_is_missing(sit: Sit) -> None:
    desk = sit("healthy", deployments=[])
    said = desk("doctor")
    assert said.code == 1
    assert "WRONG  no operator is installed" in said.out
    gone = status_object(404, "NotFound", "not found")
    desk.api.refuse["GET", "/apis/ragwright.dev/v1alpha1"] = gone
    said = desk("doctor")
    assert said.code == 1
    assert said.out.splitlines()[-1].startswith("WRONG  the resource ragpipelines.ragwright.dev is")


def test_a_cluster_that_does_not_answer_says_what_to_set(sit: Sit, tmp_path: Path) -> None:
    desk = sit("healthy")
    desk.env["KUBECONFIG"] = str(kubeconfig(tmp_path, "http://127.0.0.1:1"))
    began = time.monotonic()
    said = desk("status", "docs")
    assert said.code == 1
    assert "the API server http://127.0.0.1:1 does not answer" in said.err
    assert "set KUBECONFIG" in said.err
    assert said.err.count("\n") == 1
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (None, [], "no cluster to ask"),
        ("", [], "no cluster to ask"),
        ("a: [", [], "no cluster to ask"),
        ("kind: Config", ["--context", "nope"], "no cluster to ask"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_told_in_a_line(
    sit: Sit, tmp_path: Path, text: str | None, more: list[str], words: str
) -> None:
    desk = sit("healthy")
    config = tmp_path / "another"
    if text is not None:
        config.write_text(text)
    desk.env["KUBECONFIG"] = str(config)
    said = desk("status", *more)
    assert (said.code, said.err.count("\n")) == (1, 1)
    assert words in said.err
    assert "set KUBECONFIG or write --kubeconfig FILE" in said.err


def test_what_is_typed_wrongly_ends_with_2(sit: Sit) -> None:
    desk = sit("healthy")
    for arguments in (
        ["nope"],
        ["status", "--nope"],
        ["status", "-o", "yaml"],
        ["rollback", "docs", "seven"],
        ["ask"],
        ["reindex", "--wait", "--timeout", "0"],
        ["diff"],
    ):
        assert desk(*arguments).code == 2, arguments


def test_a_pipeline_that_does_not_answer_says_why(sit: Sit) -> None:
    desk = sit("healthy")
    desk.api.refuse["POST", ASK] = (503, {"error": "no_index", "message": "no version is live"}, {})
    said = desk("ask", "How long?")
    assert (said.code, "no version is live (no_index)" in said.err) == (1, True)
    desk.api.refuse["POST", ASK] = status_object(
        503, "ServiceUnavailable", "no endpoints available"
    )
    assert "503: no endpoints available" in desk("ask", "How long?").err


def test_texts_of_others_do_not_steer_the_terminal(sit: Sit) -> None:
    desk = sit("healthy")
    evil = {"answer": "Yes\x1b]0;owned\x07 [bold]no[/bold]", "sources": ["\x9b2J"]}
    desk.api.refuse["POST", ASK] = (200, evil, {})
    said = desk("ask", "Why?")
    assert "\x1b" not in said.out
    assert "\x9b" not in said.out
    assert "[bold]no[/bold]" in said.out
