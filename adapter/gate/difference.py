"""What `diff` found out, whatever it compared."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import Exit


@dataclass(frozen=True, slots=True)
class Difference:
    """`lines` are the text, the verdict first."""

    lines: tuple[str, ...]
    is_equal: bool

    @property
    def exit_code(self) -> Exit:
        """FINE where both are equal."""
        return Exit.FINE if self.is_equal else Exit.FAILED
