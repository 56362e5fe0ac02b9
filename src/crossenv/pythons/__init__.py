"""The host Python: what it is, read from its files as data."""
