"""How far the compiler is, by what it says."""

from __future__ import annotations

from dev.cluster.embedded.programs import Progress


def test_packages_are_counted_once_and_all_else_is_an_error() -> None:
    progress = Progress(frozenset({"net/http", "k8s.io/api/core/v1", "main"}))
    assert str(progress) == "0 of 3 packages"
    progress.follow(["net/http\n", "k8s.io/api/core/v1\n", "# main\n", "main.go:1: no such\n"])
    progress.follow(["net/http\n"])
    assert str(progress) == "2 of 3 packages"
    assert progress.words == "# main\nmain.go:1: no such\n"
