"""Starts the shim in environments that are made from `ENV/etc/base`: the `sitecustomize` of its standard library.

A `.pth` file would do where there is one, but uv makes environments with empty site directories.
"""

import os
import sys

library = os.path.dirname(os.path.dirname(__file__))
try:
    # Before anything that PYTHONPATH names.
    sys.path.insert(0, library)
    import _crossenv

    sys.path.remove(library)
    _crossenv.start(library)
    if not _crossenv.role:
        raise ImportError(f"{_crossenv.__file__} was loaded first")
except BaseException as error:
    # `site` prints an exception of sitecustomize and continues, with a native interpreter.
    try:
        os.write(2, f"crossenv: error: the cross environment of {library!a} cannot start: {error!a}\n".encode())
    finally:
        os._exit(1)
if os.path.exists(os.path.join(os.path.dirname(__file__), "of_the_installation.py")):
    # The build Python's own, which this one stands in for.
    from importlib import import_module

    import_module("sitecustomize.of_the_installation")
