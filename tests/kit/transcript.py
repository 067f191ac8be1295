"""What kubectl shows of a pipeline, with everything that differs from run to run named instead."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENT = Path("docs/reference/kubectl.md")
_DIFFERS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{16})\b"), "FINGERPRINT"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"test-[0-9a-f]{8}"), "NAMESPACE"),
    (re.compile(r"(: +)[0-9a-f]{8}$", re.MULTILINE), r"\1FINGERPRINT"),
    (re.compile(r"(configMap) [0-9a-f]{12}"), r"\1 REVISION"),
    (re.compile(r"(Resource Version:\s+)\d+"), r"\1NUMBER"),
    (re.compile(r"((?:Milliseconds|Load|Index|Gates):\s+)[\d.]+"), r"\1NUMBER"),
    (re.compile(r"((?:Postgres|Redis):\s+)\S+"), r"\1IMAGE"),
    (re.compile(r"(svc:8000 +)\d+[smh](?:\d+s)?$", re.MULTILINE), r"\1AGE"),
)


def normalized(text: str) -> str:
    """The text up to its events, with single spaces between columns."""
    text = text.split("\nEvents:", maxsplit=1)[0]
    for pattern, word in _DIFFERS:
        text = pattern.sub(word, text)
    lines = (re.sub(r"(?<=\S) {2,}", "  ", line).rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def documented() -> list[str]:
    """The console blocks of the page, in order."""
    return [block.strip() for block in re.findall(r"```text\n(.*?)```", DOCUMENT.read_text(), re.S)]
