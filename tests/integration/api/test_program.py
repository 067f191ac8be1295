"""`ragwright-api` itself: two ports, signals, callers who hang up, and its log."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import redis

from dev.servers.openai_server import Endpoint
from tests.integration.conftest import Pipeline
from tests.kit.api import QUESTION, Program, build, program, until

REFUNDS = "Refunds are paid within 14 days. Opened software is not refunded."


@pytest.fixture
async def writing(pipeline: Pipeline, redis_client: redis.Redis, endpoint: Endpoint) -> Pipeline:
    """A language model that can be held."""
    written = pipeline.having(llm={"provider": "openai", "base_url": endpoint.url, "model": "m"})
    await build(written, "r1", refunds=REFUNDS)
    return written


def test_help_names_what_it_is_told_by() -> None:
    command = Path(sys.executable).parent / "ragwright-api"
    text = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    for word in ("VECTOR_DB_URL_FILE", "REDIS_URL", "RAGWRIGHT_SETTINGS_FILE", "--linger"):
        assert word in text


async def test_readiness_goes_off_at_once_and_questions_are_answered_for_a_while(
    writing: Pipeline, endpoint: Endpoint
) -> None:
    with program(writing, "--linger", "2.5") as api:
        async with httpx.AsyncClient(timeout=20) as http:
            await until(api.is_ready)
            body = {"question": QUESTION}
            await http.post(f"{api.url}/api/rag/query", json=body)
            with endpoint.told.gate:
                slow = asyncio.create_task(
                    http.post(f"{api.url}/api/rag/query", json={"question": "slow"})
                )
                await until(lambda: len(endpoint.told.came) == 2)
                api.process.send_signal(signal.SIGTERM)
                began = time.monotonic()
                await until(lambda: _is_not_ready(api))
                assert time.monotonic() - began < 1.0
                while time.monotonic() - began < 1.0:
                    late = await http.post(f"{api.url}/api/rag/query", json=body)
                    assert (late.status_code, late.headers["connection"]) == (200, "close")
                # What has begun is answered even after the door is shut.
                await until(lambda: _refuses(api.url))
                assert api.process.poll() is None
            assert (await slow).status_code == 200
        assert await asyncio.to_thread(api.process.wait, 20) == 0
    assert json.loads(api.log.splitlines()[-1])["event"] == "stopped"


async def _refuses(url: str) -> bool:
    try:
        async with httpx.AsyncClient() as http:
            await http.get(url)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:  # met it while it was closing
        return False
    return False


async def test_a_computation_stops_when_the_last_caller_has_hung_up(
    writing: Pipeline, endpoint: Endpoint, redis_client: redis.Redis
) -> None:
    with program(writing, "--linger", "60") as api:
        async with httpx.AsyncClient(timeout=20) as http:
            await until(api.is_ready)

            async def counted(count: int) -> bool:
                text = (await http.get(f"{api.internal_url}/metrics")).text
                lines = [line for line in text.splitlines() if 'reason="caller_gone"' in line]
                return bool(lines) and lines[0].endswith(f" {count}.0")

            with endpoint.told.gate:
                asked = [
                    asyncio.create_task(
                        http.post(f"{api.url}/api/rag/query", json={"question": QUESTION})
                    )
                    for _ in range(2)
                ]
                await until(lambda: len(endpoint.told.came) == 1)
                asked[0].cancel()
                await until(lambda: counted(1))
                asked[1].cancel()
                await until(lambda: counted(2))
            # Had it gone on, its answer would have been stored.
            again = await http.post(f"{api.url}/api/rag/query", json={"question": QUESTION})
            assert again.json()["from_cache"] is False
            assert len(endpoint.told.came) == 2
        for _ in range(2):  # the second ends the wait that the first begins
            api.process.send_signal(signal.SIGINT)
            await until(lambda: _is_not_ready(api))
        assert await asyncio.to_thread(api.process.wait, 20) == 0


async def _is_not_ready(api: Program) -> bool:
    return await api.status() != 200


async def test_logs_hold_no_question_and_no_secret(writing: Pipeline, endpoint: Endpoint) -> None:
    urls = {
        "VECTOR_DB_URL": f"{writing.stores.database_url}&password=hunter2",
        "REDIS_URL": f"{writing.stores.redis_url}/?password=hunter3",
    }
    endpoint.told.failures.extend([500, 500])
    with program(writing, "--linger", "0", **urls) as api:
        async with httpx.AsyncClient(timeout=20) as http:
            await until(api.is_ready)
            for body in (
                {"question": "a secret question"},
                {"question": "a secret question", "secret field": 1},
                {"question": "a secret question", "filters": {"secret key": "secret value"}},
            ):
                await http.post(
                    f"{api.url}/api/rag/query?x=secret", json=body, headers={"X-Request-Id": "r-7"}
                )
            reply = await http.get(f"{api.url}/openapi.json")
            assert reply.status_code == 200
        api.process.terminate()
        await asyncio.to_thread(api.process.wait, 20)
    lines = [json.loads(line) for line in api.log.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in requests] == [200, 422, 200, 200]
    assert [line["request"] for line in requests[:3]] == ["r-7"] * 3
    for secret in ("hunter", "secret"):
        assert secret not in api.log


async def test_a_url_that_cannot_be_used_is_told_without_it_and_a_good_one_taken_when_it_comes(
    writing: Pipeline,
) -> None:
    file = writing.folder / "uri"
    with program(writing, "--linger", "0", VECTOR_DB_URL="", VECTOR_DB_URL_FILE=str(file)) as api:
        for url, words in (
            (None, f"{file} is not there: the Secret of database.secretKeyRef is missing"),
            ("postgres//rag:hunter2@host/db", f"{file} holds no URL that can be used"),
            ("postgresql://rag:hunter2@127.0.0.1:1/db", "Connection refused"),
            ("postgresql://h/db?x=hunter2", f"{file} holds no URL that can be used"),
        ):
            if url:
                file.write_text(url)
            began = len(api.log)
            await until(lambda began=began, words=words: words in api.log[began:])
        file.write_text(writing.stores.database_url)
        await until(api.is_ready)
        assert "hunter2" not in api.log
        assert all(json.loads(line)["event"] for line in api.log.splitlines())


def test_it_says_what_is_missing_to_start(tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "ragwright-api"
    environment = {"RAGWRIGHT_SETTINGS_FILE": str(tmp_path / "none"), "VECTOR_DB_URL": "host=h"}
    done = subprocess.run([command], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("settings cannot be read (FileNotFoundError): mount the")
