"""A language model's endpoint that says anything but what it should."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import redis

from dev.loopback import LOOPBACK
from ragwright_api.answering.answerers.openai import OpenAIAnswerer
from ragwright_api.answering.answerers.prompt import LONGEST_DOCUMENTS
from ragwright_api.telemetry.ledger import Sum
from ragwright_api.unanswered import LlmRefusedError, LlmUnavailableError, UnansweredError
from ragwright_core.index.search.found import Found
from ragwright_core.network import Network
from ragwright_core.spec import Llm
from tests.integration.conftest import Pipeline
from tests.kit.api import answers, build, serving
from tests.kit.hostile.endpoint import Asked, Hostile, Said, hostile, in_turn
from tests.kit.hostile.llm import TABLE, TEXT, Line, completion, error
from tests.kit.hostile.llm_stops import TABLE as STOPS

FOUND = Found(1, "docs", "a.md", None, "", "L1-L2", 1, 2, "Paid within 14 days.", 0.5)


@pytest.fixture
def endpoint() -> Iterator[Hostile]:
    with hostile(in_turn(Said(completion()))) as served:
        yield served


async def no_comparison(_: Any) -> Any:
    raise AssertionError("a language model compares nothing")


async def ask(
    url: str,
    spent: Sum | None = None,
    *,
    network: Network = LOOPBACK,
    found: tuple[Found, ...] = (FOUND,),
    slept: list[float] | None = None,
    **llm: Any,
) -> str:
    told = {"model": "m", "maxTokens": 99, "timeoutSeconds": 1, **llm}
    model = Llm.model_validate({"provider": "openai", "baseUrl": url, **told})
    pauses = slept if slept is not None else []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    answerer = OpenAIAnswerer(model, Path("/nowhere"), network, sleep=sleep)
    try:
        made = await answerer.answer("why?", found, no_comparison, (spent or Sum()).add)
    finally:
        await answerer.close()
    return made.text


@pytest.mark.parametrize("line", [*TABLE, *STOPS], ids=lambda line: line.name)
async def test_every_line_of_the_table(endpoint: Hostile, line: Line) -> None:
    endpoint.say, spent = in_turn(line.said), Sum()
    if line.status == 200:
        assert await ask(endpoint.url, spent, timeoutSeconds=line.seconds) == line.text
    else:
        kind = LlmRefusedError if line.status == 502 else LlmUnavailableError
        with pytest.raises(kind) as told:
            await ask(endpoint.url, spent, timeoutSeconds=line.seconds)
        assert line.words in str(told.value)
        assert "127.0.0.1" not in str(told.value)
    assert (len(endpoint.asked), spent.llm_calls) == (line.tries, line.tries)
    counted = (spent.prompt_tokens, spent.completion_tokens)
    assert counted == tuple(line.tries * count for count in line.tokens)


async def test_what_passes_does_so(endpoint: Hostile) -> None:
    spent = Sum()
    endpoint.say = in_turn(Said(b"<html>"), error(503, "later"), Said(completion()))
    assert await ask(endpoint.url, spent) == TEXT
    assert spent == Sum(llm_calls=3, prompt_tokens=10, completion_tokens=5)


@pytest.mark.parametrize("asked", ["4", "date"])
async def test_a_wait_that_is_asked_for_is_kept(endpoint: Hostile, asked: str) -> None:
    after = formatdate(time.time() + 5, usegmt=True) if asked == "date" else asked
    waits = in_turn(Said({}, 429, (("Retry-After", after),)), Said(completion()))
    endpoint.say, slept = waits, list[float]()
    assert await ask(endpoint.url, slept=slept) == TEXT
    [seconds] = slept
    assert 3.5 < seconds < 5.2


async def test_a_status_is_told_at_once_however_slow_its_words_are(endpoint: Hostile) -> None:
    endpoint.say = in_turn(Said(b" ", 401, pace=0.05))
    with pytest.raises(LlmRefusedError, match="HTTP 401"):
        await ask(endpoint.url, timeoutSeconds=1)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    "said",
    [Said({}, 429), Said({}, 503), Said(status=204), Said({"error": {"code": 429}})],
    ids=["429", "503", "204", "429 within 200"],
)
async def test_a_longer_wait_is_not_begun_and_the_caller_is_told(
    endpoint: Hostile, said: Said
) -> None:
    after = replace(said, headers=(("Retry-After", "9.5"),))
    endpoint.say, slept = in_turn(after), list[float]()
    with pytest.raises(LlmUnavailableError) as told:
        await ask(endpoint.url, slept=slept)
    assert told.value.retry_after == 10
    assert [int(seconds) for seconds in slept] == [9]


@pytest.mark.parametrize("asked", ["soon", "-1", "nan", "inf", "1e999", "Thu, 99 Foo 2026"])
async def test_a_wait_that_is_none_is_as_if_none_were_asked(endpoint: Hostile, asked: str) -> None:
    endpoint.say = in_turn(Said({}, 429, (("Retry-After", asked),)), Said(completion()))
    assert await ask(endpoint.url) == TEXT


@pytest.mark.parametrize("status", [200, 400, 422, 403, 500, 501])
@pytest.mark.parametrize(
    "words",
    [
        "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "Unrecognized request argument supplied: max_tokens",
        "litellm.UnsupportedParamsError: o1 does not support parameters: {'max_tokens': 99}",
    ],
)
async def test_max_tokens_has_another_name(endpoint: Hostile, status: int, words: str) -> None:
    def modern(asked: Asked) -> Said:
        if "max_tokens" in asked.body:
            return error(status, words, param="max_tokens", code="unsupported_parameter")
        return Said(completion())

    endpoint.say = modern
    assert await ask(endpoint.url) == TEXT
    assert [call.body.get("max_completion_tokens") for call in endpoint.asked] == [None, 99]


async def test_a_name_that_worked_is_remembered(endpoint: Hostile) -> None:
    def neither(asked: Asked) -> Said:
        names = [name for name in asked.body if name.startswith("max_")]
        return error(400, f"unknown: {names[0]}") if names else Said(completion())

    endpoint.say = neither
    model = Llm.model_validate({"provider": "openai", "baseUrl": endpoint.url, "model": "m"})
    answerer = OpenAIAnswerer(model, Path("/nowhere"), LOOPBACK)
    for _ in range(2):
        await answerer.answer("why?", [FOUND], no_comparison, lambda _: None)
    await answerer.close()
    assert len(endpoint.asked) == 4


async def test_a_prompt_is_bounded_and_names_what_it_holds(endpoint: Hostile) -> None:
    long = tuple(
        Found(n, "docs", f"{n}.md", None, "", "L1-L2", 1, 2, "x" * 8000, 0.5) for n in range(50)
    )
    await ask(endpoint.url, found=long)
    [call] = endpoint.asked
    assert call.body["messages"][1]["content"].count("x") > LONGEST_DOCUMENTS - 8000
    assert len(call.body["messages"][1]["content"]) < LONGEST_DOCUMENTS * 1.1


async def test_half_a_sign_in_a_document_is_sent_as_none(endpoint: Hostile) -> None:
    broken = Found(1, "docs", "a.md", None, "", "L1-L2", 1, 2, "a \ud800 b", 0.5)
    assert await ask(endpoint.url, found=(broken,)) == TEXT
    assert "a \ufffd b" in endpoint.asked[0].body["messages"][1]["content"]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("?api-version=2024-02-01", "/v1/chat/completions?api-version=2024-02-01"),
    ],
)
async def test_base_urls(endpoint: Hostile, written: str, path: str) -> None:
    await ask(endpoint.url + written)
    assert [call.path for call in endpoint.asked] == [path]


async def test_a_redirect_on_the_same_host_is_followed(endpoint: Hostile) -> None:
    moved = Said(status=307, headers=(("Location", "/v2/chat/completions"),))
    endpoint.say = in_turn(moved, Said(completion()))
    assert await ask(endpoint.url) == TEXT
    assert [call.path for call in endpoint.asked] == [
        "/v1/chat/completions",
        "/v2/chat/completions",
    ]


async def test_a_redirect_without_an_end_is_refused(endpoint: Hostile) -> None:
    endpoint.say = in_turn(Said(status=308, headers=(("Location", "/v1/chat/completions"),)))
    with pytest.raises(LlmRefusedError, match="redirects without an end"):
        await ask(endpoint.url)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:1/v1", "http://[::1]/v1", "http://169.254.169.254/", "http://2130706433/"],
)
async def test_addresses_that_no_pipeline_may_contact(url: str) -> None:
    with pytest.raises(LlmRefusedError, match="its host may not be contacted") as told:
        await ask(url, network=Network())
    assert url.split("/")[2] not in str(told.value)


async def test_a_host_that_the_administrator_does_not_allow(endpoint: Hostile) -> None:
    with pytest.raises(LlmRefusedError, match="may not be contacted"):
        await ask(endpoint.url, network=LOOPBACK.allowing(["elsewhere"]))
    assert endpoint.asked == []


@pytest.mark.parametrize("url", ["http://h:99999/v1", "http://[x/v1", "http://a..b/v1"])
async def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(UnansweredError, match=r"no usable URL|does not resolve"):
        await ask(url)


@pytest.fixture
async def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Hostile) -> Pipeline:
    llm = {"provider": "openai", "base_url": endpoint.url, "model": "m", "timeout_seconds": 1}
    written = pipeline.having(llm=llm)
    await build(written, "r1", refunds="Refunds are paid within 14 days.")
    redis_client.flushall()
    return written


@pytest.mark.parametrize(
    "name",
    ["cut off", "filtered", "a number", "JSON None", "half a count", "a refusal", "incomplete"],
)
async def test_what_is_no_whole_answer_is_told_and_never_cached(
    writing: Pipeline, endpoint: Hostile, redis_client: redis.Redis, name: str
) -> None:
    [line] = [line for line in [*TABLE, *STOPS] if line.name == name]
    endpoint.say = in_turn(line.said)
    async with serving(writing) as api:
        reply = await api.post()
        assert reply.status_code == line.status
        assert bool(await answers(redis_client)) is (line.status == 200)
        assert await api.metric("ragwright_llm_calls_total") == line.tries
        kinds = {"prompt": line.tokens[0], "completion": line.tokens[1]}
        for kind, tokens in kinds.items():
            assert await api.metric("ragwright_llm_tokens_total", kind=kind) == tokens * line.tries
        if line.status != 200:
            assert line.words in reply.json()["message"]
            endpoint.say = in_turn(Said(completion()))
            assert (await api.ask())["answer"] == TEXT
