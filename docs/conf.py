"""The documentation site: `make docs`. Reference pages are written from the records, the catalogue and the program."""

from __future__ import annotations

import sys
from pathlib import Path

import secateur

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "Secateur"
author = copyright = "the Secateur authors"
version = release = secateur.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated"]
html_theme = "furo"
html_title = "Secateur"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
exclude_patterns = ["_ext"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
smartquotes = False
