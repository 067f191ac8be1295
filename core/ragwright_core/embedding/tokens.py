"""How long a text is for a model."""

from __future__ import annotations

from collections.abc import Callable

from ragwright_core.spec import MINILM

CountTokens = Callable[[str], int]


def token_counter(model: str) -> CountTokens:
    """A function that counts a text's tokens for an embedded model, without special tokens."""
    if model == MINILM:
        # Importing this module loads the model's runtime into memory.
        from ragwright_core.embedding.minilm import tokenizer  # noqa: PLC0415
    else:
        from ragwright_core.embedding.static import tokenizer  # noqa: PLC0415
    found = tokenizer()

    def count(text: str) -> int:
        (encoded,) = found.encode_batch_fast([text], add_special_tokens=False)
        return len(encoded)

    return count
