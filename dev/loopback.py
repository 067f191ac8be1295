"""A network in which this machine stands for another one, so that tests and benchmarks can use
servers on its loopback addresses, which a pipeline may not contact."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ragwright_core.network import Network
from ragwright_core.network import network as real
from ragwright_core.network.addresses import Address, never, read

# The programs in that network: `dev/programs.py`.
API = (sys.executable, "-m", "dev.programs", "api")
INGEST = (sys.executable, "-m", "dev.programs", "ingest")

_STANDS_IN = read("10.255.255.254")


def _resolve(host: str) -> Sequence[Address]:
    found = real.resolve(host)
    return [_STANDS_IN if never(address) == "a loopback address" else address for address in found]


def _reach(address: Address) -> str:
    return "127.0.0.1" if address == _STANDS_IN else str(address)


LOOPBACK = Network(resolve=_resolve, reach=_reach)
