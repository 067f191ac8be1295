"""The API server takes every example, and drops and rewrites nothing of it."""

from __future__ import annotations

import json

from ragwright_operator.plan.difference import first_difference
from tests.kit.cluster import Namespace
from tests.kit.examples import EXAMPLES, read


def test_the_api_server_takes_each_as_it_is_written(namespace: Namespace) -> None:
    for path in EXAMPLES:
        dry = ("apply", "--server-side", "--dry-run=server", "-o", "json", "-f", str(path))
        taken = json.loads(namespace(*dry))
        assert first_difference(taken, read(path)) is None, path
