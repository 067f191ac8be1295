"""The embedder that a descriptor asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ragwright_core.embedding.base import Embedder
from ragwright_core.embedding.static import StaticEmbedder
from ragwright_core.index.descriptor import EmbeddingDescriptor
from ragwright_core.index.sentences import SENTENCES
from ragwright_core.network import Network
from ragwright_core.spec import MINILM


def make_embedder(
    descriptor: EmbeddingDescriptor,
    secrets: Path,
    *,
    network: Network | None = None,
    deadline: float = 90.0,
    sentences: ArrayLike | None = None,
) -> Embedder:
    """`secrets` is the folder in which Secrets are mounted by name. `network` is how an endpoint is
    reached, by default as this machine sees it. A request that fails is repeated for `deadline`
    seconds. `sentences` are the vectors of the fixed sentences: when they
    are given, a request that another model answered raises EmbeddingChangedError.
    """
    prefixes = descriptor.document_prefix, descriptor.query_prefix
    # These imports take a second and memory: only pipelines that need them should pay for them.
    if descriptor.provider == "openai":
        from ragwright_core.embedding.openai import OpenAIEmbedder, Witness  # noqa: PLC0415

        key = descriptor.secret_ref
        file = secrets / key.name / key.key if key else None
        witness = None
        if sentences is not None:
            vector = np.asarray(sentences, np.float32)[0]
            witness = Witness(descriptor.document_prefix + SENTENCES[0], vector)
        return OpenAIEmbedder(descriptor, file, network, deadline=deadline, witness=witness)
    if descriptor.model == MINILM:
        from ragwright_core.embedding.minilm import MiniLmEmbedder  # noqa: PLC0415

        return MiniLmEmbedder(*prefixes)
    return StaticEmbedder(descriptor.dimensions, *prefixes)
