"""Images without a registry and without a daemon: buildah, on bases made from Debian packages."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from dev.cluster.base import ClusterError, Images, cache_folder
from dev.cluster.embedded.paths import CONTAINERD_SOCKET, PAUSE_IMAGE, RUN

BASE = "localhost/ragwright-base:1"
STORES = "localhost/ragwright-stores:1"
RAGWRIGHT = "localhost/ragwright:dev"
_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_PAUSE = """\
#include <signal.h>
#include <unistd.h>
static void stop(int signal) { _exit(0); }
int main(void) {
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  for (;;) pause();
}
"""


def build_and_load() -> Images:
    """The project's image from its Dockerfile, and one with Postgres, pgvector and Redis."""
    _ensure_base()
    _ensure_stores()
    began = time.monotonic()
    _buildah("bud", "--isolation", "chroot", "--layers", "--build-arg", f"BASE_IMAGE={BASE}",
             "--tag", RAGWRIGHT, ".")  # fmt: skip
    print(f"  image {RAGWRIGHT} built in {time.monotonic() - began:.0f} s", flush=True)
    for reference in (RAGWRIGHT, STORES):
        _load(reference)
    return Images(ragwright=RAGWRIGHT, postgres=STORES, redis=STORES)


def ensure_pause() -> None:
    """The image that every pod's sandbox runs: a program that waits."""
    if not _has(PAUSE_IMAGE):
        with tempfile.TemporaryDirectory() as folder:
            source, program = Path(folder) / "pause.c", Path(folder) / "pause"
            source.write_text(_PAUSE)
            subprocess.run(["gcc", "-static", "-Os", "-o", str(program), str(source)], check=True)
            container = _buildah("from", "scratch").strip()
            _buildah("copy", container, str(program), "/pause")
            _buildah("config", "--entrypoint", '["/pause"]', container)
            _buildah("commit", "--rm", container, PAUSE_IMAGE)
    _load(PAUSE_IMAGE)


def _ensure_base() -> None:
    """What python:3.13-slim is elsewhere, trusting what this machine trusts."""
    if _has(BASE):
        return
    archive = _debian("trixie", ["python3", "python3-venv", "ca-certificates"])
    container = _from_archive(archive)
    _buildah("copy", container, str(_AUTHORITIES), str(_AUTHORITIES))
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        _buildah("config", "--env", f"{name}={_AUTHORITIES}", container)
    _buildah("commit", "--rm", container, BASE)


def _ensure_stores() -> None:
    """Postgres with pgvector at or above 0.8.2, and Redis: suite forky has both."""
    if _has(STORES):
        return
    archive = _debian("forky", ["postgresql-18", "postgresql-18-pgvector", "redis-server"])
    container = _from_archive(archive)
    path = "/usr/lib/postgresql/18/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    _buildah("config", "--env", f"PATH={path}", container)
    _buildah("commit", "--rm", container, STORES)


def _debian(suite: str, packages: list[str]) -> Path:
    """A root filesystem from Debian's packages, kept in the cache."""
    archive = cache_folder() / "rootfs" / f"{suite}.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        unfinished = archive.with_name(f"unfinished-{archive.name}")
        _run(
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            # The mirror may be a frozen copy whose release file has expired.
            '--aptopt=Acquire::Check-Valid-Until "false"',
            f"--include={','.join(packages)}",
            suite,
            str(unfinished),
        )
        unfinished.rename(archive)
        print(f"  root filesystem {suite} made in {time.monotonic() - began:.0f} s", flush=True)
    return archive


def _from_archive(archive: Path) -> str:
    container = _buildah("from", "scratch").strip()
    _buildah("add", container, str(archive), "/")
    return container


def _load(reference: str) -> None:
    """Bring an image into containerd, unless containerd has the same image already."""
    image_id = _buildah("inspect", "--type", "image", "--format", "{{.FromImageID}}", reference)
    marker = RUN / f"loaded-{reference.replace('/', '_').replace(':', '_')}"
    if marker.exists() and marker.read_text() == image_id:
        return
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".tar", dir=cache_folder()) as archive:
        Path(archive.name).unlink()
        _buildah("push", reference, f"docker-archive:{archive.name}:{reference}")
        _run("ctr", "--address", str(CONTAINERD_SOCKET), "--namespace", "k8s.io", "images",
             "import", archive.name)  # fmt: skip
    marker.write_text(image_id)
    print(f"  image {reference} loaded in {time.monotonic() - began:.0f} s", flush=True)


def _has(reference: str) -> bool:
    found = subprocess.run(
        ["buildah", "inspect", "--type", "image", reference], capture_output=True, check=False
    )
    return found.returncode == 0


def _buildah(*arguments: str) -> str:
    return _run("buildah", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(
        command,
        env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise ClusterError(f"{' '.join(command[:2])} failed: {words}")
    return done.stdout
