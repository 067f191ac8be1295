"""The first step of a build: pin the sources' revisions, list the documents, take a number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ragwright_core.handover import BuildOrder
from ragwright_core.index.descriptor import Descriptor, embedding_descriptor
from ragwright_core.index.layout import advisory_lock
from ragwright_core.index.versions import (
    Begun,
    Live,
    Version,
    abandon_others,
    create_version,
    fit,
    is_unchanged,
    joins,
    read_asked,
    read_live,
    read_version,
    record_request,
)
from ragwright_core.model import fingerprint
from ragwright_core.spec import Source, shape_fingerprint
from ragwright_ingest import queries
from ragwright_ingest.database import Connection
from ragwright_ingest.sources.base import Listing, OpenSource

Open = Callable[[Source, str | None], OpenSource]


@dataclass(frozen=True)
class Build:
    """The version that a request builds, or the live one where nothing changed."""

    version: Version
    unchanged: bool


def bootstrap(connection: Connection, order: BuildOrder, open_source: Open) -> Build:
    """Exactly one version for a request, however many workers start at once.

    The first worker lists the sources while the others wait for its lock, and find the version.
    """
    schema = order.pipeline.names.schema
    with advisory_lock(connection, f"ragwright bootstrap {schema}"):
        live = read_live(connection)
        asked = read_asked(connection, order.request)
        version = read_version(connection, asked.number) if asked else None
        fits = version is not None and version.descriptor.shape == shape_fingerprint(order.spec)
        if asked is not None and version is not None and fits and joins(version, live.term):
            abandon_others(connection, version.number)
            return Build(version, unchanged=asked.unchanged)
        return _begin(connection, order, open_source, live)


def _begin(connection: Connection, order: BuildOrder, open_source: Open, live: Live) -> Build:
    listings = {source.name: open_source(source, None).list() for source in order.spec.sources}
    descriptor = Descriptor(
        shape=shape_fingerprint(order.spec),
        chunking=fingerprint(order.spec.chunking.model_dump()),
        language=order.spec.retrieval.language,
        revisions={name: listing.revision for name, listing in listings.items()},
        embedding=embedding_descriptor(order.spec.embedding),
    )
    digest = manifest(listings)
    with connection.transaction():
        current = None if live.number is None else read_version(connection, live.number)
        if current is not None and is_unchanged(current, descriptor, digest):
            record_request(connection, order.request, current.number, unchanged=True)
            abandon_others(connection, current.number)
            fit(connection, current.number, descriptor)
            return Build(read_version(connection, current.number), unchanged=True)
        begun = Begun(
            reason=order.reason,
            descriptor=descriptor,
            manifest=digest,
            documents=sum(len(listing.documents) for listing in listings.values()),
            planned_on=live.term,
        )
        number = create_version(connection, begun)
        abandon_others(connection, number)
        _write_listings(connection, number, listings)
        record_request(connection, order.request, number, unchanged=False)
    return Build(read_version(connection, number), unchanged=False)


def manifest(listings: Mapping[str, Listing]) -> str:
    """SHA-256 over every document's source, path and hash."""
    lines = sorted(
        f"{name}\0{document.path}\0{document.hash}\n"
        for name, listing in listings.items()
        for document in listing.documents
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _write_listings(connection: Connection, number: int, listings: Mapping[str, Listing]) -> None:
    with connection.cursor().copy(queries.copy_documents(number)) as copy:
        for name, listing in listings.items():
            for document in listing.documents:
                copy.write_row((name, document.path, document.hash, document.bytes, document.url))
