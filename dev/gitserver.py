"""A git server over http on this machine: the demo's own, in a thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from dev.demo.gitserver import make_server


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a bare repository in `folder`, made if it is not there; yields its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    server = make_server(folder, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/docs.git"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
