"""What can go wrong, said so that the user can act on it."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """The command's exit codes, a contract with scripts and CI; `meaning` says each in words."""

    meaning: str

    FINE = 0, "fine: every certificate holds, the folder is written"
    FAILED = 1, "a check or a certificate failed"
    BAD_INPUT = 2, "the input or the usage is wrong"
    UNSUPPORTED = 3, "not supported, not provable or not measurable"
    BUG = 70, "a bug of ours: one line, and a traceback in a file that it names"
    INTERRUPTED = 130, "Ctrl-C"

    def __new__(cls, code: int, meaning: str) -> Self:
        """A member is its code."""
        member = int.__new__(cls, code)
        member._value_, member.meaning = code, meaning
        return member


class AdaptError(Exception):
    """The user's fault or the model's: one line that says what, where, and what to do.

    `message` says what is wrong, `where` names the file, node or tensor, `hint` says what to do about it,
    `code` is the exit code of the command.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: Exit = Exit.BAD_INPUT) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        """The one line shown to the user; control characters in names are made visible."""
        line = f"{self.where}: {self.message}" if self.where else self.message
        line = f"{line} ({self.hint})" if self.hint else line
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


class Decline(Exception):  # noqa: N818  (declining is a verdict, not an error)
    """A rule or a reading nearly applies but may not: `reason` says why, `at` is the node that stopped it, if any."""

    def __init__(self, reason: str, *, at: object | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at
