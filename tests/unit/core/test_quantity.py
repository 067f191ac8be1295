from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ragwright_core.spec.quantity import Quantity, amount, canonical, mebibytes, whole_bytes
from tests.kit.quantities import CANONICAL

READ: TypeAdapter[str] = TypeAdapter(Quantity)


@pytest.mark.parametrize(("written", "shown"), CANONICAL)
def test_what_is_written_is_what_the_api_server_shows(written: str, shown: str) -> None:
    """tests/cluster/test_resource.py asks an API server for the same."""
    assert READ.validate_python(written) == written
    assert canonical(written) == shown
    assert canonical(shown) == shown


def test_bytes() -> None:
    assert whole_bytes("1Gi") == 2**30
    assert whole_bytes("0.5Ki") == 512
    assert mebibytes(2**20 + 1) == "2Mi"
    assert mebibytes(0) == "0"


def test_a_whole_number_needs_no_quotes() -> None:
    assert READ.validate_python(1) == "1"
    assert READ.validate_python(0) == "0"


@pytest.mark.parametrize("written", [0.5, True, None, ["1"], {"cpu": 1}])
def test_anything_else_without_quotes_is_refused(written: Any) -> None:
    with pytest.raises(ValidationError, match="fraction without quotes"):
        READ.validate_python(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-1",
        "12 GB",
        "1 Gi",
        " 1",
        "1K",
        "1ki",
        "1e",
        "1e1.5",
        "E1",
        ".",
        "1Mi5",
        "0x10",
        "1" * 33,
    ],
)
def test_what_kubernetes_would_not_take_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="such as 500m, 2 or 1Gi"):
        READ.validate_python(written)


def test_the_largest_is_what_the_api_server_caps_at() -> None:
    for written in ("8Ei", "1e30", "9999999999999999999", "1e999"):
        assert amount(written) == 2**63 - 1
