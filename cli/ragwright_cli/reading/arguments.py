"""Arguments of which the first is the pipeline's name and may be left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ragwright_cli.problems import UsageError


def name_and_question(arguments: Sequence[str]) -> tuple[str | None, str]:
    if len(arguments) > 2:
        raise UsageError("write the question in quotes: kubectl rag ask docs 'How long ...?'")
    *names, question = arguments
    if not question.strip():
        raise UsageError("the question is empty")
    return (names[0] if names else None), question


def name_and_version(arguments: Sequence[str]) -> tuple[str | None, int | None]:
    """Of one argument, digits are a version."""
    if len(arguments) > 2:
        raise UsageError("write a pipeline and a version: kubectl rag rollback docs 7")
    if arguments and arguments[-1].isascii() and arguments[-1].isdigit():
        names, version = arguments[:-1], int(arguments[-1])
        if not 1 <= version <= 2_147_483_647:
            raise UsageError(f"{version} is no version: they count from 1")
        return (names[0] if names else None), version
    if len(arguments) == 2:
        raise UsageError(f"{arguments[1]} is no version: write a number, as in rollback docs 7")
    return (arguments[0] if arguments else None), None
