"""`python -m bench.retrieval.peer NAME HOST`, run by the Python of that peer's own environment.

Fills its store, says so, and then answers each line `{"first", "count", "filtered"}` with the
seconds of each search and the numbers of the chunks found.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.retrieval.data import DIMENSIONS, RARE, TOP_K, Data

# One question to the numbers of the chunks found.
Search = Callable[[list[float], bool], list[int]]


def langchain(data: Data, host: str) -> Search:
    from langchain_core.embeddings import DeterministicFakeEmbedding
    from langchain_postgres import PGEngine, PGVectorStore
    from langchain_postgres.v2.indexes import HNSWIndex

    url = f"postgresql+psycopg://postgres:@/postgres?host={host}"
    engine = PGEngine.from_connection_string(url=url)
    engine.init_vectorstore_table(table_name="langchain", vector_size=DIMENSIONS)
    store = PGVectorStore.create_sync(
        engine=engine,
        table_name="langchain",
        embedding_service=DeterministicFakeEmbedding(size=DIMENSIONS),
    )
    store.add_embeddings(
        texts=data.texts,
        embeddings=data.vectors.tolist(),
        metadatas=[{**item, "n": n} for n, item in enumerate(data.metadata)],
    )
    store.apply_vector_index(HNSWIndex(name="langchain_ann"))

    def search(vector: list[float], filtered: bool) -> list[int]:
        given = {"rare": RARE} if filtered else None
        found = store.similarity_search_by_vector(vector, k=TOP_K, filter=given)
        return [item.metadata["n"] for item in found]

    return search


def llamaindex(data: Data, host: str) -> Search:
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores import (
        MetadataFilter,
        MetadataFilters,
        VectorStoreQuery,
    )
    from llama_index.vector_stores.postgres import PGVectorStore

    place = f"postgres:@/postgres?host={host}"
    store = PGVectorStore(
        connection_string=f"postgresql+psycopg2://{place}",
        async_connection_string=f"postgresql+asyncpg://{place}",
        table_name="llamaindex",
        schema_name="public",
        embed_dim=DIMENSIONS,
        hnsw_kwargs={
            "hnsw_m": 16,
            "hnsw_ef_construction": 64,
            "hnsw_ef_search": 40,
            "hnsw_dist_method": "vector_cosine_ops",
        },
    )
    rows = zip(data.texts, data.metadata, data.vectors.tolist(), strict=True)
    nodes = [
        TextNode(id_=str(n), text=text, metadata=item, embedding=vector)
        for n, (text, item, vector) in enumerate(rows)
    ]
    for start in range(0, len(nodes), 1000):
        store.add(nodes[start : start + 1000])
    rare = MetadataFilters(filters=[MetadataFilter(key="rare", value=RARE)])

    def search(vector: list[float], filtered: bool) -> list[int]:
        query = VectorStoreQuery(
            query_embedding=vector, similarity_top_k=TOP_K, filters=rare if filtered else None
        )
        return [int(item) for item in store.query(query).ids or []]

    return search


def haystack(data: Data, host: str) -> Search:
    os.environ["PG_CONN_STR"] = f"postgresql://postgres:@/postgres?host={host}"
    os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
    from haystack import Document
    from haystack_integrations.components.retrievers.pgvector import (
        PgvectorEmbeddingRetriever,
    )
    from haystack_integrations.document_stores.pgvector import (
        PgvectorDocumentStore,
    )

    store = PgvectorDocumentStore(
        embedding_dimension=DIMENSIONS,
        table_name="haystack",
        recreate_table=True,
        search_strategy="hnsw",
        hnsw_ef_search=40,
    )
    rows = zip(data.texts, data.metadata, data.vectors.tolist(), strict=True)
    store.write_documents(
        [
            Document(id=str(n), content=text, meta=item, embedding=vector)
            for n, (text, item, vector) in enumerate(rows)
        ]
    )
    retriever = PgvectorEmbeddingRetriever(document_store=store, top_k=TOP_K)
    rare = {"field": "meta.rare", "operator": "==", "value": RARE}

    def search(vector: list[float], filtered: bool) -> list[int]:
        found = retriever.run(query_embedding=vector, filters=rare if filtered else None)
        return [int(item.id) for item in found["documents"]]

    return search


PEERS = {"langchain": langchain, "llamaindex": llamaindex, "haystack": haystack}


def main() -> None:
    # What a library prints goes to stderr; stdout is for the lines.
    lines, sys.stdout = sys.stdout, sys.stderr
    data = Data()
    search = PEERS[sys.argv[1]](data, sys.argv[2])
    questions = data.questions.tolist()
    print(json.dumps("ready"), file=lines, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        seconds, found = [], []
        for vector in questions[asked["first"] : asked["first"] + asked["count"]]:
            began = time.perf_counter()
            chunks = search(vector, asked["filtered"])
            seconds.append(time.perf_counter() - began)
            found.append(chunks)
        told: dict[str, Any] = {"seconds": seconds, "found": found}
        print(json.dumps(told), file=lines, flush=True)


if __name__ == "__main__":
    main()
