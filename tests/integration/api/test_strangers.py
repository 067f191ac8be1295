"""invalidate-cache by callers whom nobody knows: seldom, and by no page of another site."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis

from ragwright_core import cachekeys
from tests.integration.conftest import Pipeline
from tests.kit.api import Api, build, serving, until

INVALIDATE = "/api/rag/invalidate-cache"


@pytest.fixture
async def built(pipeline: Pipeline, redis_client: redis.Redis) -> Pipeline:
    await build(pipeline, "r1", refunds="Refunds are paid within 14 days.")
    return pipeline


@pytest.fixture
async def api(built: Pipeline) -> AsyncIterator[Api]:
    async with serving(built) as running:
        yield running


def left(client: redis.Redis, pipeline: Pipeline) -> set[str]:
    patterns = cachekeys.patterns(pipeline.schema)
    return {key.decode() for pattern in patterns for key in client.scan_iter(match=pattern)}


async def test_what_is_not_found_any_more_is_removed_from_redis_and_nothing_else(
    built: Pipeline, redis_client: redis.Redis
) -> None:
    of_others = ["rag:response:ffff:id:0:digest", "rag:embed:ffff:question:0:digest"]
    document = cachekeys.embedding_key(built.schema, "a model", "a text")
    for key in (*of_others, document):
        redis_client.set(key, b"x")
    async with serving(built) as api:
        for n in range(30):
            await api.ask(f"question {n}")
        await until(lambda: len(left(redis_client, built)) == 61)
        assert (await api.http.post(INVALIDATE)).status_code == 200
        await api.ask("a new question")
        await until(lambda: len(left(redis_client, built)) == 3)
        found = left(redis_client, built) - {document}
        assert {cachekeys.epoch_of(key) for key in found} == {1}
        assert document in left(redis_client, built)
        assert redis_client.exists(*of_others) == 2
        assert (await api.ask("a new question"))["from_cache"] is True


def epoch(pipeline: Pipeline) -> int:
    return int(pipeline.value("SELECT epoch FROM live"))


async def test_once_a_minute_over_all_replicas_and_then_429(built: Pipeline, api: Api) -> None:
    async with serving(built) as other:
        assert (await api.http.post(INVALIDATE)).json() == {"status": "cache invalidated"}
        for replica in (api, other, api):
            refused = await replica.http.post(INVALIDATE)
            assert (refused.status_code, refused.json()["error"]) == (429, "too_often")
            assert 50 <= int(refused.headers["retry-after"]) <= 60
        assert epoch(built) == 1
        built.change("UPDATE live SET invalidated_at = invalidated_at - interval '1 minute'")
        assert (await other.http.post(INVALIDATE)).status_code == 200
        assert epoch(built) == 2
        # By a clock that was wrong.
        built.change("UPDATE live SET invalidated_at = invalidated_at + interval '1 year'")
        assert (await other.http.post(INVALIDATE)).status_code == 200


async def test_a_schema_that_no_build_has_migrated_yet_counts_by_replica(
    built: Pipeline, api: Api
) -> None:
    built.change("ALTER TABLE live DROP COLUMN invalidated_at")
    statuses = [(await api.http.post(INVALIDATE)).status_code for _ in range(3)]
    assert (statuses, epoch(built)) == ([200, 429, 429], 1)


async def test_who_shows_the_token_may_at_any_time(built: Pipeline) -> None:
    token = built.folder / "secrets" / "cache-token" / "token"
    named = built.having(cache={"token_secret_key_ref": {"name": "cache-token", "key": "token"}})
    shown = {"authorization": "Bearer s3cret"}
    async with serving(named) as api:
        assert (await api.http.post(INVALIDATE, headers=shown)).status_code == 200
        assert (await api.http.post(INVALIDATE, headers=shown)).status_code == 429, "not mounted"
        token.parent.mkdir()
        token.write_text("s3cret\n")
        for headers in (shown, {"authorization": "bearer s3cret"}):
            assert (await api.http.post(INVALIDATE, headers=headers)).status_code == 200
        assert epoch(built) == 3
        for other in ("Bearer s3cre", "Bearer ", "Bearer", "s3cret", "Basic s3cret", "Bearer \xe9"):
            headers = {"authorization": other.encode("latin-1").decode("latin-1")}
            reply = await api.http.post(INVALIDATE, headers=_raw(headers))
            assert reply.status_code == 429, other


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


OTHER_SITES: list[tuple[int, dict[str, str]]] = [
    (403, {"origin": "https://evil.example"}),
    (403, {"origin": "null"}),
    (403, {"origin": ""}),
    (403, {"origin": "http://api:8001"}),
    (403, {"origin": "http://api.evil.example"}),
    (403, {"origin": "http://api@evil.example"}),
    (403, {"origin": "http://[api"}),
    (403, {"origin": "http://api:port"}),
    (403, {"origin": "https://evil.example", "content-type": "text/plain"}),
    (403, {"sec-fetch-site": "cross-site"}),
    (403, {"sec-fetch-site": "same-site"}),
    (415, {"content-type": "text/plain"}),
    (415, {"content-type": "Text/Plain; charset=utf-8"}),
    (415, {"content-type": "text/plain; application/json"}),
    (415, {"content-type": "application/x-www-form-urlencoded"}),
    (415, {"content-type": "multipart/form-data; boundary=x"}),
    (415, {"content-type": "nonsense"}),
    (415, {"origin": "http://api", "content-type": "text/plain"}),
]


@pytest.mark.parametrize(("status", "headers"), OTHER_SITES)
async def test_a_page_of_another_site_is_refused(
    built: Pipeline, api: Api, status: int, headers: dict[str, str]
) -> None:
    reply = await api.http.post(INVALIDATE, headers=headers, content=b"x=y")
    assert reply.status_code == status
    assert set(reply.json()) == {"error", "message"}
    assert epoch(built) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"origin": "http://api"},
        {"origin": "https://api"},  # behind a proxy that ends TLS
        {"origin": "http://API:80", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"authorization": "Bearer of a proxy"},
    ],
)
async def test_a_program_and_our_own_page_are_not(
    built: Pipeline, api: Api, headers: dict[str, str]
) -> None:
    assert (await api.http.post(INVALIDATE, headers=headers)).status_code == 200
    assert epoch(built) == 1
