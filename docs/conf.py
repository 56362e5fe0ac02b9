"""Sphinx: `nox -s docs` builds the site into docs/_build/html."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).parent
CHECKOUT = DOCS.parent
sys.path[:0] = [str(DOCS / "_extensions"), str(CHECKOUT / "src"), str(CHECKOUT / "src/crossenv/shim")]

from crossenv import __version__  # noqa: E402

project = "crossenv"
author = "the crossenv founders"
copyright = "2026, the crossenv founders"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "crossenv_docs",
]
exclude_patterns = ["_build", "_extensions"]
myst_enable_extensions = ["deflist", "attrs_inline"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
add_module_names = False
# Docstrings put code into single backquotes.
default_role = "code"
# Two hyphens begin an option, also where a page has it outside of code: no dash is made of them.
smartquotes_action = "q"
napoleon_use_ivar = True
# A prompt is no part of what a reader copies, nor is output.
copybutton_prompt_text = "$ "
copybutton_here_doc_delimiter = "EOF"
copybutton_line_continuation_character = "\\"

html_theme = "furo"
# furo's own dark style underlines module names, as if they were links.
pygments_dark_style = "github-dark"
html_title = f"crossenv {__version__}"
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#9a4a12", "color-brand-content": "#0969da"},
    "dark_css_variables": {"color-brand-primary": "#f0883e", "color-brand-content": "#4493f8"},
}

# Only what is in the repository can be checked without a network; `nox -s linkcheck -- --online` asks the others too.
linkcheck_ignore = [] if tags.has("online") else [r"https?://.*"]  # type: ignore[name-defined] # noqa: F821
