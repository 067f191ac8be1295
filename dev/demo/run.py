"""The demo from an empty machine to a table of figures."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import yaml
from dev.install import Installed, install, uninstall

from dev.demo import objects
from dev.demo.documents import Checkout, Document, questions, read_documents
from dev.demo.pipeline import State, watch
from dev.demo.show import Screen, table
from dev.kubectl import Kubectl, until

PIPELINE = "docs"
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
    kubectl = installed.kubectl
    documents = read_documents(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder) / "docs", documents)
        with screen.step(f"{len(documents)} documents into a git server inside the cluster"):
            _serve_documents(kubectl, installed, checkout)
        with screen.step(f"kubectl apply -f {EXAMPLE}: index version 1"):
            first = _first_version(kubectl, screen)
        with kubectl.forward(objects.NAMESPACE, f"svc/{PIPELINE}-api", 8000) as url:
            _ask_in_terminal(url, screen)
        with screen.step("Every file changes while 8 clients ask: index version 2"):
            second, tally = _reindex_under_load(
                kubectl, installed, checkout, documents, screen, first
            )
    return _conclude(screen, first, second, tally)


def down() -> int:
    uninstall(objects.NAMESPACE, objects.LABEL)
    return 0


def _serve_documents(kubectl: Kubectl, installed: Installed, checkout: Checkout) -> None:
    _remove_last_run(kubectl)
    kubectl.apply(objects.namespace(), *objects.git_server(installed.image))
    kubectl("-n", objects.NAMESPACE, "rollout", "restart", f"deploy/{objects.GIT}")
    kubectl("-n", objects.NAMESPACE, "rollout", "status", f"deploy/{objects.GIT}", "--timeout=180s")
    checkout.commit(1)
    _push(kubectl, checkout)


def _remove_last_run(kubectl: Kubectl) -> None:
    if not kubectl.get("namespace", objects.NAMESPACE):
        return
    in_namespace = ("-n", objects.NAMESPACE)
    kubectl(*in_namespace, "delete", "job", objects.ASKER, "--ignore-not-found")
    kubectl(*in_namespace, "delete", "rag", PIPELINE, "--ignore-not-found", "--timeout=120s")
    kubectl(*in_namespace, "delete", "pvc", f"{PIPELINE}-postgres", "--ignore-not-found")


def _push(kubectl: Kubectl, checkout: Checkout) -> None:
    with kubectl.forward(objects.NAMESPACE, f"svc/{objects.GIT}", 8080) as url:
        checkout.push(f"{url}/docs.git")


def _first_version(kubectl: Kubectl, screen: Screen) -> State:
    pipeline: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    pipeline["metadata"]["namespace"] = objects.NAMESPACE
    kubectl.apply(pipeline)
    return watch(
        kubectl,
        objects.NAMESPACE,
        PIPELINE,
        lambda state: state.ready and state.live is not None,
        lambda state: screen.live(state.line),
        seconds=600,
    )


def _ask_in_terminal(url: str, screen: Screen) -> None:
    for question in ASKED_IN_TERMINAL:
        body = httpx.post(f"{url}/api/rag/query", json={"question": question}, timeout=10).json()
        screen.say(f"\n  Q  {question}\n  A  {body['answer'][:400]}")
        screen.say("     " + "\n     ".join(body["sources"][:3]))
    screen.say("")


def _reindex_under_load(  # noqa: PLR0913 - the whole scene meets here
    kubectl: Kubectl,
    installed: Installed,
    checkout: Checkout,
    documents: list[Document],
    screen: Screen,
    first: State,
) -> tuple[State, dict[str, Any]]:
    url = f"http://{PIPELINE}-api.{objects.NAMESPACE}.svc:8000"
    kubectl.apply(*objects.asker_job(installed.image, url, questions(documents, 200)))
    kubectl(
        "-n", objects.NAMESPACE, "wait", "pod", "-l", f"app={objects.ASKER}",
        "--for=condition=Ready", "--timeout=120s",
    )  # fmt: skip
    pod = kubectl("-n", objects.NAMESPACE, "get", "pod", "-l", f"app={objects.ASKER}", "-o", "name")
    with (
        kubectl.forward(objects.NAMESPACE, pod.strip(), 8080) as control,
        httpx.Client(base_url=control, timeout=10) as asker,
    ):
        until(lambda: asker.get("/tally").json()["asked"] >= 200, 60, "the first 200 answers")
        checkout.commit(2)
        _push(kubectl, checkout)
        kubectl(
            "-n", objects.NAMESPACE, "annotate", "rag", PIPELINE, "--overwrite",
            f"ragwright.dev/reindex={time.time_ns()}",
        )  # fmt: skip
        second = watch(
            kubectl,
            objects.NAMESPACE,
            PIPELINE,
            lambda state: (state.live or 0) > (first.live or 0),
            lambda state: screen.live(_live_line(asker.get("/tally").json(), state.line)),
            seconds=600,
        )
        asker.post("/reported/2")
        ends_at = time.monotonic() + AFTER_REPORT_SECONDS
        while time.monotonic() < ends_at:
            screen.live(_live_line(asker.get("/tally").json(), second.line))
            time.sleep(0.5)
        tally = asker.get("/tally").json()
        asker.post("/stop")
    return second, tally


def _live_line(tally: dict[str, Any], line: str) -> str:
    return f"asked {tally['asked']}  failed {tally['failed']}  stale {tally['stale']}  · {line}"


def _conclude(screen: Screen, first: State, second: State, tally: dict[str, Any]) -> int:
    rows = [("version", "documents  chunks")]
    for current in (first, second):
        live = current.status["index"]["live"]
        rows.append((str(live["number"]), f"{live['documents']:>9}  {live['chunks']:>6}"))
    for entry in second.status.get("history", []):
        rows.append((f"build {entry.get('number', '-')}", entry.get("message", "")))
    rows.append(("swap", f"{second.status['lastSwap']['milliseconds']:.1f} ms"))
    rows += [(name, str(tally[name])) for name in ("asked", "failed", "mixed", "stale")]
    rows.append(("unmarked", f"{tally['unmarked']} answers whose text carries no revision"))
    screen.say("\n" + table(rows))
    for failure in tally["first_failures"]:
        screen.say(f"    {failure}")
    screen.say(
        f"\n    {second.status.get('url', '')} is up. From this machine:\n"
        f"    kubectl -n {objects.NAMESPACE} port-forward svc/{PIPELINE}-api 8000 &\n"
        "    curl -s localhost:8000/api/rag/query -H 'content-type: application/json' "
        '-d \'{"question": "What is a queryset?"}\'\n'
        f"    Change a file and watch: kubectl -n {objects.NAMESPACE} get rag -w\n"
    )
    wrong = [name for name in ("failed", "mixed", "stale") if tally[name]]
    answered_after = tally["answered_from"].get("2", 0)
    if wrong or not answered_after:
        screen.say(f"    NOT as promised: {', '.join(wrong) or 'no answer came from version 2'}")
        return 1
    return 0
