"""Sphinx's settings for `make site`: the executed notebooks and the pages in docs/, as tools/build_site.py lays them out."""

project = "Several models, one system"
author = "The authors of the course"
copyright = "the authors. Code MIT, prose and data CC BY 4.0"
language = "en"

extensions = ["myst_nb"]
root_doc = "index"
html_theme = "furo"
html_title = project
html_show_sourcelink = False
html_show_copyright = True
html_show_search_summary = False  # excerpts are fetched, which a page opened from a folder may not do
html_static_path = ["_static"]
html_css_files = ["course.css"]
pygments_style = "a11y-light"  # contrast of at least 4.5:1; from accessible-pygments, which furo's dark mode uses too
pygments_dark_style = "a11y-dark"

nb_execution_mode = "off"  # the outputs that are committed are the ones that are shown
nb_mime_priority_overrides = [("html", "text/plain", 90)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
suppress_warnings = [
    "mystnb.unknown_mime_type",  # claims of the ledger, widgets: their HTML twin is shown
    "myst.header",  # a lesson's own levels are checked by the guards
]
