"""Sphinx configuration: Markdown pages and an API reference from the docstrings."""

from importlib.metadata import version as installed_version

project = "ganport"
author = "The ganport authors"
project_copyright = "The ganport authors"
release = version = installed_version("ganport")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
]
myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 3
# Docstrings are plain text with Markdown code spans: show `name` as code.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Links into the source tree are checked by tests/test_pages.py, not by Sphinx.
suppress_warnings = ["myst.xref_missing", "ref.python"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"ganport {release}"
html_static_path: list[str] = []
