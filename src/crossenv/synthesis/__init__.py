"""Derives the files of a Python for the target, without building one."""
