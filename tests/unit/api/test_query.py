"""The way of a question through the public port: parsed once, looked up once, refused in words."""

from __future__ import annotations

import httpx
import pytest

from ragwright_api.answering.fast_path import Missed
from ragwright_api.answering.reply import Reply
from ragwright_api.caching.breaker import Budget
from ragwright_api.http.routes import INVALIDATE, QUERY, RETRIEVE, WEBHOOKS
from ragwright_api.retrieval.question import Question
from ragwright_core.index.search.found import Wanted
from ragwright_core.spec import Retrieval
from tests.kit.port import Port

JSON = "application/json"
BODY = b'{"question": "q"}'


async def post(
    port: Port, body: bytes = BODY, content_type: str = JSON, path: str = QUERY
) -> httpx.Response:
    async with port.client() as http:
        return await http.post(path, content=body, headers={"content-type": content_type})


async def test_redis_is_asked_once_for_an_answer_that_is_not_there() -> None:
    port = Port()
    for number, body in enumerate((b'{"question": "a"}', b'{"question": "b"}'), 1):
        assert (await post(port, body)).json()["from_cache"] is False
        assert port.cache.reads == number, "before a lease is known, and after"


async def test_what_was_missed_under_one_key_is_looked_for_under_another() -> None:
    """A swap may come between the fast path and the answer."""
    port = Port()
    await post(port)
    ask, clock = port.public.ask, port.public.clock
    question = Question("q", Wanted.of(Retrieval(), "q"))
    (key,) = port.cache.values
    for looked_at, origin in (
        (key, "made"),
        ("key of an older version", "cached"),
        (None, "cached"),
    ):
        found = await ask.answer(Missed(question, clock(), Budget(1), looked_at))
        assert found.origin == origin


async def test_the_fast_path_gives_an_answer_or_what_is_left_to_do() -> None:
    port = Port(remembers=2**20)
    fast, clock = port.public.fast, port.public.clock
    question = Question("q", Wanted.of(Retrieval(), "q"))
    unknown = await fast.look_up(question, clock())
    assert isinstance(unknown, Missed)
    assert unknown.looked_at is None, "what is live is not known"
    await port.public.ask.reader.lease_now()
    missed = await fast.look_up(question, clock())
    assert isinstance(missed, Missed)
    assert missed.looked_at is not None
    assert fast.recall(BODY, clock()) is None
    await post(port)
    assert isinstance(await fast.look_up(question, clock()), Reply)
    assert fast.recall(BODY, clock()) is not None


async def test_a_body_that_was_answered_is_answered_from_memory() -> None:
    port = Port(remembers=2**20)
    await post(port)
    await post(port)
    reads = port.cache.reads
    assert (await post(port)).json()["from_cache"] is True
    assert port.cache.reads == reads
    assert (await post(port, content_type="text/plain")).status_code == 422


REFUSED: list[tuple[bytes, str]] = [
    (b"", JSON),
    (b"null", JSON),
    (b"[1]", JSON),
    (b"7", JSON),
    (b"{", JSON),
    (b"{}", JSON),
    (b"\xff", JSON),
    (b'{"question": 7}', JSON),
    (b'{"question": ""}', JSON),
    (b'{"question": "\\ud800"}', JSON),
    (b'{"question": "q", "filters": {"a": NaN}}', JSON),
    (b'{"question": "q", "filters": ["a"]}', JSON),
    (b'{"question": "q", "filters": ' + b"[" * 20_000, JSON),
    (b'{"question": "q", "filters": {"a": ' + b"9" * 5000 + b"}}", JSON),
    (b'{"question": "' + b"x" * 70_000 + b'"}', JSON),
    (BODY, "text/plain"),
    (BODY, "application/xml"),
    (BODY, ""),
]


@pytest.mark.parametrize(("body", "content_type"), REFUSED)
async def test_both_routes_refuse_in_the_same_words(body: bytes, content_type: str) -> None:
    port = Port()
    ours, fastapis = [await post(port, body, content_type, path) for path in (QUERY, RETRIEVE)]
    assert ours.status_code == fastapis.status_code >= 400
    assert ours.json() == fastapis.json()


@pytest.mark.parametrize("content_type", ["application/problem+json", "Application/JSON; v=1"])
async def test_both_routes_take_what_calls_itself_json(content_type: str) -> None:
    port = Port()
    for path in (QUERY, RETRIEVE):
        assert (await post(port, content_type=content_type, path=path)).status_code == 200


async def test_a_refusal_is_logged_and_counted_under_the_id_that_its_reply_has() -> None:
    port = Port()
    for path in (QUERY, RETRIEVE):
        reply = await post(port, b"{}", path=path)
        refused, request = port.lines[-2:]
        assert (refused["event"], refused["reason"]) == ("refused", "invalid_request")
        assert (request["event"], request["path"], request["status"]) == ("request", path, 422)
        assert {refused["request"], request["request"]} == {reply.headers["x-request-id"]}


async def test_while_draining_questions_are_answered_and_callers_sent_elsewhere() -> None:
    port = Port(remembers=2**20)
    await post(port)
    port.draining = True
    reply = await post(port)
    assert reply.json()["from_cache"] is True
    assert reply.headers["connection"] == "close"
    assert port.lines[-1]["event"] == "request"


async def test_a_fault_is_told_in_words_wherever_it_happens() -> None:
    port = Port()
    await post(port)
    port.cache.values = None  # type: ignore[assignment]
    reply = await post(port)
    assert (reply.status_code, reply.json()["error"]) == (500, "internal")
    fault = port.lines[-2]
    # Of the error, its type and place: its text may repeat what was sent.
    assert fault.keys() == {"event", "level", "time", "request", "error", "at"}
    assert (fault["event"], fault["error"]) == ("fault", "AttributeError")


async def test_another_method_is_not_allowed() -> None:
    async with Port().client() as http:
        reply = await http.get(QUERY)
        assert reply.headers["allow"] == "POST"
    assert (reply.status_code, reply.json()["error"]) == (405, "not_allowed")


async def test_openapi_tells_every_reply_that_can_come_and_no_class_of_ours() -> None:
    async with Port().client() as http:
        told = (await http.get("/openapi.json")).json()
        page = await http.get("/docs")
    assert page.status_code == 404, "a page that loads scripts from elsewhere"
    assert set(told["components"]["schemas"]) == {
        *("QueryRequest", "QueryResponse", "RetrieveRequest", "RetrieveResponse", "Chunk"),
        *("InvalidateResponse", "WebhookResponse", "Refusal"),
    }
    always = {"200", "400", "408", "413", "429", "431", "500", "503"}
    for path, others in (
        (QUERY, {"422", "499", "502"}),
        (RETRIEVE, {"422", "499"}),
        (INVALIDATE, {"403", "415"}),
        (WEBHOOKS + "{source}", {"202", "401", "404", "499"}),
    ):
        replies = told["paths"][path]["post"]["responses"]
        assert set(replies) == always | others
        for status in set(replies) - {"200", "202"}:
            shape = replies[status]["content"]["application/json"]["schema"]
            assert shape == {"$ref": "#/components/schemas/Refusal"}
    for body in ("QueryRequest", "RetrieveRequest"):
        kinds = told["components"]["schemas"][body]["properties"]["filters"]["anyOf"]
        assert kinds == [{"type": "object"}, {"type": "null"}]
