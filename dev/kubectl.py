"""kubectl as the demo, the benchmarks and the cluster tests call it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it said."""


class DeadlineError(Exception):
    """An awaited condition did not become true in time."""


def until(
    check: Callable[[], Result | None], seconds: float, what: str, *, pause: float = 0.5
) -> Result:
    """Poll `check` until it returns a true value. Raises DeadlineError naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        if result := check():
            return result
        if time.monotonic() > deadline:
            raise DeadlineError(f"after {seconds:.0f} s still waiting for {what}")
        time.sleep(pause)


@dataclass(frozen=True)
class Kubectl:
    """kubectl with the environment that leads to one cluster (KUBECONFIG, PATH)."""

    env: Mapping[str, str]

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            ["kubectl", *arguments],
            env=dict(self.env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise KubectlError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def apply(self, *objects: dict[str, Any]) -> str:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        return self("apply", "-f", "-", stdin=json.dumps(listed))

    def get(self, *arguments: str) -> dict[str, Any] | None:
        """One object as JSON, or None when it does not exist."""
        text = self("get", *arguments, "-o", "json", "--ignore-not-found")
        return dict(json.loads(text)) if text.strip() else None

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        return list(json.loads(self("get", *arguments, "-o", "json"))["items"])

    @contextlib.contextmanager
    def forward(self, namespace: str, target: str, port: int) -> Iterator[str]:
        """Forward a free local port to `target`; yields the base URL."""
        process = subprocess.Popen(
            ["kubectl", "-n", namespace, "port-forward", target, f":{port}"],
            env=dict(self.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", first)
            if not found:
                raise KubectlError(f"no port-forward to {target}: {first.strip()}")
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
            process.wait(timeout=10)
            process.stdout and process.stdout.close()
