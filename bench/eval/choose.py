"""`python -m bench.eval.choose CORPUS QUESTIONS`: how the default weights were chosen.

On a third of the questions, whose digests it writes to chosen_on.txt: `make eval` leaves them out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.eval.ours import Asker, asking, build, having, pipeline, read_chunks
from bench.eval.questions import CHOSEN_ON, Question, is_for_choosing, read_questions, recall
from dev.stack import Stack, stack
from ragwright_core.spec import MINILM, WORDLLAMA

# Of search by meaning, of search by words, and the percent for adjacent chunks.
GRID = [
    *((dense, lexical, 0) for dense, lexical in [(1, 0), (2, 1), (1, 1), (2, 3), (1, 2), (1, 3)]),
    *((1, 2, adjacent) for adjacent in (10, 20, 30, 40, 50)),
]
CUT = 5


async def mean_recall(stores: Stack, asker: Asker, questions: Sequence[Question]) -> float:
    chunks = read_chunks(stores, asker.version)
    total = 0.0
    for question in questions:
        found = await asker.found(question.text, CUT)
        total += recall(question, (chunks.pieces[chunks.by_id[item.id]] for item in found))
    return 100 * total / len(questions)


async def choose(corpus: Path, file: Path) -> None:
    questions = [item for item in read_questions(corpus, file) if is_for_choosing(item)]
    for model in (MINILM, WORDLLAMA):
        spec = pipeline(embedding={"model": model}, chunking={"maxTokens": 200})
        with stack("choose") as stores:
            await asyncio.to_thread(build, stores, corpus, spec, model)
            for dense, lexical, adjacent in GRID:
                given = {"denseWeight": dense, "lexicalWeight": lexical, "adjacentShare": adjacent}
                weighted = having(spec, given)
                async with asking(stores, weighted) as asker:
                    points = await mean_recall(stores, asker, questions)
                print(f"{model} {json.dumps(given)}: R@5 {points:.1f}", flush=True)
    CHOSEN_ON.write_text("".join(f"{question.digest}\n" for question in questions))


if __name__ == "__main__":
    asyncio.run(choose(Path(sys.argv[1]), Path(sys.argv[2])))
