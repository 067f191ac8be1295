"""What a release would run. The rehearsal itself is an integration test."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

import yaml

from dev.release import steps
from dev.release.run import summed
from dev.release.steps import Release

AMD64, ARM64 = "linux/amd64", "linux/arm64"
LOCK = tomllib.loads(Path("uv.lock").read_text())


def made(*platforms: str) -> Release:
    images = {platform: f"localhost/ragwright:{platform[6:]}" for platform in platforms}
    return Release("0.1.0", "registry.example.com/team", images, Path("build/release"))


def test_a_platform_that_lacks_a_wheel_is_refused_by_the_packages_name() -> None:
    assert steps.refusals(LOCK, [AMD64]) == []
    [refused] = steps.refusals(LOCK, [AMD64, ARM64])
    assert refused == "linux/arm64: no wheel of wordllama for aarch64"
    [unknown] = steps.refusals(LOCK, ["linux/s390x"])
    assert unknown == "linux/s390x is not known: write linux/amd64 or linux/arm64"


def test_one_image_is_pushed_as_it_is_and_two_under_one_index() -> None:
    [alone] = steps.push(made(AMD64))
    assert alone[-2:] == [
        "localhost/ragwright:amd64",
        "docker://registry.example.com/team/ragwright:0.1.0",
    ]
    create, *add, push = steps.push(made(AMD64, ARM64))
    assert [command[-1] for command in add] == [
        "localhost/ragwright:amd64",
        "localhost/ragwright:arm64",
    ]
    assert push[-2] == create[-1]
    assert "--all" in push


def test_what_is_signed_is_named_by_its_digest() -> None:
    image = f"registry.example.com/team/ragwright@sha256:{'0' * 64}"
    key, sums = Path("cosign.key"), Path("build/release/SHA256SUMS")
    commands = steps.sign(made(AMD64), Path("cosign"), key, image.partition("@")[2], sums)
    assert [command[1] for command in commands] == ["sign", "attest", "sign-blob"]
    assert [command[-1] for command in commands] == [image, image, str(sums)]
    assert not any("insecure" in word for command in commands for word in command)
    assert json.loads(steps.SIGNING)["rekorTlogConfig"] == {}


def test_sums_are_as_sha256sum_reads_them(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "SHA256SUMS").write_text(summed([tmp_path / "a.json"]))
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_chart_image_and_package_have_one_version() -> None:
    chart = yaml.safe_load(Path("charts/ragwright/Chart.yaml").read_text())
    version = tomllib.loads(Path("pyproject.toml").read_text())["project"]["version"]
    assert chart["version"] == chart["appVersion"] == version
