"""What `kubectl rag` writes, and what programs read of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from ragwright_core.contract import QUERY_PATH
from ragwright_core.spec import APPROVE_ANNOTATION, KIND, REINDEX_ANNOTATION
from tests.integration.cli.conftest import Desk, Sit
from tests.kit.kube_api import (
    ASK,
    PIPELINE,
    status_object,
)
from tests.kit.operator import live, pipeline, rounds
from tests.kit.operator_world import NAME

PROGRAM = Path(sys.executable).parent / "kubectl-rag"
SECONDS = 60
PRINTING = (
    ["status"], ["ask", "How long?"], ["errors"], ["doctor"], ["reindex"], ["history"],
    ["rollback"], ["diff", "-f", "docs.yaml"],
)  # fmt: skip


def program(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        env=desk.env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def write_file(folder: Path, **spec: Any) -> None:
    (folder / "docs.yaml").write_text(yaml.safe_dump(pipeline(**spec)))


@pytest.mark.parametrize("arguments", PRINTING, ids=lambda item: item[0])
def test_everything_that_prints_can_be_read_by_programs(
    sit: Sit, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = sit("healthy")(*arguments, "-o", "json")
    assert said.code == 0, said
    json.loads(said.out)


def test_status_as_json_is_the_status_without_the_operators_memory(sit: Sit) -> None:
    desk = sit("healthy")
    found = json.loads(desk("status", "-o", "json").out)
    written = dict(desk.api.world.objects[KIND, NAME]["status"])
    del written["operator"]
    assert found["status"] == written


def test_the_program_waits_for_the_version_that_it_asked_for(sit: Sit) -> None:
    desk = sit("healthy", lives=True)
    done = program(desk, "reindex", "--wait")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "version 3 is live"), done
    assert "waiting: asked for by annotation" in done.stderr
    assert live(desk.api.world) == 3
    [(where, body)] = desk.api.written
    assert where == PIPELINE
    assert datetime.fromisoformat(body["metadata"]["annotations"][REINDEX_ANNOTATION])


def test_the_program_without_its_libraries_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')")
    code = "from ragwright_cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("kubectl-rag: write ragwright[cli] for ragwright where you install it\n")


def test_a_shell_completes_its_commands(sit: Sit) -> None:
    desk = sit("healthy")
    desk.env |= {
        "_KUBECTL_RAG_COMPLETE": "complete_bash",
        "COMP_WORDS": "kubectl-rag re",
        "COMP_CWORD": "1",
    }
    assert program(desk).stdout.split() == ["reindex"]


def test_a_failed_build_ends_the_wait_with_1(sit: Sit) -> None:
    desk = sit("healthy", lives=True)
    desk.api.world.failed_gates = ("maxShrink",)
    said = desk("reindex", "docs", "--wait", "-o", "json")
    assert said.code == 1
    assert json.loads(said.out)["state"] == "failed"


def test_an_api_server_that_is_away_for_a_moment_does_not_end_the_wait(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sit("healthy", lives=True)
    away = [status_object(503, "Unavailable", "later"), status_object(429, "TooMany", "slowly")]
    answer = desk.api.reply

    def reply(method: str, target: str, body: Any) -> Any:
        return (
            away.pop()
            if method == "GET" and desk.api.written and away
            else answer(method, target, body)
        )

    monkeypatch.setattr(desk.api, "reply", reply)
    said = desk("reindex", "docs", "--wait")
    assert said.code == 0, said
    assert not away


def test_a_wait_has_an_end(sit: Sit) -> None:
    began = time.monotonic()
    said = sit("healthy")("reindex", "docs", "--wait", "--timeout", "1")
    assert said.code == 1
    assert "after 1 s it goes on: the operator has not begun yet" in said.err
    assert time.monotonic() - began < 30


def test_a_pinned_pipeline_is_asked_and_not_waited_for(sit: Sit) -> None:
    desk = sit("pinned", lives=True)
    said = desk("reindex")
    assert (said.code, "while version 1 is pinned" in said.out) == (0, True)
    assert desk("reindex", "--wait").code == 1


def test_a_rollback_is_carried_out_by_the_operator(sit: Sit) -> None:
    desk = sit("healthy")
    assert desk("rollback").code == 0
    asyncio.run(rounds(desk.api.world))
    assert live(desk.api.world) == 1
    assert "pinned already" in desk("rollback").err
    assert desk("rollback", "2").code == 0
    asyncio.run(rounds(desk.api.world))
    assert live(desk.api.world) == 2


@pytest.mark.parametrize(
    ("scene", "arguments", "value"),
    [
        ("approval_waited_for", [], "3"),
        (
            "gates_failed",
            ["--override", "goldenQuestions,maxShrink"],
            "3 goldenQuestions,maxShrink",
        ),
    ],
)
def test_an_approved_version_is_swapped_in(
    sit: Sit, scene: str, arguments: list[str], value: str
) -> None:
    desk = sit(scene)
    assert desk("approve", *arguments).code == 0
    written = desk.api.world.objects[KIND, NAME]["metadata"]["annotations"]
    assert written[APPROVE_ANNOTATION] == value
    asyncio.run(rounds(desk.api.world))
    assert live(desk.api.world) == 3


def test_a_question_says_whether_a_cache_may_answer(sit: Sit) -> None:
    desk = sit("healthy")
    desk("ask", "docs", "How long?")
    desk("ask", "docs", "How long?", "--no-cache")
    assert desk.api.written == [
        (ASK, {"question": "How long?", "use_cache": True}),
        (ASK, {"question": "How long?", "use_cache": False}),
    ]


def test_a_question_to_a_url_needs_no_cluster(sit: Sit) -> None:
    desk = sit("healthy")
    server = yaml.safe_load(Path(desk.env["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]
    base = server["server"] + ASK.removesuffix(QUERY_PATH)
    desk.env["KUBECONFIG"] = "/nowhere"
    said = desk("ask", "How long?", "--url", base)
    assert "[1] handbook/refunds.md" in said.out
    assert "does not answer" in desk("ask", "How long?", "--url", "http://127.0.0.1:1").err
    assert desk("ask", "How long?", "--url", "no url").code == 1


def test_a_file_is_compared_with_its_own_pipeline(
    sit: Sit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sit("healthy")
    monkeypatch.chdir(tmp_path)
    write_file(tmp_path, reindex={"keep": 1})
    said = desk("diff", "-f", "docs.yaml")
    assert said.out == "the file changes nothing\nno index is built\n"
    assert desk("diff", "-f", "docs.yaml", "-n", "other").code == 2
    (tmp_path / "new.yaml").write_text((tmp_path / "docs.yaml").read_text().replace("docs", "new"))
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe")
    assert "no text in UTF-8" in desk("diff", "-f", "bytes.yaml").err
    (tmp_path / "long.yaml").write_text("# \n" * 2_000_000)
    assert "longer than 4 MiB" in desk("diff", "-f", "long.yaml").err
    assert "there is no RagPipeline new yet" in desk("diff", "-f", "new.yaml").out
    assert desk.api.written == []
