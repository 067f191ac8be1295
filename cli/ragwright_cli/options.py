"""What every command takes: the way to a cluster, and the form of what it prints."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from ragwright_cli.cluster import Cluster, connect

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="The pipeline; default: the only one.")
]


@dataclass(frozen=True)
class Common:
    """The options of every command."""

    namespace: Annotated[
        str | None, typer.Option("-n", "--namespace", help="Default: the context's own.")
    ] = None
    context: Annotated[str | None, typer.Option(help="Of the kubeconfig; default: its own.")] = None
    kubeconfig: Annotated[Path | None, typer.Option(help="Default: $KUBECONFIG.")] = None
    output: Annotated[Literal["text", "json"], typer.Option("-o", "--output")] = "text"

    @contextmanager
    def cluster(self, namespace: str | None = None) -> Iterator[Cluster]:
        """`namespace` is what is meant where no option names one."""
        wanted = self.namespace or namespace
        with connect(self.kubeconfig, self.context, wanted) as cluster:
            yield cluster


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """The command with its parameter `common` replaced by the options of Common."""
    own = inspect.signature(command, eval_str=True).parameters.values()
    options = inspect.signature(Common, eval_str=True).parameters.values()

    @functools.wraps(command)
    def called(**values: Any) -> None:
        common = Common(**{option.name: values.pop(option.name) for option in options})
        command(common=common, **values)

    shown = [item for item in own if item.name != "common"]
    keywords = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in (*shown, *options)]
    called.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    hints = {**get_type_hints(command, include_extras=True)}
    hints.pop("common")
    called.__annotations__ = {**hints, **get_type_hints(Common, include_extras=True)}
    return called
