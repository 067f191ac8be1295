"""A day on real stores and programs, and what the models at its edge were asked."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.savings.day import ASKED, CHANGED, DAY_SECONDS, SCALE, Asked, documents, zipf_day
from bench.swap.run import build
from dev.demo.documents import Checkout
from dev.gitserver import serve as serve_git
from dev.servers import openai_server
from dev.stack import Stack, stack
from ragwright_core.index.sentences import SENTENCES
from ragwright_core.report import Report
from ragwright_core.spec import Cache, Embedding, Git, Llm, RagPipelineSpec, Source

REPLICAS = 2
ANSWER_TTL, EMBEDDING_TTL = 4 * 3600, 30 * 86_400


@dataclass(frozen=True)
class Day:
    """`llm_calls` and `texts` are what the endpoint saw, from the first question to the last."""

    exponent: float
    distinct: int
    statuses: Counter[int]
    took_seconds: float
    llm_calls: int
    texts: list[str]
    reindex: Report
    metrics: dict[str, float]

    @property
    def llm_saved(self) -> float:
        return 100 * (1 - self.llm_calls / ASKED)

    @property
    def embeddings_without(self) -> int:
        """Each question, and each chunk of the reindex."""
        return ASKED + self.reindex.counts.chunks

    @property
    def embeddings_saved(self) -> float:
        return 100 * (1 - len(self.texts) / self.embeddings_without)

    @property
    def together_saved(self) -> float:
        without = ASKED + self.embeddings_without
        return 100 * (1 - (self.llm_calls + len(self.texts)) / without)

    @property
    def metrics_off_by(self) -> int:
        """How far the programs' own counts are from the endpoint's, and from the questions."""
        sentences = sum(text in SENTENCES for text in self.texts)
        of_questions = len(self.texts) - sentences - self.reindex.counts.embedded
        made, saved = self.metrics["llm_calls"], self.metrics["llm_calls_saved"]
        embedded, spared = self.metrics["embeddings"], self.metrics["embeddings_saved"]
        return round(
            abs(made - self.llm_calls)
            + abs(made + saved - ASKED)
            + abs(embedded - of_questions)
            + abs(embedded + spared - ASKED)
        )


def spec(git_url: str, endpoint: str) -> RagPipelineSpec:
    return RagPipelineSpec(
        sources=[Source(name="bench", git=Git(url=git_url, ref="main"))],
        embedding=Embedding(provider="openai", model="e", base_url=endpoint, dimensions=64),
        llm=Llm(provider="openai", model="l", base_url=endpoint),
        cache=Cache(
            answer_ttl_seconds=round(ANSWER_TTL * SCALE),
            embedding_ttl_seconds=round(EMBEDDING_TTL * SCALE),
        ),
    )


async def live_a_day(exponent: float) -> Day:
    """One reindex, begun at noon, finds one document in a hundred changed."""
    questions = zipf_day(exponent)
    with (
        stack(f"savings-{round(exponent * 10)}") as stores,
        openai_server.serve() as endpoint,
        serve_git(stores.folder / "served.git") as url,
    ):
        checkout = Checkout(stores.folder / "work", documents())
        checkout.commit(1)
        checkout.push(url)
        wanted = spec(url, endpoint.url)
        await build(stores, wanted, "first")
        apis = [await asyncio.to_thread(stores.start_api, wanted) for _ in range(REPLICAS)]
        endpoint.told.chat_calls.clear()
        endpoint.told.embedding_calls.clear()
        reindexing = asyncio.create_task(_reindex_at_noon(stores, wanted, checkout, url))
        began = asyncio.get_running_loop().time()
        statuses = await _ask_all(questions, [public for public, _ in apis])
        took = asyncio.get_running_loop().time() - began
        return Day(
            exponent=exponent,
            distinct=len({item.question for item in questions}),
            statuses=statuses,
            took_seconds=took,
            llm_calls=len(endpoint.told.chat_calls),
            texts=endpoint.told.texts,
            reindex=await reindexing,
            metrics=await _metrics([internal for _, internal in apis]),
        )


async def _reindex_at_noon(
    stores: Stack, wanted: RagPipelineSpec, checkout: Checkout, url: str
) -> Report:
    await asyncio.sleep(DAY_SECONDS / 2)
    await asyncio.to_thread(checkout.commit, 2, CHANGED)
    await asyncio.to_thread(checkout.push, url)
    return await build(stores, wanted, "second")


async def _ask_all(questions: Sequence[Asked], urls: Sequence[str]) -> Counter[int]:
    """Ask each question at its time, even if earlier ones are not answered. Replicas take turns."""
    statuses: Counter[int] = Counter()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with httpx.AsyncClient(timeout=30) as http, asyncio.TaskGroup() as group:

        async def ask(url: str, question: str) -> None:
            reply = await http.post(f"{url}/api/rag/query", json={"question": question})
            statuses[reply.status_code] += 1

        for item, url in zip(questions, itertools.cycle(urls), strict=False):
            await asyncio.sleep(began + item.at - loop.time())
            group.create_task(ask(url, item.question))
    return statuses


async def _metrics(urls: Sequence[str]) -> dict[str, float]:
    """Sums over the replicas, without the common words of the names."""
    totals: Counter[str] = Counter()
    async with httpx.AsyncClient(timeout=30) as http:
        for url in urls:
            text = (await http.get(f"{url}/metrics")).text
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    if sample.name.endswith("_total"):
                        name = sample.name.removeprefix("ragwright_").removesuffix("_total")
                        totals[name] += sample.value  # type: ignore[assignment]
    return dict(totals)
