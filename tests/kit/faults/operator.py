"""`python -m tests.kit.faults.operator`: the operator outside the cluster, killed where it is told.

Each effect that the file named by --dies-once-after does not hold yet is written there, and then
the process kills itself: started again and again it gets one effect further each time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from ragwright_core.contract import INTERNAL_PORT
from ragwright_core.names import PipelineName
from ragwright_operator.effects.execute import AfterStep, nothing
from ragwright_operator.effects.index import Address
from ragwright_operator.main import serve
from ragwright_operator.plan.steps import Step, in_words
from ragwright_operator.settings import read_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", help="URL of the API server")
    parser.add_argument("--liveness-port", type=int, required=True)
    parser.add_argument("--metrics-port", type=int, required=True)
    parser.add_argument("--dies-once-after", type=Path, metavar="FILE")
    parser.add_argument("--each-object", action="store_true", help="not each kind: each object")
    options = parser.parse_args()
    words = in_words if options.each_object else kind_of
    after_step = dies_once(options.dies_once_after, words) if options.dies_once_after else nothing
    asyncio.run(
        serve(
            read_settings(os.environ),
            f"http://127.0.0.1:{options.liveness_port}/healthz",
            ("127.0.0.1", options.metrics_port),
            after_step,
            over_the_api_server(options.server),
        )
    )


def kind_of(step: Step) -> str:
    """The effect and its kind; of a Job also which step and whether it is a first attempt."""
    effect, kind, name = in_words(step).split()
    return f"{effect} {kind} {'-'.join(name.split('-')[-2:]) if kind == 'Job' else ''}".strip()


def dies_once(done: Path, words: Callable[[Step], str]) -> AfterStep:
    def after_step(step: Step) -> None:
        effect = words(step)
        if effect in done.read_text().splitlines():
            return
        with done.open("a") as file:
            file.write(f"{effect}\n")
        os.kill(os.getpid(), signal.SIGKILL)

    return after_step


def over_the_api_server(server: str) -> Address:
    """Through the API server, because a Service's name has no meaning outside the cluster."""

    def address(names: PipelineName) -> str:
        service = f"{names.internal}:{INTERNAL_PORT}/proxy"
        return f"{server}/api/v1/namespaces/{names.namespace}/services/{service}"

    return address


if __name__ == "__main__":
    main()
