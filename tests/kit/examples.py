"""The examples that people copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path("examples")
EXAMPLES = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("tutorial/*.yaml")])


def read(path: Path) -> dict[str, Any]:
    [document] = yaml.safe_load_all(path.read_text())
    return dict(document)
