"""The site of these pages: ``make docs`` builds it without a network.

Pages are plain Markdown. Blocks ``{code-cell}`` of some, and the notebooks, are run while the site is built; what they print and draw is
in no repository. ``{from-code}`` puts in what the product declares of itself (see _ext/from_code.py).
"""

import hashlib
import importlib.metadata
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "_ext"))

project = "jepascope"
author = "the authors of jepascope"
release = importlib.metadata.version("jepascope")
extensions = ["myst_nb", "sphinx.ext.autodoc", "from_code", "outside"]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4  # links such as science.md#portability lead somewhere on the forge and here
suppress_warnings = ["mystnb.unknown_mime_type"]

html_theme = "furo"
html_title = f"jepascope {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_search_summary = False  # it is fetched, which no browser allows of a page that was opened from a disk
html_copy_source = False
html_show_copyright = False
smartquotes = False  # they would make a dash of --option

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings say what is taken, with shapes

# What was run is kept for as long as the product's code is the same, and made anew for any other.
_code = hashlib.sha256()
for _path in sorted((ROOT / "src").rglob("*")):
    if _path.suffix in {".py", ".j2", ".js", ".css"}:
        _code.update(_path.read_bytes())
_executed = HERE / "_build" / "executed" / _code.hexdigest()[:12]
nb_execution_mode = "cache"
nb_execution_cache_path = str(_executed / "notebooks")
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
nb_render_markdown_format = "myst"
nb_code_prompt_show = "The code"
nb_code_prompt_hide = "The code"
os.environ["JEPASCOPE_CACHE"] = str(_executed / "cache")
os.environ["JEPASCOPE_DOCS"] = str(_executed)  # the folder that pages of pictures work in, so that they share a study
os.environ["OMP_NUM_THREADS"] = "1"  # of models this small a second thread only waits for the first
os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # transformers would like widgets, which no page needs
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(HERE / "_ext")])
