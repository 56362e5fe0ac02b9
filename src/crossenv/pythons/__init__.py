"""The host Python, read from its files as data, and the build Python."""
