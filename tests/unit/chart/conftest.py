"""helm, which a cluster of ours has compiled; rendering needs no cluster."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

import pytest

from dev.cluster.embedded.paths import binaries


@pytest.fixture(scope="session")
def env() -> Mapping[str, str]:
    """An environment with helm in it. Before the first cluster of a machine there may be none; the
    cluster tests hold the same table then."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(binaries())])
    if shutil.which("helm", path=path) is None:
        pytest.skip("CHART NOT RENDERED: no helm here yet; `make cluster-up` compiles one")
    return {**os.environ, "PATH": path}
