"""Settings of the documentation; ``sphinx-build docs docs/_build`` makes it, without any network."""

import os
import sys
import tomllib
from pathlib import Path

# TensorFlow's C++ side writes to the build's log while the pictures are drawn.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_here = Path(__file__).parent
sys.path.insert(0, str(_here / "_ext"))
_project = tomllib.loads((_here.parent / "pyproject.toml").read_text("utf-8"))["project"]

project = _project["name"]
author = copyright = _project["authors"][0]["name"]
release = version = _project["version"]

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    # What these pages have of their own.
    *sorted(path.stem for path in (_here / "_ext").glob("*.py")),
]
exclude_patterns = ["_build", "_templates", "gallery"]
templates_path = ["_templates"]
default_role = "code"
# A name that the reference does not have is a warning, and so an error in the tests; other people's have no page here.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(keras|matplotlib|numpy|pandas|pathlib|sklearn)\..*")]

myst_enable_extensions = ["colon_fence", "deflist", "tasklist"]
myst_heading_anchors = 3

autosummary_generate = True
# Types stand in the text, with shapes and ranges; in the signature they would drown the names.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
maximum_signature_line_length = 88

plot_formats = [("svg", 100)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "subsection_order": ["gallery/learn", "gallery/use", "gallery/research"],
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("lenetkit",),
    "reset_modules": ("matplotlib",),
    # Displays and axes have nothing to say beside their picture.
    "capture_repr": ("_repr_html_",),
    "image_srcset": ["2x"],
    "remove_config_comments": True,
    "show_signature": False,
    "min_reported_time": 600,
    "write_computation_times": False,
    "download_all_examples": False,
    "first_notebook_cell": '# python -m pip install "lenetkit[plot]"',
}

html_theme = "furo"
html_title = f"lenetkit {release}"
html_static_path = ["_static"]
html_css_files = ["lenetkit.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0072B2",
        "color-brand-content": "#0072B2",
        # Ninety-odd characters of code fit the column.
        "code-font-size": "76%",
    },
    "dark_css_variables": {"color-brand-primary": "#6cb8e6", "color-brand-content": "#6cb8e6"},
}


def _skip_what_scikit_learn_adds(_app, _what, _name, member, skip, _options):
    """Leave out methods whose text refers to scikit-learn's own pages."""
    return True if str(getattr(member, "__module__", "")).startswith("sklearn.") else skip


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", _skip_what_scikit_learn_adds)
