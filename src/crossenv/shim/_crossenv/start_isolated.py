"""Starts the shim in environments that are made from `ENV/etc/base`: the `sitecustomize` of its standard library.

A `.pth` file would do where there is one, but uv makes environments with empty site directories.
"""

import os

import _crossenv

_crossenv.start()
if os.path.exists(os.path.join(os.path.dirname(__file__), "of_the_installation.py")):
    # The build Python's own, which this one stands in for.
    from importlib import import_module

    import_module("sitecustomize.of_the_installation")
