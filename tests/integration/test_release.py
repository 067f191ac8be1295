"""A rehearsal: a real registry, a key, and what cosign says of what was changed afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dev.cluster.embedded.paths import binaries
from dev.cluster.select import no_proxy
from dev.release import steps
from dev.release.run import Keys, rehearsal, release
from dev.release.steps import Release
from dev.release.tools import MODULES, compiled, there

IMAGE = "localhost/ragwright-rehearsed:1"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """A small image: what is signed is a digest, whatever is inside."""
    lacking = [name for name in MODULES if there(name) is None]
    lacking += [name for name in ("buildah", "helm") if not _found(name)]
    if lacking:
        pytest.skip(f"RELEASE NOT REHEARSED: no {', '.join(lacking)}; `make release` compiles")
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    _buildah("bud", "--tag", IMAGE, str(tmp_path))
    yield IMAGE
    _buildah("rmi", IMAGE)


def _found(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], str(binaries())]))


def _buildah(*arguments: str) -> None:
    around = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    subprocess.run(["buildah", *arguments], env=around, capture_output=True, check=True)


def test_what_is_signed_is_verified_and_what_was_changed_is_not(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in no_proxy(os.environ).items():
        monkeypatch.setenv(name, value)
    with rehearsal() as (registry, keys):
        made = Release("0.1.0", registry, {"linux/amd64": image}, tmp_path / "out", plain=True)
        digest = release(made, keys)
        sums = made.folder / "SHA256SUMS"
        checks = steps.verify(made, compiled("cosign"), keys.public, digest, sums)
        assert [ends(check, keys) for check in checks] == [0, 0, 0]
        sums.write_text(sums.read_text().replace("a", "b", 1))
        assert ends(checks[2], keys) != 0
        another = steps.verify(made, compiled("cosign"), keys.public, f"sha256:{'0' * 64}", sums)
        assert ends(another[0], keys) != 0


def ends(command: list[str], keys: Keys) -> int:
    around: Mapping[str, str] = {**os.environ, "COSIGN_PASSWORD": keys.password}
    return subprocess.run(command, env=around, capture_output=True, check=False).returncode
