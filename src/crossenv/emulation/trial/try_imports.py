"""Import modules one by one and record the outcome of each; the Python that tries a wheel runs this.

    python try_imports.py REPORT MODULE...

REPORT gets a line of JSON before and after each import, so that the one that ends the process is known. Standard
library only, Python 3.8 or later.
"""

import importlib
import json
import sys


def main(report: str, modules: "list[str]") -> int:
    """Import `modules`; the exit status is always 0."""
    with open(report, "w", encoding="utf-8") as file:
        for name in modules:
            print(json.dumps({"module": name, "outcome": "started"}), file=file, flush=True)
            row = {"module": name, "outcome": "imported"}
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                row = {"module": name, "outcome": "absent", "missing": error.name or "", "message": str(error)}
            except BaseException as error:
                row = {"module": name, "outcome": "failed", "message": f"{type(error).__name__}: {error}"}
            print(json.dumps(row), file=file, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
