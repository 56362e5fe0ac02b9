"""Cross virtual environments for Python."""

from __future__ import annotations

__version__ = "2.0.0"
# The older tool's distribution, crossenv, has this package's name too; an `__init__` without this line is the older tool's.
DISTRIBUTION = "crossenv2"
