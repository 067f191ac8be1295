"""What a build request becomes: go on, nothing to do, or a new version."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragwright_core.index.descriptor import Descriptor, EmbeddingDescriptor
from ragwright_core.index.versions import State, Version, is_unchanged, joins

EMBEDDING = EmbeddingDescriptor(provider="embedded", model="wordllama", dimensions=64)
DESCRIPTOR = Descriptor(shape="s1", revisions={"docs": "c1"}, embedding=EMBEDDING)
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
    ],
)
def test_any_difference_is_a_change(descriptor: Descriptor, manifest: str) -> None:
    assert not is_unchanged(VERSION, descriptor, manifest)


def test_before_the_first_version_all_is_change() -> None:
    assert not is_unchanged(None, DESCRIPTOR, "m1")
