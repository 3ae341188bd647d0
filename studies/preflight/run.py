"""Runs all checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType

from dgm_core import ConfigurationError
from dgm_core.registry import Registry
from studies.preflight.finding import Check, Finding
from studies.preflight.question import Question

_ORDER = ("error", "warning", "notice", "note")


def _defined(module: ModuleType) -> Iterator[tuple[str, Check]]:
    for value in vars(module).values():
        if isinstance(value, Check):
            yield value.name, value


CHECKS: Registry[Check] = Registry("check", "studies.preflight.checks", _defined)


def examine(question: Question) -> list[Finding]:
    """What all checks notice, errors first."""
    findings = [
        Finding(level, name, what, why, remedy)
        for name in CHECKS
        for level, what, why, remedy in CHECKS.get(name).examine(question)
    ]
    return sorted(findings, key=lambda finding: _ORDER.index(finding.level))


def refuse(findings: Sequence[Finding]) -> None:
    """Raises ConfigurationError with the first error, if there is one."""
    for finding in findings:
        if finding.level == "error":
            raise ConfigurationError(str(finding))
