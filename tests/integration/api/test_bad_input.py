"""What cannot be a question is refused in words, by both routes, and the next one is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Api, build, serving

ROUTES = ("query", "retrieve")
DEEP: dict[str, Any] = {"a": 1}
for _ in range(8):
    DEEP = {"$not": DEEP}

BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "question: Field required"),
    ({"question": ""}, "question: String should have at least 1 character"),
    ({"question": " \n"}, "question: it may not be blank"),
    ({"question": "\x1f \t"}, "question: it may not be blank"),
    ({"question": "nul \0"}, "question: it may not be blank or hold control characters"),
    ({"question": "a bell \x07 rings"}, "question: it may not be blank or hold control characters"),
    ({"question": "\x1b[31mred"}, "question: it may not be blank or hold control characters"),
    ({"question": "x" * 10_001}, "question: String should have at most 10000 characters"),
    ({"question": 7}, "question: Input should be a valid string"),
    ({"question": ["q"]}, "question: Input should be a valid string"),
    ({"question": "q", "filters": "a"}, "filters: a filter is an object"),
    ({"question": "q", "filters": [None]}, "filters: a filter is an object"),
    ({"question": "q", "filters": {"a": ["x"]}}, "filters: a field takes one value; for one of"),
    ({"question": "q", "filters": {"a": "nul \0"}}, "filters: a text may hold neither U+0000"),
    ({"question": "q", "filters": {"nul \0": 1}}, "filters: a field's name may hold neither"),
    ({"question": "q", "filters": {"a": {"$regex": ".*"}}}, "filters: $regex is no operator of"),
    ({"question": "q", "filters": {"a": {"$gte": [1]}}}, "filters: $gte takes a number or a text"),
    ({"question": "q", "filters": DEEP}, "filters: $and, $or and $not may stand at most 7 deep"),
    ({"question": "q", "filters": {str(n): n for n in range(101)}}, "filters: a filter may have"),
    ({"question": "q", "filters": {"a": {"$in": [""] * 9000}}}, "filters: a filter may have at"),
]
BAD_FOR: list[tuple[str, dict[str, Any], str]] = [
    *((route, body, words) for route in ROUTES for body, words in BAD),
    ("query", {"k": 3}, "k: there is no such field; write question, filters, use_cache"),
    ("query", {"top_k": 3}, "top_k: there is no such field; write question, filters, use_cache"),
    ("query", {"use_cache": "no"}, "use_cache: Input should be a valid boolean"),
    ("query", {"use_cache": "true"}, "use_cache: Input should be a valid boolean"),
    ("query", {"use_cache": 1}, "use_cache: Input should be a valid boolean"),
    ("query", {"use_cache": None}, "use_cache: Input should be a valid boolean"),
    (
        "retrieve",
        {"use_cache": True},
        "use_cache: there is no such field; write question, filters, top_k, score_threshold",
    ),
    ("retrieve", {"top_k": 0}, "top_k: Input should be greater than or equal to 1"),
    ("retrieve", {"top_k": 51}, "top_k: Input should be less than or equal to 50"),
    ("retrieve", {"top_k": 10**30}, "top_k: "),
    ("retrieve", {"top_k": "5"}, "top_k: Input should be a valid integer"),
    ("retrieve", {"top_k": True}, "top_k: Input should be a valid integer"),
    ("retrieve", {"top_k": 2.5}, "top_k: Input should be a valid integer"),
    ("retrieve", {"score_threshold": -0.1}, "score_threshold: Input should be greater than or"),
    ("retrieve", {"score_threshold": 1.1}, "score_threshold: Input should be less than or equal"),
    ("retrieve", {"score_threshold": "0.5"}, "score_threshold: Input should be a valid number"),
]


@pytest.fixture
async def api(pipeline: Pipeline) -> AsyncIterator[Api]:
    async with serving(pipeline) as running:
        yield running


async def test_a_bad_request_is_refused_in_words(api: Api) -> None:
    for route, body, words in BAD_FOR:
        whole = body if "question" in body or not body else {"question": "q", **body}
        response = await api.http.post(f"/api/rag/{route}", json=whole)
        assert response.status_code == 422, (route, body)
        assert set(response.json()) == {"error", "message"}
        assert response.json()["error"] == "invalid_request"
        assert response.json()["message"].startswith(words), (route, body, response.text)


RAW: list[tuple[bytes, int, str]] = [
    (b"", 422, "body: Field required"),
    (b"{", 422, "body: this is not JSON"),
    (b"[1]", 422, "body: "),
    (b"\xff\xff", 400, "There was an error parsing the body"),
    (b'{"question": "q", "filters": {"a": NaN}}', 422, "filters: a number must be finite"),
    (b'{"question": "q", "filters": {"a": -Infinity}}', 422, "filters: a number must be finite"),
    (b'{"question": "q", "filters": {"a": 1e400}}', 422, "filters: a number must be finite"),
    (b'{"question": "\\ud800"}', 422, "question: "),
    (b'{"question": "q", "filters": {"a": "\\udfff"}}', 422, "filters: a text may hold neither"),
    (b'{"question": ' + b"[" * 20_000, 422, ""),
    (
        b'{"question": "q", "filters": ' + b'{"$not":' * 5000 + b"{}" + b"}" * 5001,
        400,
        "There was an error parsing the body",
    ),
    (
        b'{"question": "q", "filters": {"a": ' + b"9" * 5000 + b"}}",
        400,
        "There was an error parsing the body",
    ),
    (b'{"question": "' + b"x" * 100_000 + b'"}', 413, "the body may have at most 65536 bytes"),
]


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_none_is_refused_in_words(api: Api, announced: bool) -> None:
    headers = {"content-type": "application/json"}
    for route in ROUTES:
        for content, status, words in RAW:
            response = await api.http.post(
                f"/api/rag/{route}",
                content=content if announced else pieces(content),
                headers=headers,
            )
            assert response.status_code in (status, 400), content[:60]
            assert set(response.json()) == {"error", "message"}
            assert response.json()["message"].startswith(words), response.text


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 8192):
        yield content[start : start + 8192]


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/xml"])
async def test_another_type_than_json_is_refused(api: Api, content_type: str) -> None:
    for route in ROUTES:
        response = await api.http.post(
            f"/api/rag/{route}",
            content=b'{"question": "q"}',
            headers={"content-type": content_type},
        )
        assert response.status_code == 422
        assert response.json()["message"].startswith("body: ")


async def test_the_next_question_is_answered(pipeline: Pipeline) -> None:
    await build(pipeline, "r1", refunds="# Refunds\n\nRefunds are paid within 14 days.\n")
    async with serving(pipeline) as api:
        for content, _, _ in RAW * 5:
            for route in ROUTES:
                await api.http.post(f"/api/rag/{route}", content=content)
        assert (await api.ask())["sources"]
        assert await api.retrieve()
        longest = QUESTION + "\t\r\n?" * ((10_000 - len(QUESTION)) // 4)
        assert await api.retrieve(longest)
