"""The demo's last words lead to the cluster from a shell that knows nothing of it."""

from __future__ import annotations

from dev.demo.words import last_words
from ragwright_core.names import PipelineName

DOCS = PipelineName("demo", "docs")


def test_a_shell_that_does_not_reach_the_cluster_is_told_how() -> None:
    env = {"KUBECONFIG": "/var/a folder/kubeconfig", "PATH": "/cache/bin:/usr/bin"}
    first, second, third, *_ = last_words(DOCS, env, {"PATH": "/usr/bin"})
    assert first == "export KUBECONFIG='/var/a folder/kubeconfig'"
    assert second == "export PATH=/cache/bin:$PATH"
    assert third == "kubectl -n demo port-forward svc/docs-api 8000 &"


def test_a_shell_that_reaches_it_is_told_nothing_more() -> None:
    env = {"KUBECONFIG": "/home/me/config", "PATH": "/usr/bin"}
    assert last_words(DOCS, env, env)[0].startswith("kubectl")
