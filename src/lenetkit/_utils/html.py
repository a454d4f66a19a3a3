"""HTML building blocks for notebooks: escaped, drawn without matplotlib.

In: texts, cells and uint8 pixels. Out: HTML that inherits the notebook's colours, light or dark.
Next: the ``_repr_html_`` of each class.
"""

import base64
import io
import sys
from collections.abc import Iterable
from html import escape
from typing import Any

__all__ = [
    "FAINT",
    "card",
    "data_uri",
    "heading",
    "in_a_notebook",
    "note",
    "png_uri",
    "table",
    "text",
    "thumbnail",
]

_LARGEST_THUMBNAIL = 32

FAINT = "opacity:.7;font-size:90%"


def in_a_notebook() -> bool:
    """Return True in a Jupyter kernel, where HTML can be displayed; IPython is not imported for it."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython.get_ipython(), "kernel", None) is not None


def card(content: str) -> str:
    """Return the frame around what one object shows."""
    return f"<div style='overflow-x:auto;line-height:1.4'>{content}</div>"


def heading(line: str) -> str:
    """Return a bold line."""
    return f"<div style='font-weight:600;margin-bottom:4px'>{text(line)}</div>"


def note(line: str) -> str:
    """Return a faint line."""
    return f"<div style='{FAINT}'>{text(line)}</div>"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are HTML already."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def text(value: Any) -> str:
    """Return a value as escaped text."""
    return escape(str(value))


def thumbnail(image: Any) -> str:
    """Return a uint8 image as a small picture whose pixels stay sharp; of two channels the first, grey, is shown."""
    if image.ndim == 3 and image.shape[2] == 2:
        image = image[..., 0]
    # As a style: notebooks' own styles set the height of pictures, too.
    style = f"height:{_LARGEST_THUMBNAIL}px;width:auto;max-width:none;image-rendering:pixelated"
    return f"<img src='{png_uri(image, _LARGEST_THUMBNAIL)}' style='{style}' alt=''>"


def png_uri(pixels: Any, largest: int | None = None) -> str:
    """Encode pixels as a PNG in a data URI.

    Parameters
    ----------
    pixels : array-like of shape (height, width[, 1, 2, 3 or 4])
        uint8 in [0, 255]: grey, grey with opacity, RGB or RGBA.
    largest : int, optional
        Shrink the longer side to so many pixels at most.
    """
    import numpy as np
    import PIL.Image

    shown = np.asarray(pixels)
    if shown.ndim == 3 and shown.shape[2] == 1:
        shown = shown[..., 0]
    longer = max(shown.shape[:2])
    limit = longer if largest is None else largest
    # Sub-sampled first: the box filter of a photograph of 48 megapixels takes seconds.
    step = -(-longer // (8 * limit))
    picture = PIL.Image.fromarray(np.ascontiguousarray(shown[::step, ::step]))
    picture.thumbnail((limit, limit), PIL.Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="png", optimize=True)
    return data_uri("image/png", file.getvalue())


def data_uri(media_type: str, content: bytes) -> str:
    """Return a file's content as a URI that needs no file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
