"""A run as JUnit XML, which CI servers read: the gates are what can fail, each case is told beside them."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from qa.findings import Finding, find_failures
from qa.run_folder import Gate, Record, Run, key_of
from qa.text import one_line, safe_text
from qa.wording import describe_gate

_NOT_IN_XML = re.compile(
    "[\ufffe\uffff]"
)  # XML 1.0, production 2; of the rest that it leaves out, no safe text has any


def render_junit(run: Run) -> str:
    """The run as one XML document: a test suite of its gates, and one of its cases.

    A missed gate is a failure. A case is never one, since a gate says how many may go wrong; what went wrong with
    it stands in its output.
    """
    name = _line(run.suite)
    root = Xml.Element("testsuites", name=name)
    gates = _add_suite(root, f"{name}.gates", tests=len(run.gates), failures=sum(not gate.passed for gate in run.gates))
    for gate in run.gates:
        _add_gate(gates, gate)
    cases = _add_suite(root, f"{name}.cases", tests=len(run.records), failures=0)
    faults = {(finding.id, finding.repeat): finding for finding in find_failures(run)}
    for record in run.records:
        _add_case(cases, record, faults.get(key_of(record)))
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_suite(root: Xml.Element, name: str, *, tests: int, failures: int) -> Xml.Element:
    counts = {"tests": str(tests), "failures": str(failures), "errors": "0", "skipped": "0"}
    return Xml.SubElement(root, "testsuite", {"name": name} | counts)


def _add_gate(suite: Xml.Element, gate: Gate) -> None:
    case = Xml.SubElement(suite, "testcase", classname=suite.attrib["name"], name=_line(describe_gate(gate)))
    if not gate.passed:
        reason = _line(gate.reason or "missed")
        Xml.SubElement(case, "failure", message=reason).text = reason  # servers show the one or the other


def _add_case(suite: Xml.Element, record: Record, fault: Finding | None) -> None:
    id_, repeat = key_of(record)
    name = _line(id_) if repeat == 1 else f"{_line(id_)} (repeat {repeat})"
    seconds = f"{record['seconds'].get('total', 0.0):.3f}"
    case = Xml.SubElement(suite, "testcase", classname=suite.attrib["name"], name=name, time=seconds)
    if fault:
        Xml.SubElement(case, "system-out").text = _NOT_IN_XML.sub("\ufffd", safe_text(fault.why))


def _line(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", one_line(text))
