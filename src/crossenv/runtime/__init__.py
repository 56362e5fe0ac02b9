"""The start-up shim and its helpers: files that are copied verbatim into every environment.

Nothing below this package imports crossenv. The `_crossenv` package runs inside the interpreters of an environment
(CPython 3.10 or later, standard library only).
"""
