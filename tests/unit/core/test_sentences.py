"""Which model embeds: told by the vectors of fixed sentences, not by its name."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import Identified, identified
from ragwright_core.spec import SecretKey

NAMED = EmbeddingDescriptor(
    provider="openai", model="m", dimensions=2, base_url="http://h/v1", document_prefix="d: "
)


def turned(degrees: float) -> NDArray[np.float32]:
    """A model whose vectors lie so far from those of `turned(0)`; 2.56 degrees are a cosine of
    0.999."""
    angle = math.radians(degrees)
    return np.asarray([[math.cos(angle), math.sin(angle)]] * 3, np.float32)


def known(degrees: float, named: EmbeddingDescriptor = NAMED) -> Identified:
    return identified(named, turned(degrees), [])


def test_a_model_that_was_not_met_before_has_an_identity_of_its_own() -> None:
    first, second = known(0), identified(NAMED, turned(90), [known(0)])

    assert first.embedding.identity != second.embedding.identity != ""
    assert first.embedding.named == second.embedding.named == NAMED.named
    assert first.embedding.fingerprint != second.embedding.fingerprint
    np.testing.assert_array_equal(second.sentences, turned(90))


@pytest.mark.parametrize("sentence", range(3))
def test_one_sentence_that_is_embedded_otherwise_tells_another_model(sentence: int) -> None:
    """A model that was tuned for one language leaves the others as they were."""
    tuned = turned(0)
    tuned[sentence] = turned(3)[sentence]

    assert identified(NAMED, tuned, [known(0)]).embedding.identity != known(0).embedding.identity


def test_two_runs_of_one_model_are_the_same_model() -> None:
    assert identified(NAMED, turned(1), [known(90), known(0)]) == known(0)


def test_no_drift_creeps_in_from_build_to_build() -> None:
    model = known(0)
    for step in (1, 2):
        model = identified(NAMED, turned(step), [model])
    assert model == known(0)
    assert identified(NAMED, turned(3), [model]) == known(3)


@pytest.mark.parametrize(
    "other",
    [{"model": "n"}, {"base_url": "http://i/v1"}, {"document_prefix": ""}, {"query_prefix": "q: "}],
    ids=str,
)
def test_another_name_is_another_model(other: dict[str, str]) -> None:
    named = NAMED.model_copy(update=other)

    found = identified(named, turned(0), [known(0)])

    assert found.embedding.fingerprint != known(0).embedding.fingerprint
    assert found.embedding.named == named.named != NAMED.named


def test_another_secret_is_the_same_model() -> None:
    renamed = NAMED.model_copy(update={"secret_ref": SecretKey(name="other", key="k")})

    found = identified(renamed, turned(0), [known(0)])

    assert found.embedding.fingerprint == known(0).embedding.fingerprint
    assert found.embedding.secret_ref == renamed.secret_ref
