"""The rule of the page on sizes, held to a real index."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.integration.conftest import Pipeline

PAGE = Path("docs/howto/size-a-pipeline.md").read_text()
WORDS = [f"{first}{n}" for first in ("re", "in", "ship", "pay", "con", "war") for n in range(400)]
DOCUMENTS, PARAGRAPHS, CHARACTERS = 100, 10, 900


def texts() -> dict[str, str]:
    """Each paragraph is a chunk of words of its own."""
    drawn = random.Random(1)

    def paragraph() -> str:
        return " ".join(drawn.choices(WORDS, k=200))[:CHARACTERS]

    return {f"d{n}": "\n\n".join(paragraph() for _ in range(PARAGRAPHS)) for n in range(DOCUMENTS)}


@pytest.mark.parametrize("dimensions", [64, 256])
def test_an_index_is_as_large_as_the_page_says(pipeline: Pipeline, dimensions: int) -> None:
    """At most, and at least two thirds of it."""
    [(per_dimension, per_character)] = re.findall(
        r"chunks \S \((\d+) \S dimensions \+ (\d+) \S characters\)", PAGE
    )
    made = pipeline.having(
        embedding={"provider": "embedded", "model": "wordllama", "dimensions": dimensions},
        chunking={"maxCharacters": 1000},
    )
    made.write(**texts())
    report = made.build("r1")
    assert report.counts.chunks == DOCUMENTS * PARAGRAPHS
    size = made.value(
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname = %s AND relkind = 'r' AND relname LIKE '%%\\_v1'",
        [made.schema],
    )
    of_one = int(per_dimension) * dimensions + int(per_character) * CHARACTERS
    assert 0.66 < float(size) / (report.counts.chunks * of_one) <= 1
