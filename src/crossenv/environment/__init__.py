"""The environment on disk: planned, described by its record, written."""
