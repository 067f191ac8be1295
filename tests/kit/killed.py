"""`ragwright-ingest`, but killed with SIGKILL right after one of its steps: the program and the
step are its arguments, the order stands in the environment as ever."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace

from dev.programs import on_loopback
from ragwright_ingest.main import main
from ragwright_ingest.surroundings import Surroundings


def killed(around: Surroundings) -> Surroundings:
    def after_step(done: str) -> None:
        if done == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)

    return replace(on_loopback(around), after_step=after_step)


if __name__ == "__main__":
    main([sys.argv[1]], adjusted=killed)
