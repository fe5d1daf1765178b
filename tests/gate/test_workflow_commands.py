"""Annotations: what would end a workflow command is escaped, and no more are printed than are shown."""

from __future__ import annotations

from icraft_adapt.adapter.gate.comparison import Comparison, Finding
from icraft_adapt.adapter.gate.github import command, workflow_commands
from icraft_adapt.adapter.gate.junit import junit
from icraft_adapt.adapter.gate.verdict import FaultResult, Verdict
from icraft_adapt.errors import Exit


def verdict(findings: int, *faults: FaultResult) -> Verdict:
    found = tuple(Finding(f"s8.conv{i}", "codes", "50% off") for i in range(findings))
    layers = tuple(f"s8.conv{i}" for i in range(20))
    return Verdict("net", "base.json", Comparison(found, layers), None, (), faults or None)


def test_what_would_end_a_command_is_escaped() -> None:
    assert command("error", "a: b, c", "50%\r\nnext: x, y") == "::error title=a%3A b%2C c::50%25%0D%0Anext: x, y"


def test_no_more_than_are_shown() -> None:
    assert len(workflow_commands(verdict(9))) == 9
    lines = workflow_commands(verdict(14))
    assert len(lines) == 10
    assert lines[-1] == "::error title=icraft-adapt check::and 5 more"


GREEN = FaultResult("a cut off by one", ("s8.conv3",), None)
ELSEWHERE = FaultResult("a cut off by one", ("s8.conv3",), Finding("s8.conv4", "codes", "off"))
BY_CHECKSUM = FaultResult("a cut off by one", ("s8.conv3",), Finding("s8.conv3", "numbers", "changed"))
SEEN = FaultResult("a cut off by one", ("s8.conv3",), Finding("s8.conv3", "codes", "off"))
NOWHERE = FaultResult("Focus phases swapped", (), None)


def test_a_fault_that_stays_green_is_an_error() -> None:
    for fault in (GREEN, ELSEWHERE, BY_CHECKSUM):
        failed = verdict(0, SEEN, fault)
        assert failed.exit_code == Exit.FAILED
        (line,) = workflow_commands(failed)
        assert line.startswith("::error title=net%3A self-test::")
        assert b'failures="1"' in junit(failed)
    assert verdict(0, SEEN, NOWHERE).exit_code == Exit.FINE
    assert b"<skipped" in junit(verdict(0, SEEN, NOWHERE))
    assert verdict(0, NOWHERE).exit_code == Exit.UNSUPPORTED
