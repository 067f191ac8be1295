"""LangChain: PGVectorStore with its HybridSearchConfig, and EnsembleRetriever with BM25Retriever.

https://docs.langchain.com/oss/python/integrations/vectorstores/pgvectorstore
"""

from __future__ import annotations

from collections.abc import Callable

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.embeddings import Embeddings
from langchain_postgres import PGEngine, PGVectorStore
from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig

from bench.eval.peers.material import Material

Search = Callable[[int, int], list[int]]


class Known(Embeddings):
    """Embeds with the vectors that all peers are given."""

    def __init__(self, material: Material) -> None:
        self._known = dict(zip(material.questions, material.question_vectors, strict=True))

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def embed_query(self, text: str) -> list[float]:
        return [float(value) for value in self._known[text]]


def _store(material: Material, url: str) -> PGVectorStore:
    engine = PGEngine.from_connection_string(url=url.replace("://", "+psycopg://", 1))
    # The column is optional and defaults to none; without it every query stems every text.
    hybrid = HybridSearchConfig(tsv_column="content_tsv")
    engine.init_vectorstore_table(
        table_name="langchain",
        vector_size=material.chunk_vectors.shape[1],
        hybrid_search_config=hybrid,
        overwrite_existing=True,
    )
    store = PGVectorStore.create_sync(
        engine=engine,
        embedding_service=Known(material),
        table_name="langchain",
        hybrid_search_config=hybrid,
    )
    store.add_embeddings(
        texts=list(material.chunks),
        embeddings=material.chunk_vectors.tolist(),
        metadatas=[{"number": number} for number in range(len(material.chunks))],
    )
    return store


def rows(material: Material, url: str) -> dict[str, Search]:
    store = _store(material, url)
    bm25 = BM25Retriever.from_texts(
        material.chunks, metadatas=[{"number": number} for number in range(len(material.chunks))]
    )

    def hybrid(question: int, cut: int) -> list[int]:
        # Both lists have 4 by default, fewer than are asked for; a new object for each question,
        # because the store keeps the first question's text in it (langchain-postgres#288).
        config = HybridSearchConfig(
            tsv_column="content_tsv", primary_top_k=cut, secondary_top_k=cut
        )
        text = material.questions[question]
        found = store.similarity_search(text, k=cut, hybrid_search_config=config)
        return [document.metadata["number"] for document in found]

    def ensemble(question: int, cut: int) -> list[int]:
        bm25.k = cut
        dense = store.as_retriever(search_kwargs={"k": cut, "hybrid_search_config": None})
        found = EnsembleRetriever(retrievers=[bm25, dense], weights=[0.5, 0.5]).invoke(
            material.questions[question]
        )
        return [document.metadata["number"] for document in found[:cut]]

    return {
        "LangChain PGVectorStore, hybrid": hybrid,
        "LangChain EnsembleRetriever, BM25 in memory": ensemble,
    }
