"""An embedding endpoint that says anything but what it should."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dev.loopback import LOOPBACK
from dev.servers.openai_server import vector
from ragwright_core.embedding import EmbeddingRejectedError, TextRefusedError
from ragwright_core.embedding.openai import OpenAIEmbedder, Witness
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.network import Network
from tests.kit.hostile.embedding import DIMENSIONS, TABLE, Line, takes, texts_of, well
from tests.kit.hostile.endpoint import Asked, Hostile, Said, hostile, in_turn
from tests.kit.hostile.one_text import TABLE as ONE_TEXT

TEXTS = ["one", "two POISON", "three"]
Make = Callable[..., OpenAIEmbedder]


@pytest.fixture
def endpoint() -> Iterator[Hostile]:
    with hostile(well) as served:
        yield served


# For what is not about time; the machine may be busy.
PATIENT: dict[str, Any] = {"deadline": 60, "timeout": 15}


@pytest.fixture
async def make(endpoint: Hostile) -> AsyncIterator[Make]:
    made: list[OpenAIEmbedder] = []

    def embedder(url: str = "", network: Network = LOOPBACK, **options: Any) -> OpenAIEmbedder:
        descriptor = EmbeddingDescriptor(
            provider="openai", model="m", dimensions=DIMENSIONS, base_url=url or endpoint.url
        )
        options = {"secret_file": None, "deadline": 2.5, "timeout": 0.5, **options}
        made.append(OpenAIEmbedder(descriptor, network=network, **options))
        return made[-1]

    yield embedder
    for one in made:
        await one.close()


def witness() -> Witness:
    return Witness("who?", np.asarray(vector("who?", DIMENSIONS), np.float32))


@pytest.mark.parametrize("witnessed", [False, True], ids=["alone", "witnessed"])
@pytest.mark.parametrize("line", [*TABLE, *ONE_TEXT], ids=lambda line: line.name)
async def test_every_line_of_the_table(
    endpoint: Hostile, make: Make, line: Line, witnessed: bool
) -> None:
    endpoint.say = line.say
    embedder = make(witness=witness() if witnessed else None)
    if line.error is None:
        vectors = await embedder.embed_documents(TEXTS)
        wanted = [vector(text, DIMENSIONS) for text in TEXTS]
        np.testing.assert_allclose(vectors, wanted, atol=1e-5)
        return
    words = None if witnessed else re.escape(line.words)  # counts are those of the texts alone
    with pytest.raises(line.error, match=words) as told:
        await embedder.embed_documents(TEXTS)
    refused = isinstance(told.value, TextRefusedError)
    assert refused is (line.error is TextRefusedError)
    assert "127.0.0.1" not in told.value.words  # type: ignore[attr-defined]
    if refused:
        assert (await embedder.embed_documents(["three"])).shape == (1, DIMENSIONS)


async def test_a_slow_batch_is_halved_until_it_is_in_time_and_stays_so(
    endpoint: Hostile, make: Make
) -> None:
    """What is longer than 25 texts never ends, and on a busy machine the rest takes its time."""
    endpoint.say = takes(25, Said(b" ", pace=0.1))
    embedder, texts = make(deadline=60, timeout=3), [f"text {n}" for n in range(120)]
    vectors = await embedder.embed_documents(texts)
    np.testing.assert_allclose(vectors, [vector(t, DIMENSIONS) for t in texts], atol=1e-5)
    await embedder.embed_documents(texts)
    sizes = [len(texts_of(call)) for call in endpoint.asked]
    assert sizes[:2] == [100, 50]
    assert set(sizes[2:]) <= {25, 20}, "what was in time is kept to"


async def test_an_endpoint_that_is_away_is_not_taken_for_a_text(
    endpoint: Hostile, make: Make
) -> None:
    """It comes back while it is waited for."""
    endpoint.say = in_turn(*[Said({}, 500)] * 6, Said({}, 503))
    embedder = make(deadline=20)
    answers = endpoint.say

    def recovers(asked: Asked) -> Said:
        return answers(asked) if len(endpoint.asked) < 7 else well(asked)

    endpoint.say = recovers
    assert (await embedder.embed_documents(["one"])).shape == (1, DIMENSIONS)


async def test_half_a_sign_is_sent_as_none(endpoint: Hostile, make: Make) -> None:
    await make(**PATIENT).embed_documents(["a \ud800 b", "\ud83d\ude00"])
    assert texts_of(endpoint.asked[0]) == ["a \ufffd b", "\U0001f600"]


@pytest.mark.parametrize("in_query", [True, False])
async def test_azures_urls_and_its_header(
    endpoint: Hostile, make: Make, tmp_path: Path, in_query: bool
) -> None:
    (tmp_path / "key").write_text("k-1\n")
    url = endpoint.url.replace("/v1", "/openai/deployments/emb")
    url += "?api-version=2024-02-01" if in_query else "/"
    await make(url, secret_file=tmp_path / "key", **PATIENT).embed_documents(["one"])
    [call] = endpoint.asked
    if in_query:
        assert call.path == "/openai/deployments/emb/embeddings?api-version=2024-02-01"
        assert call.headers["api-key"] == "k-1"
    else:
        assert call.path == "/openai/deployments/emb/embeddings"
        assert call.headers["authorization"] == "Bearer k-1"


async def test_a_query_is_in_no_message(endpoint: Hostile, make: Make) -> None:
    endpoint.say = in_turn(Said({}, 401))
    with pytest.raises(EmbeddingRejectedError) as told:
        await make(f"{endpoint.url}?key=hunter2", **PATIENT).embed_documents(["one"])
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize("key", [b"", b" \n", b"two words", b"line\nbreak", b"k\xc3\xa4", b"\xff"])
async def test_a_key_that_is_none_is_told(
    endpoint: Hostile, make: Make, tmp_path: Path, key: bytes
) -> None:
    (tmp_path / "key").write_bytes(key)
    with pytest.raises(Exception, match="write the key alone") as told:
        await make(secret_file=tmp_path / "key", **PATIENT).embed_documents(["one"])
    assert "two words" not in str(told.value)
    assert endpoint.asked == []


async def test_no_key_is_sent_where_none_is_named(endpoint: Hostile, make: Make) -> None:
    await make(**PATIENT).embed_documents(["one"])
    assert {"authorization", "api-key"} & endpoint.asked[0].headers.keys() == set()


@pytest.mark.parametrize("url", ["http://localhost:1/v1", "http://169.254.169.254/latest"])
async def test_addresses_that_no_pipeline_may_contact(make: Make, url: str) -> None:
    with pytest.raises(EmbeddingRejectedError, match="which a pipeline may not contact"):
        await make(url, Network()).embed_documents(["one"])
