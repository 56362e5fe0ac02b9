"""Read the outcomes of tests, and compare those of two machines."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from crossenv.errors import BuildError

ABSENT = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The outcome of one test.

    Attributes:
        result: "passed", "failed", "error", "skipped".
        message: Its message; "" if it passed.
    """

    result: str
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A test with another outcome on the target than on this machine.

    Attributes:
        test: Its name.
        host: The outcome on the target.
        build: The outcome on this machine.
    """

    test: str
    host: Outcome
    build: Outcome


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Read the outcomes in pytest's JUnit report, by the test's name.

    Raises:
        BuildError: There is no readable report.
    """
    try:
        # Our own pytest has just written it.
        root = ElementTree.parse(path).getroot()  # noqa: S314
    except (OSError, ElementTree.ParseError) as error:
        raise BuildError(
            f"pytest left no readable report: {error}", hint="run it without --compare to see all of it"
        ) from None
    outcomes: dict[str, Outcome] = {}
    for case in root.iter("testcase"):
        # Tests outside pytest's root are named by their class alone.
        module, place = Path(case.get("file") or "").stem, case.get("classname") or ""
        parts = [part for part in (place, case.get("name")) if part]
        name = ".".join(parts if module in place.split(".") else filter(None, [module, *parts]))
        outcome = Outcome(result="passed")
        for kind in ("failure", "error", "skipped"):
            element = case.find(kind)
            if element is not None:
                result = "failed" if kind == "failure" else kind
                message = (element.get("message") or "").strip().splitlines()
                outcome = Outcome(result=result, message=message[0] if message else "")
        # A failing teardown makes a second entry; the worse one counts.
        if name not in outcomes or outcome.result in ("failed", "error"):
            outcomes[name] = outcome
    return outcomes


def differences(
    host: Mapping[str, Outcome], build: Mapping[str, Outcome], expected: Sequence[str]
) -> tuple[list[Difference], list[Difference]]:
    """Return the tests with different outcomes: unexpected ones, and expected ones.

    Args:
        host: The outcomes on the target.
        build: The outcomes on this machine.
        expected: Patterns (fnmatch) of tests that may differ.
    """
    unexpected: list[Difference] = []
    known: list[Difference] = []
    for name in sorted({*host, *build}):
        one, other = (outcomes.get(name, Outcome(result=ABSENT)) for outcomes in (host, build))
        if one.result != other.result:
            matches = any(fnmatch.fnmatchcase(name, pattern) for pattern in expected)
            (known if matches else unexpected).append(Difference(test=name, host=one, build=other))
    return unexpected, known


def summary(outcomes: Mapping[str, Outcome]) -> str:
    """Count outcomes as pytest does: "14035 passed, 17 skipped"."""
    counts: dict[str, int] = {}
    for outcome in outcomes.values():
        counts[outcome.result] = counts.get(outcome.result, 0) + 1
    order = ("failed", "error", "passed", "skipped")
    return ", ".join(f"{counts[result]} {result}" for result in order if result in counts) or "no test"
