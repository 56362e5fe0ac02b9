"""`python -m crossenv`: the same as the `crossenv` command."""

from __future__ import annotations

import sys

from crossenv.cli.main import main

sys.exit(main())
