"""An authority of the administrator's own, and a proxy: every client of the real programs uses
them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from dev.loopback import LOOPBACK
from dev.programs import on_loopback
from dev.servers.git_server import GitServer
from dev.servers.openai_server import Endpoint
from ragwright_core.endpoint import client as endpoints
from ragwright_core.endpoint.failure import EndpointError
from ragwright_core.network import Outside
from ragwright_core.report import Problem, Reason, Report
from ragwright_ingest import main
from ragwright_ingest.settings import Stores
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, program, until
from tests.kit.tls import Authority, Proxy, make_authority, proxy

REFUNDS = b"# Refunds\n\nRefunds are paid within 14 days.\n"
MODEL = {"provider": "openai", "model": "m", "dimensions": 64}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def plain(git: GitServer, endpoint: Endpoint, pipeline: Pipeline) -> dict[str, str]:
    """URLs of every server that a pipeline contacts."""
    git.commit({"refunds.md": REFUNDS})
    return {
        "git": git.url,
        "endpoint": endpoint.url,
        "database": pipeline.stores.database_url,
        "cache": pipeline.stores.redis_url or "",
    }


@pytest.fixture
def tls(authority: Authority, plain: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same servers, by TLS alone."""
    [socket] = parse_qs(urlsplit(plain["database"]).query)["host"]
    direct = "sslrootcert=system&sslnegotiation=direct"
    servers: dict[str, tuple[int | str, str]] = {
        "git": (port(plain["git"]), "https://localhost:{}/docs.git"),
        "endpoint": (port(plain["endpoint"]), "https://localhost:{}/v1"),
        "cache": (port(plain["cache"]), "rediss://localhost:{}/0"),
        "database": (
            f"{socket}/.s.PGSQL.5432",
            f"postgresql://postgres@localhost:{{}}/postgres?{direct}",
        ),
    }
    with ExitStack() as stack:
        yield {
            name: url.format(stack.enter_context(authority.before(server)))
            for name, (server, url) in servers.items()
        }


def port(url: str) -> int:
    return urlsplit(url).port or 0


def at(pipeline: Pipeline, urls: Mapping[str, str], outside: Outside) -> Pipeline:
    sources = [{"name": "docs", "git": {"url": urls["git"], "ref": "main"}}]
    made = pipeline.having(
        sources=sources,
        embedding={**MODEL, "baseUrl": urls["endpoint"]},
        llm={"provider": "openai", "model": "m", "baseUrl": urls["endpoint"]},
    )
    return replace(made, stores=Stores(urls["database"], urls["cache"]), outside=outside)


def run(pipeline: Pipeline, step: str) -> Report:
    """The real program, as a pod runs it."""
    file = pipeline.folder / f"report-{step}"
    with pipeline.start(step, "r1", file) as process:
        try:
            process.wait(60)
        finally:
            process.kill()
    report, _ = Report.read(file.read_bytes())
    return report


def refused(pipeline: Pipeline) -> Problem:
    """The same load in this process, where no time is waited between tries."""
    report = main.run(
        "load",
        pipeline.environment("r1", pipeline.folder / "report"),
        adjusted=lambda around: replace(on_loopback(around), wait=lambda _: None),
    )
    assert report.problem is not None
    return report.problem


async def build_and_ask(pipeline: Pipeline) -> None:
    for step, outcome in (("load", "loaded"), ("index", "swapped")):
        report = await asyncio.to_thread(run, pipeline, step)
        assert report.outcome == outcome, report.problem
    with program(pipeline) as api:
        await until(api.is_ready)
        async with httpx.AsyncClient() as http:
            reply = await http.post(f"{api.url}/api/rag/query", json={"question": QUESTION})
        assert reply.status_code == 200, reply.text
        assert reply.json()["answer"] == "an answer"


async def test_every_client_trusts_the_administrators_authority(
    pipeline: Pipeline, tls: dict[str, str], authority: Authority
) -> None:
    await build_and_ask(at(pipeline, tls, Outside(ca_bundle=authority.ca)))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("git", Reason.SOURCE_UNREACHABLE),
        ("database", Reason.DATABASE_UNAVAILABLE),
    ],
)
def test_without_it_none_does_and_the_report_says_why(
    name: str, reason: Reason, pipeline: Pipeline, plain: dict[str, str], tls: dict[str, str]
) -> None:
    problem = refused(at(pipeline, {**plain, name: tls[name]}, Outside()))
    assert problem.reason is reason, problem
    assert "certificate" in problem.message


async def why_not(url: str, outside: Outside) -> str:
    """A Job would try for a minute and a half."""
    endpoint = endpoints.Endpoint(url, None, LOOPBACK.through(outside), timeout=5)
    with pytest.raises(EndpointError) as failed:
        await endpoint.post("/embeddings", {}, 1000)
    await endpoint.close()
    return failed.value.failure.words


async def test_an_endpoint_is_not_trusted_without_it(tls: dict[str, str]) -> None:
    assert "certificate" in await why_not(tls["endpoint"], Outside())


# The proxy alone knows this host.
BY_PROXY = {"git": "https://models.example:8443/docs.git", "endpoint": "https://models.example/v1"}


@pytest.fixture
def asked(authority: Authority, plain: dict[str, str]) -> Iterator[Proxy]:
    ports = {"models.example:443": plain["endpoint"], "models.example:8443": plain["git"]}
    with ExitStack() as stack:
        leads = {
            name: stack.enter_context(authority.before(port(url))) for name, url in ports.items()
        }
        yield stack.enter_context(proxy(leads))


async def test_endpoints_and_git_are_reached_by_the_proxy(
    pipeline: Pipeline, plain: dict[str, str], asked: Proxy, authority: Authority
) -> None:
    outside = Outside(ca_bundle=authority.ca, https_proxy=asked.url)
    await build_and_ask(at(pipeline, {**plain, **BY_PROXY}, outside))
    assert set(asked.asked) == set(asked.leads)


@pytest.mark.parametrize(
    ("changed", "reason", "words"),
    [
        ({"git": "https://elsewhere.example/x.git"}, Reason.SOURCE_UNREACHABLE, "the proxy"),
        # What is refused anyway is no less so by a proxy, which is not asked.
        ({"git": "https://169.254.169.254/x.git"}, Reason.SOURCE_NOT_FOUND, "may not contact"),
        ({"endpoint": "https://169.254.169.254"}, Reason.EMBEDDING_REJECTED, "may not contact"),
    ],
)
def test_what_the_proxy_refuses_and_what_it_is_not_asked(  # noqa: PLR0917 - fixtures
    changed: dict[str, str],
    reason: Reason,
    words: str,
    pipeline: Pipeline,
    plain: dict[str, str],
    asked: Proxy,
    authority: Authority,
) -> None:
    outside = Outside(ca_bundle=authority.ca, https_proxy=asked.url)
    problem = refused(at(pipeline, {**plain, **BY_PROXY, **changed}, outside))
    assert problem.reason is reason, problem
    assert words in problem.message
    assert not [host for host in asked.asked if "169.254" in host]


async def test_an_endpoint_that_the_proxy_refuses(asked: Proxy) -> None:
    outside = Outside(https_proxy=asked.url)
    assert "the proxy that" in await why_not("https://elsewhere.example/v1", outside)
    assert asked.asked == ["elsewhere.example:443"]
