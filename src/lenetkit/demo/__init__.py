"""A web page to draw digits on, with the answer and every step on the way to it, and a page to correct answers on.

In: saved pipelines by name; from the page, images that are drawn, uploaded or photographed, or a folder of pictures to
be labelled. Out: a page that comes from this server alone and calls out to nowhere, and its answers as JSON; a table of
labels. Next: a person, or any program over HTTP; :func:`lenetkit.datasets.load_dataset`.

Needs Starlette and uvicorn (extra ``demo``), which are imported on first use. Answers come from LiteRT; TensorFlow is
loaded when somebody looks inside the network, not before.
"""

from lenetkit.demo._create import LOOPBACK, create_app
from lenetkit.demo._create import is_loopback as is_loopback
from lenetkit.demo._labelling import label_folder
from lenetkit.demo._serve import serve

__all__ = ["LOOPBACK", "create_app", "label_folder", "serve"]
