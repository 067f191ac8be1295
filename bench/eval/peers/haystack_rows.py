"""Haystack: an embedding retriever and a keyword retriever, joined by DocumentJoiner.

https://docs.haystack.deepset.ai/docs/documentjoiner
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from haystack import Document
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.retrievers.pgvector import (
    PgvectorEmbeddingRetriever,
    PgvectorKeywordRetriever,
)
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore

from bench.eval.peers.material import Material

Search = Callable[[int, int], list[int]]
JOINS = {"its default join": "concatenate", "reciprocal rank fusion": "reciprocal_rank_fusion"}


def rows(material: Material, url: str) -> dict[str, Search]:
    os.environ["PG_CONN_STR"] = url
    store = PgvectorDocumentStore(
        embedding_dimension=material.chunk_vectors.shape[1],
        table_name="haystack",
        recreate_table=True,
        search_strategy="hnsw",
        hnsw_ef_search=40,
    )
    documents = [
        Document(id=str(number), content=text, embedding=vector.tolist())
        for number, (text, vector) in enumerate(
            zip(material.chunks, material.chunk_vectors, strict=True)
        )
    ]
    store.write_documents(documents)
    memory = InMemoryDocumentStore()
    memory.write_documents([Document(id=item.id, content=item.content) for item in documents])
    dense = PgvectorEmbeddingRetriever(document_store=store)
    lexical = {
        "keyword search in Postgres": PgvectorKeywordRetriever(document_store=store),
        "BM25 in memory": InMemoryBM25Retriever(document_store=memory),
    }

    def joined(keyword: Any, mode: str) -> Search:
        def search(question: int, cut: int) -> list[int]:
            vector = material.question_vectors[question].tolist()
            lists: Sequence[list[Document]] = [
                dense.run(query_embedding=vector)["documents"],
                keyword.run(query=material.questions[question])["documents"],
            ]
            found = DocumentJoiner(join_mode=mode, top_k=cut).run(lists)
            return [int(document.id) for document in found["documents"]]

        return search

    return {
        f"Haystack {legs}, {words}": joined(keyword, mode)
        for legs, keyword in lexical.items()
        for words, mode in JOINS.items()
    }
