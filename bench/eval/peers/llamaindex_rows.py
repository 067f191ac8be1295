"""LlamaIndex: PGVectorStore in hybrid mode, and QueryFusionRetriever with BM25Retriever.

https://developers.llamaindex.ai/python/examples/vector_stores/postgres/
"""

from __future__ import annotations

from collections.abc import Callable

from llama_index.core import QueryBundle
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import BaseRetriever, QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.core.vector_stores import VectorStoreQuery
from llama_index.core.vector_stores.types import VectorStoreQueryMode
from llama_index.retrievers.bm25 import BM25Retriever
from llama_index.vector_stores.postgres import PGVectorStore

from bench.eval.peers.material import Material

Search = Callable[[int, int], list[int]]


class Dense(BaseRetriever):
    """The store by vector alone, for a question whose vector is known."""

    def __init__(self, store: PGVectorStore, material: Material, cut: int) -> None:
        super().__init__()
        self._store, self._cut = store, cut
        self._known = dict(zip(material.questions, material.question_vectors, strict=True))

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._store.query(
            VectorStoreQuery(
                query_embedding=self._known[query_bundle.query_str].tolist(),
                similarity_top_k=self._cut,
            )
        )
        scored = zip(found.nodes, found.similarities, strict=True)
        return [NodeWithScore(node=node, score=score) for node, score in scored]


def _store(material: Material, url: str, nodes: list[TextNode]) -> PGVectorStore:
    store = PGVectorStore(
        connection_string=url.replace("://", "+psycopg2://", 1),
        async_connection_string=url.replace("://", "+asyncpg://", 1),
        table_name="llamaindex",
        schema_name="public",
        embed_dim=material.chunk_vectors.shape[1],
        hybrid_search=True,
        text_search_config="english",
        hnsw_kwargs={"hnsw_m": 16, "hnsw_ef_construction": 64, "hnsw_ef_search": 40},
    )
    store.add(nodes)
    return store


def rows(material: Material, url: str) -> dict[str, Search]:
    nodes = [
        TextNode(id_=str(number), text=text, embedding=vector.tolist())
        for number, (text, vector) in enumerate(
            zip(material.chunks, material.chunk_vectors, strict=True)
        )
    ]
    store = _store(material, url, nodes)

    def hybrid(question: int, cut: int) -> list[int]:
        found = store.query(
            VectorStoreQuery(
                query_embedding=material.question_vectors[question].tolist(),
                query_str=material.questions[question],
                similarity_top_k=cut,
                mode=VectorStoreQueryMode.HYBRID,
            )
        )
        return [int(node_id) for node_id in found.ids[:cut]]

    lexical = BM25Retriever(nodes=nodes)

    def fusion(question: int, cut: int) -> list[int]:
        lexical.similarity_top_k = cut
        retriever = QueryFusionRetriever(
            [Dense(store, material, cut), lexical],
            llm=MockLLM(),
            mode="reciprocal_rerank",
            similarity_top_k=cut,
            num_queries=1,  # more are written by a language model
            use_async=False,
        )
        found = retriever.retrieve(material.questions[question])
        return [int(item.node.node_id) for item in found[:cut]]

    return {
        "LlamaIndex PGVectorStore, hybrid": hybrid,
        "LlamaIndex QueryFusionRetriever, BM25 in memory": fusion,
    }
