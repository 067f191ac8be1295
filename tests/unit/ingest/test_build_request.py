"""What a build request becomes: go on, nothing to do, or a new version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.version.columns import LAYOUT
from ragwright_core.index.version.states import State
from ragwright_core.index.versions import Version, is_unchanged, joins

EMBEDDING = EmbeddingDescriptor(
    provider="embedded", model="wordllama", dimensions=64, identity="i1"
)
DESCRIPTOR = Descriptor(layout=LAYOUT, shape="s1", revisions={"docs": "c1"}, embedding=EMBEDDING)
VERSION = Version(
    number=7,
    id="id",
    state="live",
    descriptor=DESCRIPTOR,
    manifest="m1",
    planned_on=5,
    documents=1,
    failed=0,
    chunks=1,
    embedded=1,
    reused=0,
    verdicts=[],
    load_seconds=1.0,
)


@pytest.mark.parametrize(
    ("state", "term", "expected"),
    [
        ("building", 5, True),
        ("ready", 5, True),
        ("live", 6, True),
        ("building", 6, False),
        ("ready", 6, False),
        ("failed", 5, False),
        ("kept", 6, False),
        ("dropping", 6, False),
        ("dropped", 6, False),
    ],
)
def test_joins_only_what_can_still_go_live(state: State, term: int, expected: bool) -> None:
    assert joins(replace(VERSION, state=state), term) is expected


def test_what_an_older_release_embedded_is_neither_joined_nor_unchanged() -> None:
    unknown = EMBEDDING.model_copy(update={"identity": ""})
    descriptor = DESCRIPTOR.model_copy(update={"embedding": unknown})
    old = replace(VERSION, descriptor=descriptor)

    assert not joins(replace(old, state="building"), 5)
    assert joins(old, 5), "it answers questions"
    assert not is_unchanged(old, descriptor, "m1")


@pytest.mark.parametrize("layout", [1, LAYOUT + 1])
def test_what_another_release_began_is_joined_only_once_it_is_loaded(layout: int) -> None:
    """Its tables have no place for what is loaded now, and its indexes are the same."""
    theirs = replace(VERSION, descriptor=DESCRIPTOR.model_copy(update={"layout": layout}))
    assert not joins(replace(theirs, state="building"), 5)
    assert joins(replace(theirs, state="ready"), 5)


def test_an_older_layout_alone_is_no_reason_to_build() -> None:
    before = DESCRIPTOR.model_copy(update={"layout": 1})
    assert is_unchanged(replace(VERSION, descriptor=before), DESCRIPTOR, "m1")


def test_a_new_request_joins_nothing() -> None:
    assert not joins(None, 0)


def test_same_documents_and_settings_are_unchanged_whatever_the_commit() -> None:
    later = DESCRIPTOR.model_copy(update={"revisions": {"docs": "c2"}})

    assert is_unchanged(VERSION, later, "m1")


@pytest.mark.parametrize(
    ("descriptor", "manifest"),
    [
        (DESCRIPTOR, "m2"),
        (DESCRIPTOR.model_copy(update={"shape": "s2"}), "m1"),
        (DESCRIPTOR.model_copy(update={"language": "german"}), "m1"),
        (
            DESCRIPTOR.model_copy(
                update={"embedding": EMBEDDING.model_copy(update={"dimensions": 128})}
            ),
            "m1",
        ),
        (
            DESCRIPTOR.model_copy(
                update={"embedding": EMBEDDING.model_copy(update={"identity": "i2"})}
            ),
            "m1",
        ),
    ],
)
def test_any_difference_is_a_change(descriptor: Descriptor, manifest: str) -> None:
    assert not is_unchanged(VERSION, descriptor, manifest)


def test_before_the_first_version_all_is_change() -> None:
    assert not is_unchanged(None, DESCRIPTOR, "m1")
