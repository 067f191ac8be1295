"""`kubectl-rag`, which kubectl runs as `kubectl rag`."""

from __future__ import annotations

import sys


def main() -> None:
    # The image holds this module too, and none of the libraries of a terminal.
    try:
        from ragwright_cli.app import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("rich", "typer"):
            raise
        sys.exit("kubectl-rag: write ragwright[cli] for ragwright where you install it")
    run(sys.argv[1:])


if __name__ == "__main__":
    main()
