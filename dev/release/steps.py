"""What a release runs, as commands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.release.lock import without_wheel

MACHINES = {"linux/amd64": "x86_64", "linux/arm64": "aarch64"}
# Asks no transparency log: a key of one's own needs none, and rehearsals reach none.
SIGNING = (
    '{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",'
    ' "rekorTlogConfig": {}, "tsaConfig": {}}'
)

Command = list[str]


@dataclass(frozen=True)
class Release:
    """`images` are built already: by platform, each in buildah's storage. `plain`: the registry
    speaks no TLS."""

    version: str
    registry: str
    images: Mapping[str, str]
    folder: Path
    plain: bool = False

    @property
    def repository(self) -> str:
        return f"{self.registry}/ragwright"

    @property
    def tagged(self) -> str:
        return f"{self.repository}:{self.version}"

    @property
    def digest_file(self) -> Path:
        return self.folder / "image.digest"

    @property
    def sbom(self) -> Path:
        return self.folder / f"ragwright-{self.version}.cdx.json"

    @property
    def chart(self) -> Path:
        return self.folder / f"ragwright-{self.version}.tgz"

    @property
    def signing(self) -> Path:
        return self.folder / "signing-config.json"


def refusals(lock: Mapping[str, Any], platforms: Iterable[str]) -> list[str]:
    """Why these platforms cannot be released, in sentences."""
    found = []
    for platform in platforms:
        if platform not in MACHINES:
            found.append(f"{platform} is not known: write {' or '.join(MACHINES)}")
        elif lacking := sorted(without_wheel(dict(lock), MACHINES[platform])):
            found.append(f"{platform}: no wheel of {', '.join(lacking)} for {MACHINES[platform]}")
    return found


def push(release: Release) -> list[Command]:
    """One image as it is; several under one index. (The index has not been run yet: there is no
    arm64 image before every package has a wheel.)"""
    flags = ["--digestfile", str(release.digest_file)]
    flags += ["--tls-verify=false"] if release.plain else []
    target = f"docker://{release.tagged}"
    if len(release.images) == 1:
        [image] = release.images.values()
        return [["buildah", "push", *flags, image, target]]
    index = f"localhost/ragwright-release:{release.version}"
    return [
        ["buildah", "manifest", "create", index],
        *(["buildah", "manifest", "add", index, image] for image in release.images.values()),
        ["buildah", "manifest", "push", "--all", *flags, index, target],
    ]


def contents(release: Release) -> list[Command]:
    """The chart, and the list of what the image holds of Python packages."""
    export = ["uv", "export", "--quiet", "--frozen", "--no-dev", "--preview-features"]
    plain = ["--plain-http"] if release.plain else []
    return [
        [*export, "sbom-export", "--format", "cyclonedx1.5", "--output-file", str(release.sbom)],
        ["helm", "package", "charts/ragwright", "--destination", str(release.folder)],
        ["helm", "push", str(release.chart), f"oci://{release.registry}/charts", *plain],
    ]


def sign(release: Release, cosign: Path, key: Path, digest: str, sums: Path) -> list[Command]:
    """The image and its list by the image's digest, the files by their checksums."""
    image = f"{release.repository}@{digest}"
    how = ["--yes", "--key", str(key), "--signing-config", str(release.signing)]
    plain = ["--allow-insecure-registry"] if release.plain else []
    of_list = ["--type", "cyclonedx", "--predicate", str(release.sbom)]
    return [
        [str(cosign), "sign", *how, *plain, image],
        [str(cosign), "attest", *how, *plain, *of_list, image],
        [str(cosign), "sign-blob", *how, "--bundle", f"{sums}.sigstore.json", str(sums)],
    ]


def verify(release: Release, cosign: Path, public: Path, digest: str, sums: Path) -> list[Command]:
    """What a user runs before an installation."""
    image = f"{release.repository}@{digest}"
    how = ["--key", str(public), "--insecure-ignore-tlog=true"]
    plain = ["--allow-insecure-registry"] if release.plain else []
    return [
        [str(cosign), "verify", *how, *plain, image],
        [str(cosign), "verify-attestation", *how, *plain, "--type", "cyclonedx", image],
        [str(cosign), "verify-blob", *how, "--bundle", f"{sums}.sigstore.json", str(sums)],
    ]
