"""The command line: parses, calls, prints; the only place that exits."""
