"""A verdict as JUnit XML: a case for each layer and each seeded fault, and no times: the same run, the same bytes."""

from __future__ import annotations

from collections.abc import Iterable

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ...errors import AdaptError
from .verdict import FaultResult, Verdict
from .verdict_text import fault_line


def junit(verdict: Verdict) -> bytes:
    """The file of a check that could be made."""
    by_anchor = verdict.comparison.by_anchor
    anchors = dict.fromkeys((*(each.anchor for each in verdict.comparison.findings), *verdict.comparison.layers))
    cases = []
    for anchor in anchors:
        case = TestCase(anchor, f"{verdict.name}.layers")
        if anchor in by_anchor:
            case.result = [Failure(by_anchor[anchor].words, by_anchor[anchor].kind)]
        cases.append(case)
    suites = [_suite(f"{verdict.name} against {verdict.baseline}", cases)]
    if verdict.faults is not None:
        suites.append(_suite(f"{verdict.name}, self-test", [_fault(verdict.name, each) for each in verdict.faults]))
    return _file(suites)


def junit_of_error(name: str, error: AdaptError) -> bytes:
    """The file of a check that could not be made."""
    case = TestCase("check", name)
    case.result = [Error(str(error), error.code.name)]
    return _file([_suite(name, [case])])


def _fault(name: str, fault: FaultResult) -> TestCase:
    case = TestCase(fault.name, f"{name}.self-test")
    if not fault.placed:
        case.result = [Skipped(fault_line(fault))]
    elif not fault.is_red:
        case.result = [Failure(fault_line(fault), "green")]
    return case


def _suite(name: str, cases: Iterable[TestCase]) -> TestSuite:
    suite = TestSuite(name)
    suite.add_testcases(list(cases))
    return suite


def _file(suites: Iterable[TestSuite]) -> bytes:
    made = JUnitXml("icraft-adapt check")
    for suite in suites:
        made.add_testsuite(suite)
    made.update_statistics()  # type: ignore[no-untyped-call]
    text: bytes = made.tostring()  # type: ignore[no-untyped-call]
    return b"<?xml version='1.0' encoding='utf-8'?>\n" + text + b"\n"
