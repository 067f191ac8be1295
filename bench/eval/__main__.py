"""`make eval`: prints a table and its goals, and writes bench/results/eval.json."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.eval.ours import Asker, Chunks, asking, build, having, pipeline, read_chunks
from bench.eval.peers.material import CUTS, Material, Ranked
from bench.eval.peers.start import rank
from bench.eval.questions import Question, SetMissingError, held_out, read_questions
from bench.eval.report import report
from bench.eval.score import Scored, score
from dev.stack import Stack, stack
from ragwright_core.embedding.tokens import token_counter
from ragwright_core.spec import MINILM

WAYS = {
    "Ragwright": {},
    "Ragwright, by meaning alone": {"lexicalWeight": 0},
    "Ragwright, without adjacent chunks": {"adjacentShare": 0},
    "Ragwright, by words alone": {"denseWeight": 0, "adjacentShare": 0},
}


async def ask_all(asker: Asker, name: str, questions: Sequence[Question], chunks: Chunks) -> Scored:
    ranked = {
        cut: [
            [chunks.pieces[chunks.by_id[item.id]] for item in await asker.found(question.text, cut)]
            for question in questions
        ]
        for cut in CUTS
    }
    print(f"  asked {name}", flush=True)
    return score(name, questions, ranked)


async def measure(
    stores: Stack, corpus: Path, questions: Sequence[Question]
) -> tuple[list[Scored], Material, Chunks]:
    """Our results with MiniLM, and the same chunks and vectors for the peers."""
    spec, scored = pipeline(embedding={"model": MINILM}), []
    await asyncio.to_thread(build, stores, corpus, spec, "minilm")
    for name, retrieval in WAYS.items():
        async with asking(stores, having(spec, retrieval)) as asker:
            chunks = read_chunks(stores, asker.version)
            scored.append(await ask_all(asker, name, questions, chunks))
            vectors = await asker.vectors([question.text for question in questions])
    texts = [question.text for question in questions]
    return scored, Material(chunks.texts, chunks.vectors, texts, vectors), chunks


async def measure_static(stores: Stack, corpus: Path, questions: Sequence[Question]) -> Scored:
    """Our results with the default model, which has longer chunks."""
    spec = pipeline()
    await asyncio.to_thread(build, stores, corpus, spec, "static")
    async with asking(stores, spec) as asker:
        chunks = read_chunks(stores, asker.version)
        return await ask_all(asker, "Ragwright, static model, longer chunks", questions, chunks)


def peer_scores(ranked: Ranked, questions: Sequence[Question], chunks: Chunks) -> list[Scored]:
    return [
        score(
            name,
            questions,
            {
                cut: [[chunks.pieces[number] for number in numbers] for numbers in lists]
                for cut, lists in cuts.items()
            },
        )
        for name, cuts in ranked.items()
    ]


async def main(corpus: Path, file: Path) -> int:
    questions = read_questions(corpus, file)
    with stack("eval") as stores:
        ours, material, chunks = await measure(stores, corpus, questions)
        folder = stores.folder / "peers"
        ranked = await asyncio.to_thread(rank, material, folder, stores.database_url)
    with stack("static") as stores:
        static = await measure_static(stores, corpus, questions)
    count = token_counter(MINILM)
    return report(
        [*ours, static],
        peer_scores(ranked, questions, chunks),
        every=len(questions),
        held_out=held_out(questions),
        longest=max(map(count, material.chunks)),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make eval", description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    given = parser.parse_args()
    try:
        sys.exit(asyncio.run(main(given.corpus, given.questions)))
    except SetMissingError as error:
        sys.exit(str(error))
