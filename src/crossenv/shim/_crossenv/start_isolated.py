"""Starts the shim in environments that are made from `ENV/etc/base`: the `sitecustomize` of its standard library.

A `.pth` file would do where there is one, but uv makes environments with empty site directories. `site` prints the
exceptions of this file and goes on, natively: so none may leave it.
"""

import os
import sys

try:
    _library = os.path.dirname(os.path.dirname(__file__))
    # Before any other module of that name on PYTHONPATH.
    sys.path.insert(0, _library)
    try:
        import _crossenv
    finally:
        sys.path.remove(_library)
    _crossenv.start(_library)
    if not _crossenv.role:
        raise ImportError(f"{_crossenv.__file__} is not crossenv's")
except BaseException as _error:
    try:
        os.write(2, ascii(_error).join(("crossenv: error: the start-up shim was not started: ", "\n")).encode())
    finally:
        os._exit(1)
if os.path.exists(os.path.join(os.path.dirname(__file__), "of_the_installation.py")):
    # The build Python's own, which this one stands in for.
    from importlib import import_module

    import_module("sitecustomize.of_the_installation")
