"""Counts the calls of models for answers, and the calls that caches save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from ragwright_core.names import Identity


@dataclass(frozen=True)
class Cost:
    """The calls of models for an answer. `embeddings` counts texts. Tokens are as the language
    model's endpoint reports them."""

    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embeddings: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.llm_calls + other.llm_calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.embeddings + other.embeddings,
        )


FREE = Cost()


@dataclass
class Sum:
    """Costs added up."""

    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    embeddings: int = 0

    def add(self, cost: Cost) -> None:
        self.llm_calls += cost.llm_calls
        self.prompt_tokens += cost.prompt_tokens
        self.completion_tokens += cost.completion_tokens
        self.embeddings += cost.embeddings

    @property
    def calls(self) -> int:
        return self.llm_calls + self.embeddings


class Ledger(Collector):
    """`made` are the calls of models. `saved` are those that would be needed besides without
    caches. They are plain numbers until a scrape, because they are counted on the fast path."""

    def __init__(self, identity: Identity) -> None:
        self._labels = (identity.namespace, identity.name)
        self.made = Sum()
        self.saved = Sum()

    def collect(self) -> Iterator[CounterMetricFamily]:
        made, saved = self.made, self.saved
        yield self._family("llm_calls", "Calls of the language model", made.llm_calls)
        yield self._family("llm_calls_saved", "Calls of it that caches saved", saved.llm_calls)
        yield self._tokens("llm_tokens", "Tokens of the language model", made)
        yield self._tokens("llm_tokens_saved", "Tokens of it that caches saved", saved)
        yield self._family("embeddings", "Texts embedded to answer questions", made.embeddings)
        yield self._family("embeddings_saved", "Such texts that caches saved", saved.embeddings)

    def _family(self, noun: str, words: str, value: int) -> CounterMetricFamily:
        family = CounterMetricFamily(f"ragwright_{noun}", words, labels=("namespace", "pipeline"))
        family.add_metric(self._labels, value)
        return family

    def _tokens(self, noun: str, words: str, total: Sum) -> CounterMetricFamily:
        labels = ("namespace", "pipeline", "kind")
        family = CounterMetricFamily(f"ragwright_{noun}", words, labels=labels)
        family.add_metric((*self._labels, "prompt"), total.prompt_tokens)
        family.add_metric((*self._labels, "completion"), total.completion_tokens)
        return family
