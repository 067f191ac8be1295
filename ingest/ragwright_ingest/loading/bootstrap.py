"""The first step of a build: pin the sources' revisions, list the documents, get a number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ragwright_core.embedding.base import Vectors
from ragwright_core.index import locks
from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor, embedding_descriptor
from ragwright_core.index.sentences import identified
from ragwright_core.index.version import tables
from ragwright_core.index.version.columns import DOCUMENTS, LAYOUT, in_order
from ragwright_core.index.versions import (
    Begun,
    Pointer,
    Version,
    abandon_others,
    create_version,
    fit,
    is_unchanged,
    joins,
    read_asked,
    read_models,
    read_pointer,
    read_version,
    record_request,
)
from ragwright_core.orders import BuildOrder
from ragwright_core.spec import Source, chunking_fingerprint, shape_fingerprint
from ragwright_ingest.database import Connection
from ragwright_ingest.sources.base import Listed, Listing, OpenSource

# The column is an integer of four bytes, and what is larger is never read.
_MOST_BYTES = 2**31 - 1

Open = Callable[[Source, str | None], OpenSource]
# The fixed sentences' vectors by the model as it is now, shape (3, dimensions).
Ask = Callable[[EmbeddingDescriptor], Vectors]


@dataclass(frozen=True)
class Build:
    """The version that a request builds, or the live version if nothing changed."""

    version: Version
    unchanged: bool


def bootstrap(connection: Connection, order: BuildOrder, open_source: Open, ask: Ask) -> Build:
    """Make exactly one version for a request, however many workers start at once.

    The first worker lists the sources and asks which model embeds. The others wait for its lock,
    and then find the version.
    """
    schema = order.pipeline.names.schema
    with locks.advisory_lock(connection, locks.of_bootstrap(schema)):
        live = read_pointer(connection)
        asked = read_asked(connection, order.request)
        version = read_version(connection, asked.number) if asked else None
        fits = version is not None and version.descriptor.shape == shape_fingerprint(order.spec)
        if asked is not None and version is not None and fits and joins(version, live.term):
            abandon_others(connection, version.number)
            return Build(version, unchanged=asked.unchanged)
        listings = {source.name: open_source(source, None).list() for source in order.spec.sources}
        return _begin(connection, order, listings, ask, live)


def _begin(
    connection: Connection,
    order: BuildOrder,
    listings: Mapping[str, Listing],
    ask: Ask,
    live: Pointer,
) -> Build:
    digest = manifest(listings)
    current = _live(connection, live)
    if order.poll and current is not None and current.descriptor.shape == _shape(order):
        as_it_was = _described(order, listings, current.descriptor.embedding)
        if is_unchanged(current, as_it_was, digest):
            return _unchanged(connection, order, current, as_it_was)
    named = embedding_descriptor(order.spec.embedding)
    model = identified(named, ask(named), read_models(connection))
    descriptor = _described(order, listings, model.embedding)
    with connection.transaction():
        current = _live(connection, live)
        if current is not None and is_unchanged(current, descriptor, digest):
            return _unchanged(connection, order, current, descriptor)
        begun = Begun(
            why=order.why,
            descriptor=descriptor,
            sentences=model.sentences,
            manifest=digest,
            documents=sum(len(listing.documents) for listing in listings.values()),
            planned_on=live.term,
        )
        number = create_version(connection, begun)
        abandon_others(connection, number)
        _write_listings(connection, number, listings)
        record_request(connection, order.request, number, unchanged=False)
    return Build(read_version(connection, number), unchanged=False)


def _live(connection: Connection, live: Pointer) -> Version | None:
    return None if live.number is None else read_version(connection, live.number)


def _shape(order: BuildOrder) -> str:
    return shape_fingerprint(order.spec)


def _described(
    order: BuildOrder, listings: Mapping[str, Listing], embedding: EmbeddingDescriptor
) -> Descriptor:
    return Descriptor(
        layout=LAYOUT,
        shape=_shape(order),
        chunking=chunking_fingerprint(order.spec.chunking),
        language=order.spec.retrieval.language,
        revisions={name: listing.revision for name, listing in listings.items()},
        left_out={name: found.left_out for name, found in listings.items() if found.left_out},
        embedding=embedding,
    )


def _unchanged(
    connection: Connection, order: BuildOrder, current: Version, descriptor: Descriptor
) -> Build:
    with connection.transaction():
        record_request(connection, order.request, current.number, unchanged=True)
        abandon_others(connection, current.number)
        fit(connection, current.number, descriptor)
    return Build(read_version(connection, current.number), unchanged=True)


def manifest(listings: Mapping[str, Listing]) -> str:
    """SHA-256 over every document's source, path and mark."""
    lines = sorted(
        f"{name}\0{document.path}\0{document.mark}\n"
        for name, listing in listings.items()
        for document in listing.documents
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _write_listings(connection: Connection, number: int, listings: Mapping[str, Listing]) -> None:
    with connection.cursor().copy(tables.copy_documents(number)) as copy:
        for name, listing in listings.items():
            for document in listing.documents:
                copy.write_row(in_order(DOCUMENTS, _values(name, document)))


def _values(source: str, document: Listed) -> dict[str, Any]:
    """The values of a document's columns, by name."""
    return {
        "source": source,
        "path": document.path,
        "hash": document.mark,
        "bytes": min(document.bytes, _MOST_BYTES),
        "url": document.url,
    }
