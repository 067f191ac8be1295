"""What ends a command, in one line for the person who typed it."""

from __future__ import annotations


class CliError(Exception):
    """Something is wrong, or could not be done."""

    code = 1


class UsageError(CliError):
    """The command must be written otherwise."""

    code = 2
