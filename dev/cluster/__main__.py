"""`python -m dev.cluster up|down|images|env`."""

from __future__ import annotations

import argparse
import sys

from dev.cluster.base import ClusterError
from dev.cluster.select import select_cluster


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.cluster", description=__doc__)
    parser.add_argument(
        "what",
        choices=["up", "down", "images", "env"],
        help="start it; stop it; build and load the images; print what reaches it",
    )
    what = parser.parse_args().what
    try:
        cluster = select_cluster()
        if what == "up":
            cluster.up()
        elif what == "down":
            cluster.down()
        elif what == "images":
            print(cluster.images())
        else:
            env = cluster.env()
            print(f"export KUBECONFIG={env['KUBECONFIG']} PATH={env['PATH']}")
    except ClusterError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
