"""Refusals in one line, answers, and texts that would steer a terminal."""

from __future__ import annotations

import json

import pytest

from ragwright_cli.problems import CliError
from ragwright_cli.reading.answers import read_answer
from ragwright_cli.refusals import INSTALL, Access, refusal
from ragwright_cli.screen import plain
from ragwright_core.spec import GROUP, PLURAL

OURS = Access("patch", f"{PLURAL}.{GROUP}", "team", "docs")


def said(code: int, message: str = "", name: str = "") -> bytes:
    details = {"name": name} if name else {}
    found = {"kind": "Status", "code": code, "message": message, "details": details}
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("code", "payload", "words"),
    [
        (401, said(401), "does not know who you are"),
        (
            403,
            said(403),
            "you may not patch ragpipelines.ragwright.dev in namespace team: ask for a Role with "
            "the verb patch on ragpipelines.ragwright.dev",
        ),
        (404, said(404, name="docs"), "there is no RagPipeline docs in namespace team"),
        (404, b"404 page not found", INSTALL),
        (422, said(422, "spec.reindex.pin:\n must be more"), "422: spec.reindex.pin: must be more"),
        (500, b"\xff<html>", "the API server answers 500"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(code: int, payload: bytes, words: str) -> None:
    told = refusal(code, payload, OURS)
    assert words in told
    assert "\n" not in told


def test_a_refusal_of_the_whole_cluster_says_so() -> None:
    told = refusal(403, said(403), Access("list", "deployments.apps"))
    assert "you may not list deployments.apps in the whole cluster" in told


def test_an_answer_is_shown_with_where_it_comes_from() -> None:
    body = {"answer": "Yes.", "sources": ["a.md", "b.md"], "from_cache": True, "latency_ms": 0.4}
    found = read_answer(200, {"x-ragwright-version": "7"}, json.dumps(body).encode())
    assert found.lines == ["Yes.", "  [1] a.md", "  [2] b.md", "  version 7, from a cache, 0.4 ms"]


@pytest.mark.parametrize(
    ("code", "payload", "words"),
    [
        (503, b'{"error": "no_index", "message": "no version is live"}', r"no version.*no_index"),
        (200, b'{"hello": 1}', "no message"),
        (502, b"<html>bad gateway", "no API of a pipeline"),
        (200, b"[1]", "no API of a pipeline"),
    ],
)
def test_what_is_no_answer_is_told(code: int, payload: bytes, words: str) -> None:
    with pytest.raises(CliError, match=words):
        read_answer(code, {}, payload)


def test_a_text_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[2Jb\x9bc\u202ed\te\nf") == "a\ufffd[2Jb\ufffdc\ufffdd\te\nf"
