from __future__ import annotations

import pytest

from ragwright_operator.desired.quantity import canonical, mebibytes, whole_bytes


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("500m", "500m"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("2", "2"),
        ("1000", "1k"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("512Mi", "512Mi"),
        ("0.5Gi", "512Mi"),
        ("1G", "1G"),
        ("1500M", "1500M"),
        ("128974848", "128974848"),
        ("0", "0"),
        ("0Gi", "0"),
    ],
)
def test_canonical_is_what_the_api_server_shows(written: str, shown: str) -> None:
    assert canonical(written) == shown


def test_bytes() -> None:
    assert whole_bytes("1Gi") == 2**30
    assert whole_bytes("0.5Ki") == 512
    assert mebibytes(2**20 + 1) == "2Mi"
    with pytest.raises(ValueError, match="12 GB"):
        whole_bytes("12 GB")
