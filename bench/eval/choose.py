"""`python -m bench.eval.choose CORPUS QUESTIONS`: how the default weights were chosen.

On a third of the questions, whose digests it writes to chosen_on.txt: `make eval` leaves them out.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.eval.ours import Asker, Chunks, asking, build, pipeline, read_chunks
from bench.eval.questions import CHOSEN_ON, Question, is_for_choosing, read_questions, recall
from dev.stack import stack
from ragwright_api.database import Found
from ragwright_core.cachekeys import normalize_question
from ragwright_core.index.fusion import Weights, fuse
from ragwright_core.spec import MINILM, WORDLLAMA

GRID = [Weights(1, 0), Weights(2, 1), Weights(1, 1), Weights(2, 3), Weights(1, 2), Weights(1, 3)]
CUT = 5


async def candidates(asker: Asker, question: Question) -> list[Found]:
    """What `fuse` is given."""
    text = normalize_question(question.text)
    (vector,) = await asker.vectors([text])
    return await asker.running.database.search_both(asker.version, vector, text, CUT, {})


def mean_recall(
    questions: Sequence[Question], found: Sequence[list[Found]], chunks: Chunks, weights: Weights
) -> float:
    total = 0.0
    for question, items in zip(questions, found, strict=True):
        order = fuse([item.score for item in items], [item.lexical for item in items], weights)
        total += recall(question, (chunks.pieces[chunks.by_id[items[at].id]] for at in order[:CUT]))
    return 100 * total / len(questions)


async def choose(corpus: Path, file: Path) -> None:
    questions = [item for item in read_questions(corpus, file) if is_for_choosing(item)]
    for model in (MINILM, WORDLLAMA):
        spec = pipeline(embedding={"model": model}, chunking={"maxTokens": 200})
        with stack("choose") as stores:
            await asyncio.to_thread(build, stores, corpus, spec, model)
            async with asking(stores, spec) as asker:
                chunks = read_chunks(stores, asker.version)
                found = [await candidates(asker, question) for question in questions]
        for weights in GRID:
            points = mean_recall(questions, found, chunks, weights)
            print(f"{model} dense {weights.dense} lexical {weights.lexical}: R@5 {points:.1f}")
    CHOSEN_ON.write_text("".join(f"{question.digest}\n" for question in questions))


if __name__ == "__main__":
    asyncio.run(choose(Path(sys.argv[1]), Path(sys.argv[2])))
