"""Each alert has its page, which leads from the alert to what mends it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

PAGES = {path.stem: path.read_text() for path in sorted(Path("docs/runbooks").glob("*.md"))}
RULES = yaml.safe_load(Path("charts/ragwright/files/rules.yaml").read_text())
SECTIONS = ["What it means", "Impact", "Find the cause", "Mend"]


def test_every_alert_has_its_page_and_every_page_an_alert() -> None:
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    alerts = {rule["alert"] for rule in rules if "alert" in rule}
    assert alerts
    assert set(PAGES) == alerts


@pytest.mark.parametrize("alert", PAGES)
def test_a_page_says_what_it_means_and_how_to_find_and_mend_it(alert: str) -> None:
    page = PAGES[alert]
    assert page.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.*)$", page, re.M) == SECTIONS
    finding = page.partition("## Find the cause")[2].partition("## Mend")[0]
    assert "```console\n$ kubectl" in finding
    assert re.search(r"^```promql\n.*\bragwright[_:]", finding, re.M)
