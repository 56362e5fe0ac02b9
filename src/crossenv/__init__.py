"""Cross virtual environments for Python."""

from __future__ import annotations

__version__ = "2.0.0"
# The older tool, the distribution crossenv, has an import package of this name too, without this line.
DISTRIBUTION = "crossenv2"
