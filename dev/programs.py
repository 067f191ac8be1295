"""`ragwright-api` and `ragwright-ingest` in a network where this machine stands for another one:
`python -m dev.programs {api,ingest} [argument ...]`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from dev.loopback import LOOPBACK

if TYPE_CHECKING:
    from ragwright_ingest.surroundings import Surroundings


def on_loopback(around: Surroundings) -> Surroundings:
    seen = around.network
    network = replace(LOOPBACK, allowed_hosts=seen.allowed_hosts, proxies=seen.proxies)
    return replace(around, network=network)


def main() -> None:
    # Either program takes a second to import, for which the other should not wait.
    if sys.argv.pop(1) == "api":
        from ragwright_api.main import main as api  # noqa: PLC0415

        api(network=LOOPBACK)
    else:
        from ragwright_ingest.main import main as ingest  # noqa: PLC0415

        ingest(sys.argv[1:], adjusted=on_loopback)


if __name__ == "__main__":
    main()
