"""The demo from an empty machine to a table of figures."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev.demo import objects
from dev.demo.documents import Checkout, Document, questions, read_documents
from dev.demo.pipeline import State, watch
from dev.demo.show import Screen, table
from dev.demo.words import last_words
from dev.install import Installed, install, uninstall
from dev.kubectl import Kubectl, until
from ragwright_core.contract import API_PORT, WEBHOOKS_PATH
from ragwright_core.names import PipelineName

PIPELINE = PipelineName(objects.NAMESPACE, "docs")
WEBHOOK_URL = f"{PIPELINE.url}{WEBHOOKS_PATH}handbook"
EXAMPLE = Path("examples/quickstart.yaml")
ASKED_IN_TERMINAL = (
    "How do I write my first Django app?",
    "What does select_related do?",
    "How are migrations squashed?",
)
# Asking goes on for this long after the swap is reported: old answers would show then.
AFTER_REPORT_SECONDS = 30


def run() -> int:
    screen = Screen()
    with screen.step("A Kubernetes cluster, the image, and the operator by its chart"):
        installed = install(screen.say)
    documents = read_documents(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(screen, installed, documents, Checkout(Path(folder) / "docs", documents))
        with screen.step(f"{len(documents)} documents into a git server inside the cluster"):
            scene.serve_documents()
        with screen.step(f"kubectl apply -f {EXAMPLE}: index version 1"):
            first = scene.first_version()
        scene.ask_in_terminal()
        with screen.step("Every file changes while 8 clients ask: index version 2"):
            second = scene.reindex_under_load(first)
    words = last_words(PIPELINE, installed.cluster.env(), os.environ)
    return conclude(screen, first, second, words)


def down() -> int:
    uninstall(objects.NAMESPACE)
    return 0


@dataclass(frozen=True)
class Reindexed:
    """The state after the reindex, what the clients saw, and when the documents were pushed."""

    state: State
    tally: dict[str, Any]
    pushed_at: datetime

    @property
    def why(self) -> str:
        build = self.state.status["history"][0]
        waited = datetime.fromisoformat(build["startedAt"]) - self.pushed_at
        return f"{build['why']}, {max(0.0, waited.total_seconds()):.0f} s after the push"


@dataclass(frozen=True)
class Scene:
    """The state that the demo's steps share."""

    screen: Screen
    installed: Installed
    documents: list[Document]
    checkout: Checkout

    @property
    def _kubectl(self) -> Kubectl:
        return self.installed.kubectl

    def _in_namespace(self, *arguments: str) -> str:
        return self._kubectl("-n", objects.NAMESPACE, *arguments)

    def serve_documents(self) -> None:
        self._remove_last_run()
        server = objects.git_server(self.installed.image, WEBHOOK_URL, secrets.token_urlsafe(24))
        self._kubectl.apply(objects.namespace(), *server)
        self._in_namespace("rollout", "restart", f"deploy/{objects.GIT}")
        self._in_namespace("rollout", "status", f"deploy/{objects.GIT}", "--timeout=180s")
        self.checkout.commit(1)
        self._push()

    def _remove_last_run(self) -> None:
        if self._kubectl.get("namespace", objects.NAMESPACE):
            self._in_namespace("delete", "job", objects.ASKER, "--ignore-not-found")
            self._in_namespace("delete", "rag", PIPELINE.name, "--ignore-not-found")
            self._in_namespace("delete", "pvc", PIPELINE.postgres, "--ignore-not-found")

    def _push(self) -> None:
        with self._kubectl.forward(objects.NAMESPACE, f"svc/{objects.GIT}", 8080) as url:
            self.checkout.push(f"{url}/docs.git")

    def first_version(self) -> State:
        pipeline: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
        pipeline["metadata"]["namespace"] = objects.NAMESPACE
        pipeline["spec"]["sources"][0]["webhook"] = {"secretKeyRef": objects.WEBHOOK}
        self._kubectl.apply(pipeline)
        return watch(
            self._kubectl,
            PIPELINE,
            lambda state: state.ready and state.live is not None,
            lambda state: self.screen.live(state.line),
            seconds=600,
        )

    def ask_in_terminal(self) -> None:
        with self._kubectl.forward(objects.NAMESPACE, f"svc/{PIPELINE.api}", API_PORT) as url:
            for question in ASKED_IN_TERMINAL:
                asked = httpx.post(f"{url}/api/rag/query", json={"question": question}, timeout=10)
                body = asked.json()
                self.screen.say(f"\n  Q  {question}\n  A  {body['answer'][:400]}")
                self.screen.say("     " + "\n     ".join(body["sources"][:3]))
        self.screen.say("")

    def reindex_under_load(self, first: State) -> Reindexed:
        asked = questions(self.documents, 200)
        self._kubectl.apply(*objects.asker_job(self.installed.image, PIPELINE.url, asked))
        pods = ("pod", "-l", f"app={objects.ASKER}")
        self._in_namespace("wait", *pods, "--for=condition=Ready", "--timeout=120s")
        pod = self._in_namespace("get", *pods, "-o", "name").strip()
        with (
            self._kubectl.forward(objects.NAMESPACE, pod, 8080) as control,
            httpx.Client(base_url=control, timeout=10) as asker,
        ):
            until(lambda: _tally(asker)["asked"] >= 200, 60, "the first 200 answers")
            pushed_at = self._change_everything()
            second = watch(
                self._kubectl,
                PIPELINE,
                lambda state: (state.live or 0) > (first.live or 0),
                lambda state: self.screen.live(_live_line(_tally(asker), state)),
                seconds=600,
            )
            asker.post("/reported/2")
            ends_at = time.monotonic() + AFTER_REPORT_SECONDS
            while time.monotonic() < ends_at:
                self.screen.live(_live_line(_tally(asker), second))
                time.sleep(0.5)
            tally = _tally(asker)
            asker.post("/stop")
        return Reindexed(second, tally, pushed_at)

    def _change_everything(self) -> datetime:
        """The push alone starts the reindex: the git server calls the pipeline's webhook."""
        self.checkout.commit(2)
        self._push()
        return datetime.now(UTC)


def _tally(asker: httpx.Client) -> dict[str, Any]:
    return dict(asker.get("/tally").json())


def _live_line(tally: dict[str, Any], state: State) -> str:
    counts = "  ".join(f"{name} {tally[name]}" for name in ("asked", "failed", "stale"))
    return f"{counts}  · {state.line}"


def conclude(screen: Screen, first: State, reindexed: Reindexed, words: list[str]) -> int:
    second, tally = reindexed.state, reindexed.tally
    rows = [("version", "documents  chunks  seconds by phase")]
    for current in (first, second):
        live = current.status["index"]["live"]
        phases = current.status["history"][0].get("seconds", {})
        spent = "  ".join(f"{phase} {seconds:.1f}" for phase, seconds in phases.items())
        counts = f"{live['documents']:>9}  {live['chunks']:>6}"
        rows.append((str(live["number"]), f"{counts}  {spent}"))
    rows.append(("reindexed for", reindexed.why))
    rows.append(("swap", f"{second.status['lastSwap']['milliseconds']:.1f} ms"))
    rows += [(name, str(tally[name])) for name in ("asked", "failed", "mixed", "stale")]
    rows.append(("unmarked", f"{tally['unmarked']} answers whose text carries no revision"))
    screen.say("\n" + table(rows))
    for failure in tally["first_failures"]:
        screen.say(f"    {failure}")
    url = second.status.get("url", "")
    screen.say(f"\n    {url} is up. From this machine:\n" + "\n".join(f"    {w}" for w in words))
    screen.say("")
    wrong = [name for name in ("failed", "mixed", "stale") if tally[name]]
    answered_after = tally["answered_from"].get("2", 0)
    if wrong or not answered_after:
        screen.say(f"    NOT as promised: {', '.join(wrong) or 'no answer came from version 2'}")
        return 1
    return 0
