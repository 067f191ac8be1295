"""What a build would embed, estimated from the live version's counts. Pure.

Status holds no lengths. Every chunk is taken for full, and a token for four characters, so that the
estimate is rather too high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ragwright_cli.reading.changes import Change
from ragwright_core.spec import RagPipelineSpec
from ragwright_core.status import LiveVersion

CHARACTERS_OF_A_TOKEN = 4


@dataclass(frozen=True)
class Bill:
    """`tokens` are those to embed at most, or None where nobody can know: of documents that the
    live version does not have. `price` is of these tokens."""

    why: str
    documents: int = 0
    chunks: int = 0
    tokens: int | None = None
    price: Decimal | None = None


def estimate(
    before: RagPipelineSpec,
    after: RagPipelineSpec,
    live: LiveVersion,
    changes: Sequence[Change],
    price: Decimal | None,
) -> Bill:
    """`price` is that of a million tokens."""
    shaping = [change.path for change in changes if change.rebuilds]
    if any(path.startswith(("embedding.", "chunking.")) for path in shaping):
        return _whole(before, after, live, shaping, price)
    if any(path.startswith("sources[") for path in shaping):
        why = (
            "only text that the live version does not hold is embedded; how much that is shows "
            "when the sources are read"
        )
        return Bill(why, live.documents, live.chunks)
    why = "every vector is taken over from the live version"
    return Bill(why, live.documents, live.chunks, 0, _cost(0, after, price))


def _whole(
    before: RagPipelineSpec,
    after: RagPipelineSpec,
    live: LiveVersion,
    shaping: Sequence[str],
    price: Decimal | None,
) -> Bill:
    text = live.chunks * _new_characters(before)
    longest = after.chunking.max_characters
    # With an overlap, characters stand in two chunks.
    chunks = live.chunks
    if any(path.startswith("chunking.") for path in shaping):
        chunks = max(math.ceil(text / _new_characters(after)), live.documents)
    characters = min(text * longest / _new_characters(after), chunks * longest)
    prefix = len(after.embedding.document_prefix) * chunks
    tokens = math.ceil((characters + prefix) / CHARACTERS_OF_A_TOKEN)
    if after.chunking.max_tokens is not None:
        tokens = min(tokens, chunks * after.chunking.max_tokens)
    model = any(path.startswith("embedding.") for path in shaping)
    why = (
        "another model: every chunk is embedded anew"
        if model
        else "every document is cut anew; chunks whose text stays the same keep their vectors"
    )
    return Bill(why, live.documents, chunks, tokens, _cost(tokens, after, price))


def _new_characters(spec: RagPipelineSpec) -> int:
    """Of a full chunk, those that do not stand in the chunk before."""
    return spec.chunking.max_characters - spec.chunking.overlap_characters


def _cost(tokens: int, after: RagPipelineSpec, price: Decimal | None) -> Decimal | None:
    if price is None:
        return None
    if after.embedding.provider == "embedded":
        return Decimal(0)
    return price * tokens / 1_000_000


def in_words(bill: Bill, after: RagPipelineSpec) -> list[str]:
    lines = [f"{bill.why} (the live version: {bill.documents} documents)"]
    if bill.tokens:
        lines.append(f"estimated, at most: {bill.chunks} chunks, {bill.tokens} tokens to embed")
    if bill.price is not None and after.embedding.provider == "embedded":
        lines.append("the model runs in the pods: no endpoint is paid")
    elif bill.price is not None:
        lines.append(f"estimated, at most: {_money(bill.price)}, at the price given")
    return lines


def _money(sum_: Decimal) -> str:
    least = Decimal("0.01")
    return f"{sum_:.2f}" if not 0 < sum_ < least else f"less than {least}"
