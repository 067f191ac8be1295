"""Runs in the cluster: serves one bare git repository over http, for reading and for pushing."""

from __future__ import annotations

import sys
from pathlib import Path
from socketserver import ThreadingMixIn

from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import WSGIRequestHandlerLogger, WSGIServerLogger, make_wsgi_chain


class ThreadedServer(ThreadingMixIn, WSGIServerLogger):
    """Uses one thread per request, because the load workers clone at the same time."""

    daemon_threads = True


def make_server(folder: Path, host: str, port: int) -> ThreadedServer:
    """A server of the repository in `folder` at /docs.git; a port of 0 takes a free one."""
    repository = Repo(str(folder)) if (folder / "HEAD").exists() else Repo.init_bare(str(folder))
    server = ThreadedServer((host, port), WSGIRequestHandlerLogger)
    served: dict[str, BackendRepo] = {"/docs.git": repository}
    server.set_app(make_wsgi_chain(DictBackend(served)))
    return server


if __name__ == "__main__":
    make_server(Path(sys.argv[1]), "0.0.0.0", 8080).serve_forever()
