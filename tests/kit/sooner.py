"""`ragwright-ingest load` with its sources in another folder; and, with `sooner`, for a server
that gives a silent worker up within 3 s, where a true one takes 60: program, folder, `sooner`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from dev.programs import on_loopback
from ragwright_ingest.main import main
from ragwright_ingest.surroundings import CutOff, Surroundings

SOONER = CutOff(idle=1, interval=1, unacknowledged=3)


def elsewhere(around: Surroundings) -> Surroundings:
    _, sources, *asked = sys.argv
    folders = replace(around.folders, sources=Path(sources))
    return replace(
        on_loopback(around), folders=folders, cut_off=SOONER if asked else around.cut_off
    )


if __name__ == "__main__":
    main(["load"], adjusted=elsewhere)
