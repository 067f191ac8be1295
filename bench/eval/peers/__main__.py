"""`python -m bench.eval.peers FOLDER DATABASE_URL`: every peer's rankings into FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.eval.peers import haystack_rows, langchain_rows, llamaindex_rows
from bench.eval.peers.material import CUTS, Ranked, read_material, write_ranked


def main(folder: Path, url: str) -> None:
    material = read_material(folder)
    ranked: Ranked = {}
    for peer in (langchain_rows, llamaindex_rows, haystack_rows):
        for name, search in peer.rows(material, url).items():
            ranked[name] = {
                cut: [search(question, cut) for question in range(len(material.questions))]
                for cut in CUTS
            }
            print(f"  asked {name}", flush=True)
    write_ranked(ranked, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
