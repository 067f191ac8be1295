"""`make release`: a rehearsal; with REGISTRY and KEY a release."""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from pathlib import Path

from dev.cluster.select import no_proxy
from dev.release.run import Keys, ReleaseError, rehearsal, release
from dev.release.steps import Release
from dev.release.tools import ToolError

FOLDER = Path("build/release")


def main() -> int:
    asked = _arguments()
    os.environ.update(no_proxy(os.environ))
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    images = dict(item.partition("=")[::2] for item in asked.image)
    try:
        if not asked.registry:
            with rehearsal() as (address, keys):
                made = Release(version, address, images, FOLDER, plain=True)
                digest = release(made, keys)
        else:
            private = Path(asked.key)
            keys = Keys(private, private.with_suffix(".pub"), os.environ["COSIGN_PASSWORD"])
            digest = release(Release(version, asked.registry, images, FOLDER), keys)
    except (ReleaseError, ToolError) as error:
        print(error, file=sys.stderr)
        return 1
    what = "released" if asked.registry else "rehearsed, and thrown away"
    print(f"{version} is {what}: {digest}; {FOLDER} has the list, the chart and the sums")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.release")
    parser.add_argument(
        "--image",
        action="append",
        required=True,
        metavar="PLATFORM=REFERENCE",
        help="an image in buildah's storage, for example linux/amd64=localhost/ragwright:dev",
    )
    parser.add_argument("--registry", help="host/path; without it, a rehearsal")
    parser.add_argument("--key", help="cosign's private key; its password is in COSIGN_PASSWORD")
    asked = parser.parse_args()
    if asked.registry and not (asked.key and "COSIGN_PASSWORD" in os.environ):
        parser.error("a release is signed: name --key, and set COSIGN_PASSWORD")
    return asked


if __name__ == "__main__":
    sys.exit(main())
