"""Runs in the cluster: serves one bare git repository over http, for reading and for pushing. Where
WEBHOOK_URL is set, it calls that after each push, signed with WEBHOOK_SECRET, as Gitea does."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn

from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain

Update = tuple[bytes, bytes, bytes]  # the commit before, the commit after, and the ref
CALL_SECONDS = 5
TRIES = 3


class ThreadedServer(ThreadingMixIn, WSGIServerLogger):
    """Uses one thread per request, because the load workers clone at the same time."""

    daemon_threads = True


@dataclass(frozen=True)
class Webhook:
    """A post-receive hook of dulwich."""

    url: str
    secret: str

    def execute(self, updates: Sequence[Update]) -> bytes:
        for before, after, ref in updates:
            push = {"ref": ref.decode(), "before": before.decode(), "after": after.decode()}
            self._call(json.dumps(push).encode())
        return b""

    def _call(self, body: bytes) -> None:
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Gitea-Event": "push",
            "X-Hub-Signature-256": f"sha256={digest}",
        }
        request = urllib.request.Request(self.url, body, headers)
        for _ in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=CALL_SECONDS) as reply:
                    print(f"webhook: {reply.status} {reply.read(500)!r}", flush=True)
                    return
            except (urllib.error.URLError, OSError) as error:
                print(f"webhook: {error}", flush=True)
                time.sleep(1)


def make_server(
    folder: Path, host: str, port: int, webhook: Webhook | None = None
) -> ThreadedServer:
    """A server of the repository in `folder` at /docs.git; a port of 0 takes a free one."""
    repository = Repo(str(folder)) if (folder / "HEAD").exists() else Repo.init_bare(str(folder))
    if webhook is not None:
        repository.hooks["post-receive"] = webhook  # type: ignore[assignment]
    server = ThreadedServer((host, port), WSGIRequestHandlerLogger)
    served: dict[str, BackendRepo] = {"/docs.git": repository}
    server.set_app(make_wsgi_chain(DictBackend(served)))
    return server


if __name__ == "__main__":
    url = os.environ.get("WEBHOOK_URL")
    hook = Webhook(url, os.environ["WEBHOOK_SECRET"]) if url else None
    make_server(Path(sys.argv[1]), "0.0.0.0", 8080, hook).serve_forever()
