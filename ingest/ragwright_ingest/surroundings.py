"""A command's surroundings: its stores, its folders, and hooks for tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragwright_core.network import Network
from ragwright_ingest.settings import PATIENCE_SECONDS, Stores


@dataclass(frozen=True)
class Folders:
    """The folders that are mounted for a Job, and the one where it may write. `patience` is the
    longest wait for a mounted file, in seconds."""

    scratch: Path
    secrets: Path
    sources: Path
    patience: float = PATIENCE_SECONDS


@dataclass(frozen=True)
class CutOff:
    """After how many seconds the server gives up a silent client. Only then are the claims of a pod
    that was cut off released, which takes at most 60 s."""

    idle: int = 30
    interval: int = 10
    count: int = 3
    unacknowledged: int = 60


DEFAULT_CUT_OFF = CutOff()


@dataclass(frozen=True)
class Surroundings:
    """`network` is how sources and endpoints are reached. `wait` and `after_step` are hooks for
    tests."""

    stores: Stores
    folders: Folders
    network: Network
    cut_off: CutOff = DEFAULT_CUT_OFF
    wait: Callable[[float], None] = time.sleep
    after_step: Callable[[str], None] = lambda _: None
