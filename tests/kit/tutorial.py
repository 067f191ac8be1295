"""The commands of the tutorial, as they stand on its page."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path("docs/tutorial/first-pipeline.md")


def commands() -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.S)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
