"""`kubectl rag ask`."""

from __future__ import annotations

from typing import Annotated, Any

import httpx
import typer

from ragwright_cli.cluster import Reply
from ragwright_cli.options import Common
from ragwright_cli.pipeline import Pipeline, group
from ragwright_cli.problems import CliError
from ragwright_cli.reading.answers import Answer, read_answer
from ragwright_cli.reading.arguments import name_and_question
from ragwright_cli.screen import say, show_json
from ragwright_core.contract import QUERY_PATH, llm_seconds
from ragwright_core.spec import Llm

# Beside the language model: the API server's proxy, and a lease.
MORE_SECONDS = 15.0
Arguments = Annotated[list[str], typer.Argument(metavar="[NAME] QUESTION")]
Url = Annotated[
    str | None, typer.Option(help="Ask here, and not through the API server: http://host:port")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Have it computed anew.")]


def ask(
    common: Common, arguments: Arguments, *, url: Url = None, no_cache: NoCache = False
) -> None:
    """Ask a question."""
    name, question = name_and_question(arguments)
    body = {"question": question, "use_cache": not no_cache}
    reply = _over_url(url, body) if url else _over_cluster(common, name, body)
    answer = read_answer(reply.status, reply.headers, reply.payload)
    if common.output == "json":
        show_json({**answer.body, "version": answer.version})
    else:
        _show(answer)


def _show(answer: Answer) -> None:
    for line in answer.lines:
        say(line)


def _over_cluster(common: Common, name: str | None, body: dict[str, Any]) -> Reply:
    with common.cluster() as cluster:
        found = cluster.pipeline(name)
        return cluster.ask(found.names, body, patience(found))


def _over_url(url: str, body: dict[str, Any]) -> Reply:
    where = f"{url.rstrip('/')}{QUERY_PATH}"
    seconds = llm_seconds(Llm().timeout_seconds) + MORE_SECONDS
    try:
        found = httpx.post(where, json=body, timeout=seconds)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CliError(f"{url} does not answer ({type(error).__name__})") from None
    return Reply(found.status_code, found.headers, found.content)


def patience(pipeline: Pipeline) -> float:
    """As long as the pipeline's own language model may take."""
    written = group(pipeline.raw.get("spec"), "llm").get("timeoutSeconds")
    seconds = written if isinstance(written, int) else Llm().timeout_seconds
    return llm_seconds(seconds) + MORE_SECONDS
