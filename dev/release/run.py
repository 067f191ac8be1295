"""Runs a release, or a rehearsal of one against a registry and a key that last as long as it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from dev.cluster.embedded.paths import binaries
from dev.kubectl import until
from dev.release import steps
from dev.release.tools import compiled
from dev.stack import free_port

CRD = Path("crds/ragpipeline.yaml")
LOCK = Path("uv.lock")


class ReleaseError(Exception):
    """A step failed; the message says which, and what it said."""


@dataclass(frozen=True)
class Keys:
    private: Path
    public: Path
    password: str


def refuse(platforms: list[str]) -> None:
    """Raises ReleaseError where the image cannot be had for a platform."""
    if found := steps.refusals(tomllib.loads(LOCK.read_text()), platforms):
        raise ReleaseError("; ".join(found))


def release(made: steps.Release, keys: Keys) -> str:
    """Push, list, sum up, sign, verify. Returns the image's digest."""
    refuse(list(made.images))
    cosign = compiled("cosign")
    made.folder.mkdir(parents=True, exist_ok=True)
    made.signing.write_text(steps.SIGNING)
    _run([*steps.push(made), *steps.contents(made)], keys)
    digest, sums = made.digest_file.read_text().strip(), made.folder / "SHA256SUMS"
    crd = Path(shutil.copy(CRD, made.folder))
    sums.write_text(summed([made.sbom, made.chart, crd]))
    _run(steps.sign(made, cosign, keys.private, digest, sums), keys)
    _run(steps.verify(made, cosign, keys.public, digest, sums), keys)
    return digest


def summed(files: list[Path]) -> str:
    """As `sha256sum --check` reads it."""
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}" for file in files)
    return "".join(f"{line}\n" for line in lines)


def _run(commands: list[steps.Command], keys: Keys) -> None:
    path = os.pathsep.join([os.environ.get("PATH", ""), str(binaries())])
    around = {**os.environ, "PATH": path, "COSIGN_PASSWORD": keys.password}
    for command in commands:
        print(f"  {' '.join(Path(word).name for word in command[:2])}", flush=True)
        done = subprocess.run(
            command, env=around, capture_output=True, text=True, timeout=900, check=False
        )
        if done.returncode:
            raise ReleaseError(f"{' '.join(command[:2])}: {done.stderr.strip()[-800:]}")


@contextmanager
def rehearsal() -> Iterator[tuple[str, Keys]]:
    """The address of a registry, and keys."""
    crane, cosign, port = compiled("crane"), compiled("cosign"), free_port()
    with tempfile.TemporaryDirectory(prefix="ragwright-release-") as folder:
        password = secrets.token_hex(16)
        subprocess.run(
            [cosign, "generate-key-pair"],
            cwd=folder,
            env={**os.environ, "COSIGN_PASSWORD": password},
            capture_output=True,
            check=True,
        )
        keys = Keys(Path(folder) / "cosign.key", Path(folder) / "cosign.pub", password)
        address = f"127.0.0.1:{port}"
        serve = [str(crane), "registry", "serve", "--address", address, "--disk", folder]
        with subprocess.Popen(
            serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                until(lambda: _answers(f"http://{address}/v2/"), 20, "the registry")
                yield address, keys
            finally:
                process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
