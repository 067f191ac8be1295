"""`make demo` and `make demo-down`."""

from __future__ import annotations

import argparse
import sys

from dev.cluster import ClusterError
from dev.demo.run import down, run
from dev.install import HelmError
from dev.kubectl import DeadlineError, KubectlError


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.demo", description=__doc__)
    parser.add_argument("what", choices=["run", "down"], nargs="?", default="run")
    try:
        sys.exit(run() if parser.parse_args().what == "run" else down())
    except (ClusterError, HelmError, DeadlineError, KubectlError) as error:
        sys.exit(f"demo stopped: {error}")


if __name__ == "__main__":
    main()
