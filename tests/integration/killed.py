"""`ragwright-ingest`, but killed with SIGKILL right after one of its steps: the program and the
step are its arguments, the order stands in the environment as ever."""

from __future__ import annotations

import os
import signal
import sys

from ragwright_ingest import main


def kill_after(wanted: str) -> None:
    def after_step(done: str) -> None:
        if done == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    program = sys.argv[1]
    main._step(program, os.environ, after_step)


if __name__ == "__main__":
    kill_after(sys.argv[2])
