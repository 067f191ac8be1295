"""`kubectl rag diff`."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from ragwright_cli.cluster import Cluster, ClusterError
from ragwright_cli.options import Common, Name
from ragwright_cli.pipeline import Pipeline, read_spec
from ragwright_cli.problems import CliError, UsageError
from ragwright_cli.reading.bill import Bill, estimate, in_words
from ragwright_cli.reading.changes import Change, find_changes
from ragwright_cli.reading.file import Written, read_file
from ragwright_cli.screen import say, show_json, show_table
from ragwright_core.spec import shape_fingerprint

LONGEST_FILE = 4 * 2**20
OLDER = "the pipeline cannot be read, perhaps because kubectl rag is older than the operator"
File = Annotated[
    typer.FileText, typer.Option("-f", "--filename", help="The changed file; - is stdin.")
]
Price = Annotated[str | None, typer.Option(help="Of a million tokens that are embedded.")]


def diff(common: Common, file: File, name: Name = None, price: Price = None) -> None:
    """Tell which settings of a changed file build the index anew, and what that costs."""
    written = read_file(_text(file), name)
    if common.namespace and written.namespace and common.namespace != written.namespace:
        raise UsageError(f"the file's pipeline is in namespace {written.namespace}")
    with common.cluster(written.namespace) as cluster:
        found = _existing(cluster, written)
    if found is None:
        _first(common, written)
        return
    changes = find_changes(read_spec(found.raw, OLDER), written.spec)
    bill = bill_of(found, written, changes, read_price(price))
    if common.output == "json":
        show_json(_as_json(changes, bill))
    else:
        _show(written, changes, bill)


def _text(file: typer.FileText) -> str:
    try:
        text = file.read(LONGEST_FILE + 1)
    except UnicodeDecodeError:
        raise CliError("the file is no text in UTF-8") from None
    if len(text) > LONGEST_FILE:
        raise CliError("the file is longer than 4 MiB: write a file with the pipeline alone")
    return text


def _existing(cluster: Cluster, written: Written) -> Pipeline | None:
    try:
        return cluster.pipeline(written.name)
    except ClusterError as error:
        if error.status == 404:
            return None
        raise


def read_price(text: str | None) -> Decimal | None:
    try:
        price = Decimal(text) if text is not None else None
    except InvalidOperation:
        price = Decimal("NaN")
    if price is None or (price.is_finite() and 0 <= price <= 1_000_000):
        return price
    raise UsageError(f"{text} is no price: write a number, as in --price 0.13")


def bill_of(
    found: Pipeline, written: Written, changes: list[Change], price: Decimal | None
) -> Bill | None:
    """None where the live version is what the file asks for."""
    live = found.status.index.live
    if live is None:
        return Bill("no version is live yet: everything is built")
    if live.shape == shape_fingerprint(written.spec):
        return None
    before = read_spec(found.raw, OLDER)
    return estimate(before, written.spec, live, changes, price)


def _show(written: Written, changes: list[Change], bill: Bill | None) -> None:
    if not changes:
        say("the file changes nothing")
    else:
        rows = [
            (item.path, item.before, item.after, "yes" if item.rebuilds else "no")
            for item in changes
        ]
        show_table(("SETTING", "NOW", "IN THE FILE", "REBUILDS"), rows)
    if bill is None:
        say("no index is built")
        return
    for line in in_words(bill, written.spec):
        say(line)


def _first(common: Common, written: Written) -> None:
    if common.output == "json":
        show_json({"exists": False, "changes": [], "build": True, "estimate": None})
    else:
        say(f"there is no RagPipeline {written.name} yet: everything is built")


def _as_json(changes: list[Change], bill: Bill | None) -> dict[str, Any]:
    return {
        "exists": True,
        "changes": [asdict(item) for item in changes],
        "build": bill is not None,
        "estimate": asdict(bill) if bill else None,
    }
