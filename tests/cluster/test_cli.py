"""`kubectl rag` as kubectl runs it, on a healthy and on a broken pipeline of a real cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.kit.cluster import RULES, Namespace, pipeline

HERE = Path(sys.executable).parent
SECONDS = 300
LATER = {"name": "later", "configMap": {"name": "later"}}


def rag(namespace: Namespace, *arguments: str, code: int = 0) -> str:
    """Run the plugin; returns what it printed."""
    env = dict(namespace.kubectl.env)
    done = subprocess.run(
        ["kubectl", "rag", *arguments, "-n", namespace.name],
        env={**env, "PATH": f"{HERE}{os.pathsep}{env['PATH']}"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_healthy_pipeline_is_asked_rebuilt_and_rolled_back(namespace: Namespace) -> None:
    namespace.write_rules(RULES)
    namespace.apply(pipeline("rules"))
    namespace.until_live("rules", 1)
    assert f"rules in {namespace.name}: Ready" in rag(namespace, "status")
    assert "thirty days" in rag(namespace, "ask", "What is the refund policy?")
    doctor = rag(namespace, "doctor", "rules")
    assert "the operator ragwright-system/ragwright-operator runs" in doctor
    assert "pipeline rules answers from version 1" in doctor
    assert "nothing has changed" in rag(namespace, "reindex", "--wait")

    smaller = pipeline("rules", chunking={"maxCharacters": 500})
    (said,) = json.loads(diff(namespace, smaller))["changes"]
    assert (said["path"], said["rebuilds"]) == ("chunking.maxCharacters", True)
    namespace.apply(smaller)
    namespace.until_live("rules", 2)
    assert json.loads(diff(namespace, smaller))["build"] is False
    assert "the spec changed: chunking.maxCharacters" in rag(namespace, "history")

    assert "version 1 of rules is pinned" in rag(namespace, "rollback")
    namespace.until_live("rules", 1)
    held = rag(namespace, "reindex", "--wait", code=1)
    assert "nothing is built while version 1 is pinned" in held
    assert "nothing is wrong" in rag(namespace, "errors")


def diff(namespace: Namespace, manifest: dict[str, object]) -> str:
    """What the file of this pipeline would change, as JSON."""
    env = dict(namespace.kubectl.env)
    done = subprocess.run(
        ["kubectl-rag", "diff", "-f", "-", "-o", "json", "-n", namespace.name],
        env={**env, "PATH": f"{HERE}{os.pathsep}{env['PATH']}"},
        input=json.dumps(manifest),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout


def test_a_broken_pipeline_is_told_with_its_cause_and_the_next_command(
    namespace: Namespace,
) -> None:
    namespace.apply(pipeline("empty", sources=[LATER]))
    namespace.until_reason("empty", "SourceNotFound")
    assert "empty in" in rag(namespace, "status")
    doctor = rag(namespace, "doctor", code=1)
    assert "the resource ragpipelines.ragwright.dev is installed" in doctor
    assert "WRONG  pipeline empty: " in doctor
    assert "kubectl create configmap later --from-file=FOLDER" in doctor
    assert "SourceNotFound, Degraded, Stalled, Ready, IndexReady" in doctor
    assert "SourceNotFound" in rag(namespace, "errors", code=1)
    assert "ConfigMap later does not exist" in rag(namespace, "reindex", "--wait", code=1)
    rag(namespace, "ask", "What is the refund policy?", code=1)
    assert "there is no RagPipeline other" in rag(namespace, "status", "other", code=1)
