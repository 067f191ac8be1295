"""What is made from a version's columns, and what stands for those that an older layout lacks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.search.found import Found, Searched
from ragwright_core.index.search.text import search as search_by_both
from ragwright_core.index.search.vector import search
from ragwright_core.index.version.columns import CHUNKS, LAYOUT, in_order
from ragwright_core.index.version.tables import (
    chunk_types,
    chunks_view,
    copy_chunks,
    create_chunks,
    documents_view,
)

BEFORE = Path(__file__).parents[1] / "written_by" / "9dc460f" / "descriptor.json"
FROM_LINES = "'L' || first_line || '-L' || last_line AS \"place\""


def test_a_descriptor_without_a_layout_is_of_the_first() -> None:
    descriptor, unknown = Descriptor.read(BEFORE.read_bytes())
    assert (descriptor.layout, unknown) == (1, ())
    assert descriptor.has_text_search
    embedding = EmbeddingDescriptor(provider="embedded", model="wordllama", dimensions=64)
    first_release = Descriptor(shape="s", revisions={}, embedding=embedding)
    assert not first_release.has_text_search
    assert Searched.of(7, first_release) == Searched(7, 64, None, layout=1)


def test_a_search_reads_what_the_layout_has() -> None:
    version = Searched(7, 64, "english")
    for made in (search, search_by_both):
        assert '"place" AS "place"' in made(version).as_string()
        assert FROM_LINES in made(replace(version, layout=1)).as_string()
        # One of a newer release has what ours has, and more.
        assert '"place" AS "place"' in made(replace(version, layout=LAYOUT + 1)).as_string()


def test_views_cover_versions_of_both_layouts_with_one_set_of_columns() -> None:
    newer, older = chunks_view({8: LAYOUT, 7: 1}).as_string().split(" UNION ALL ")
    assert '"chunks_v8"' in newer
    assert '("place")::text AS "place"' in newer
    assert '"chunks_v7"' in older
    assert "('L' || first_line || '-L' || last_line)::text AS \"place\"" in older
    # Of 9dc460f, in its order: a view can only gain columns, at its end.
    was = "id document source path url title first_line last_line text metadata embedding"
    assert shown(newer) == shown(older) == f"{was} place"
    documents = documents_view({7: 1}).as_string()
    assert shown(documents) == "id source path hash url title state problem"


def shown(view: str) -> str:
    return " ".join(item.split('"')[1] for item in view.split(" AS ")[1:] if item.startswith('"'))


def test_copied_rows_have_one_order_in_every_statement() -> None:
    names = [column.name for column in CHUNKS if column.name not in ("id", "lexemes")]
    listed = ", ".join(f'"{name}"' for name in names)
    assert listed in copy_chunks(7).as_string()
    types = dict(zip(names, chunk_types(3000), strict=True))
    assert (types["embedding"], types["position"], types["hash"]) == ("halfvec", "integer", "bytea")
    assert in_order(CHUNKS, {name: name.upper() for name in reversed(names)}) == tuple(
        name.upper() for name in names
    )
    with pytest.raises(KeyError, match="place"):
        in_order(CHUNKS, {name: 1 for name in names if name != "place"})


def test_what_is_created_is_of_the_versions_own_dimensions_and_language() -> None:
    created = create_chunks(7, 3000, "german").as_string()
    assert '"embedding" halfvec (3000) STORAGE PLAIN NOT NULL' in created
    assert "to_tsvector('pg_catalog.german'::regconfig, text)" in created
    assert '"place" text NOT NULL' in created
    assert '"first_line" integer ,' in created


def test_a_reference_is_the_url_or_the_place_in_the_document() -> None:
    page = Found(1, "docs", "a.pdf", None, "Title", "page=3", None, None, "text", 0.5)
    assert page.reference == "a.pdf#page=3"
    assert replace(page, url="https://a.b/c").reference == "https://a.b/c"
