"""An API server over HTTP for `kubectl rag`: the objects of a world in memory, whose operator makes
rounds while it is looked at."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from structlog.testing import capture_logs

from ragwright_core.contract import QUERY_PATH
from ragwright_core.spec import GROUP, KIND, PLURAL, VERSION
from tests.kit.operator import one_round
from tests.kit.operator_world import NAME, NAMESPACE, World, fill_defaults

PIPELINES = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
PIPELINE = f"{PIPELINES}/{NAME}"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DEPLOYMENTS = "/apis/apps/v1/deployments"
ASK = f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}-api:8000/proxy{QUERY_PATH}"
OPERATOR = {
    "metadata": {"name": "ragwright-operator", "namespace": "ragwright-system"},
    "spec": {"template": {"spec": {"containers": [{"name": "operator", "env": []}]}}},
    "status": {"availableReplicas": 1},
}
ANSWER = {
    "answer": "Refunds take thirty days. [1]",
    "sources": ["handbook/refunds.md#L3-L5"],
    "from_cache": False,
    "latency_ms": 12.5,
}
Reply = tuple[int, Any, dict[str, str]]


@dataclass
class KubeApi:
    """`lives`: the operator works while a pipeline is looked at. `others` are names of further
    pipelines. `refuse` are replies by method and path. `written` are the bodies of PATCH and
    POST."""

    world: World
    lives: bool = False
    others: list[str] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=lambda: [OPERATOR])
    refuse: dict[tuple[str, str], Reply] = field(default_factory=dict)
    written: list[tuple[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply(self, method: str, target: str, body: Any) -> Reply:
        url = urlsplit(target)
        if body is not None:
            self.written.append((url.path, body))
        if (method, url.path) in self.refuse:
            return self.refuse[method, url.path]
        with self.lock:
            return self._reply(method, url.path, parse_qs(url.query), body)

    def _reply(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Reply:
        if path in (PIPELINE, PIPELINES) and (KIND, NAME) in self.world.objects:
            return 200, self._of_pipelines(method, path, body), {}
        if (method, path) == ("POST", ASK):
            return 200, ANSWER, {"X-Ragwright-Version": "2"}
        if path == PODS:
            assert query["labelSelector"] == [f"ragwright.dev/pipeline={NAME}"]
        found = {
            "/version": {"gitVersion": "v1.34.1"},
            f"/apis/{GROUP}/{VERSION}": {"resources": [{"name": PLURAL}]},
            DEPLOYMENTS: {"items": self.deployments},
            PIPELINES: {"items": []},
            PODS: {"items": [i for (kind, _), i in self.world.objects.items() if kind == "Pod"]},
        }
        return (200, found[path], {}) if path in found else missing(path)

    def _of_pipelines(self, method: str, path: str, body: Any) -> dict[str, Any]:
        if path == PIPELINES:
            return {"items": self._pipelines()}
        if method == "PATCH":
            merge(self.world.objects[KIND, NAME], body)
        elif self.lives:
            with capture_logs():
                asyncio.run(one_round(self.world))
            self.world.settle()
        return self._pipelines()[0]

    def _pipelines(self) -> list[dict[str, Any]]:
        """As the API server shows them, defaults included."""
        shown = json.loads(json.dumps(self.world.objects[KIND, NAME]))
        fill_defaults(self.world.schema, shown["spec"])
        others = [{**shown, "metadata": {**shown["metadata"], "name": n}} for n in self.others]
        return [shown, *others]


def merge(item: dict[str, Any], body: dict[str, Any]) -> None:
    """A JSON merge patch; another spec is another generation."""
    before = json.dumps(item["spec"], sort_keys=True)
    _merge(item, body)
    if json.dumps(item["spec"], sort_keys=True) != before:
        item["metadata"]["generation"] += 1


def _merge(item: dict[str, Any], body: dict[str, Any]) -> None:
    for name, value in body.items():
        if value is None:
            item.pop(name, None)
        elif isinstance(value, dict):
            _merge(item.setdefault(name, {}), value)
        else:
            item[name] = value


def status_object(code: int, reason: str, message: str, name: str = "") -> Reply:
    """How the API server refuses."""
    found = {"kind": "Status", "apiVersion": "v1", "reason": reason, "message": message}
    return code, {**found, "code": code, "details": {"name": name} if name else {}}, {}


def missing(path: str) -> Reply:
    if f"/{PLURAL}/" in path:
        name = path.rpartition("/")[2]
        return status_object(404, "NotFound", f'{PLURAL}.{GROUP} "{name}" not found', name)
    return status_object(404, "NotFound", "the server could not find the requested resource")


def forbidden(message: str = "is forbidden: User cannot do this") -> Reply:
    return status_object(403, "Forbidden", message)


@contextmanager
def served(api: KubeApi, folder: Path) -> Iterator[Path]:
    """Serve it; yields a kubeconfig whose context has the namespace of the world."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, found, headers = api.reply(self.command, self.path, body)
            payload = json.dumps(found).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_PATCH = do_POST = _answer  # noqa: N815 - the names of the base class

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield kubeconfig(folder, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def kubeconfig(folder: Path, server: str) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
        "contexts": [
            {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": NAMESPACE}},
            {"name": "elsewhere", "context": {"cluster": "here", "user": "me"}},
        ],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path
