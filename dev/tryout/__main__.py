"""`make try DOCS=./notes`: the Jobs and the API of a cluster as processes of this machine."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
from dulwich.repo import Repo

from dev.gitserver import serve
from dev.stack import BuildFailedError, stack
from dev.tryout.builds import Builder
from dev.tryout.folder import Documents, NoDocumentsError
from ragwright_core.spec import Git, RagPipelineSpec, Source

_DESCRIPTION = """\
Answers questions from a folder of .md, .rst and .txt documents, on this machine alone. A change in
the folder builds a new index version beside the live one, and swaps it in. Everything is removed
when it ends: with Ctrl-D, or Ctrl-C.
"""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def ask(url: str, question: str) -> str:
    """The answer with its sources, or why there is none."""
    reply = httpx.post(f"{url}/api/rag/query", json={"question": question}, timeout=60)
    body = reply.json()
    if reply.status_code != 200:
        return f"{body['error']}: {body['message']}"
    sources = [f"  [{number}] {source}" for number, source in enumerate(body["sources"], start=1)]
    version, cached = reply.headers["x-ragwright-version"], body["from_cache"]
    how = "from the cache" if cached else "computed"
    took = f"  version {version}, {how}, {body['latency_ms']} ms"
    return "\n".join([body["answer"], *sources, took])


def questions() -> Iterator[str]:
    """The lines that are typed at the terminal, until its end."""
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except (EOFError, KeyboardInterrupt):
            return
        if line.strip():
            yield line


@contextlib.contextmanager
def following(builder: Builder) -> Iterator[None]:
    """Builds at every change of the folder, until the block ends."""
    stopping = threading.Event()
    thread = threading.Thread(target=builder.follow, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def tryout(folder: Path) -> None:
    documents = Documents(folder)
    documents.state()
    say("starting Postgres with pgvector, and Valkey")
    with stack("try") as stores, serve(stores.folder / "documents.git") as url:
        spec = RagPipelineSpec(sources=[Source(name="docs", git=Git(url=url, ref="main"))])
        public, internal = stores.start_api(spec)
        repo = Repo(str(stores.folder / "documents.git"))
        builder = Builder(stores, spec, documents, repo, internal, say)
        builder.build()
        say(f'ask here, or: curl {public}/api/rag/query --json \'{{"question": "..."}}\'')
        with following(builder):
            for question in questions():
                say(ask(public, question))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="make try", description=_DESCRIPTION, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DOCS", help="folder of documents")
    try:
        tryout(parser.parse_args().folder)
    except (NoDocumentsError, BuildFailedError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
