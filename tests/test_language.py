"""Messages, comments and pages say "is not a", not "is no"."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
# "There is no sysroot" is good English; "/bin/true is no compiler" is not.
STILTED = re.compile(r"(?<!there )\b(?:is|are) no (?!longer\b|more\b)[a-z]", re.IGNORECASE)


def test_nothing_is_no_thing() -> None:
    files = [*(CHECKOUT / "src").rglob("*.py"), *(CHECKOUT / "docs").rglob("*.md"), CHECKOUT / "README.md"]
    found = [
        f"{path.relative_to(CHECKOUT)}:{number}: {line.strip()}"
        for path in files
        # A draft of a PEP keeps its wording.
        if path.name != "pep-cross-builds.md"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if STILTED.search(line)
    ]
    assert found == []
