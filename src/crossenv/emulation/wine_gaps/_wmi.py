"""Stands for CPython's own module of the name under an old wine, which lacks what it calls and ends the process.

`platform` asks it for Windows' version, and does without where it cannot be imported.
"""

raise ImportError("wine before version 10 lacks what _wmi calls")
