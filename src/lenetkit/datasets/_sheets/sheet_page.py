"""The page of a sheet, drawn."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from lenetkit._utils.files import write_atomically
from lenetkit._utils.validation import check_whole, chosen_one
from lenetkit.datasets._sheets import sheet_layout as layout
from lenetkit.exceptions import SettingError

__all__ = ["draw_sheet", "save_sheets"]

# Width and height in millimetres, ISO 216 and ANSI A.
_PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
_MM_PER_INCH = 25.4
_SUFFIXES = {".pdf": "PDF", ".png": "PNG"}
# Levels of the boxes' lines, which are looked past, and of the text.
_LINES, _TEXT = 150, 60
_DOTS_PER_INCH, _FEWEST_DOTS, _MOST_DOTS = 300, 75, 1200


def draw_sheet(number: int = 1, *, paper: str = "a4", dots_per_inch: int = _DOTS_PER_INCH) -> npt.NDArray[np.uint8]:
    """Draw a sheet of boxes, ten for each digit, to be printed and filled in by one writer.

    Photographs or scans of filled-in sheets are read by :func:`lenetkit.datasets.load_dataset`: the boxes become
    labelled images, and the sheet's number their group.

    Parameters
    ----------
    number : int, default 1
        From 0 to 511: the writer's.
    paper : {"a4", "letter"}
        Size of the page.
    dots_per_inch : int, default 300
        From 75 to 1200.

    Returns
    -------
    ndarray of shape (height, width)
        uint8, black on white.

    Raises
    ------
    SettingError
        If an argument is none of these.

    Examples
    --------
    >>> from lenetkit.datasets import draw_sheet
    >>> draw_sheet(7, dots_per_inch=100).shape
    (1169, 827)
    """
    check_whole("number", number, 0)
    check_whole("dots_per_inch", dots_per_inch, _FEWEST_DOTS)
    if number > layout.MOST_SHEETS:
        raise SettingError(f"number must be at most {layout.MOST_SHEETS}; got {number}.")
    if dots_per_inch > _MOST_DOTS:
        raise SettingError(f"dots_per_inch must be at most {_MOST_DOTS}; got {dots_per_inch}.")
    width, height = _PAPERS[chosen_one("paper", paper, _PAPERS)]
    scale = dots_per_inch / _MM_PER_INCH
    image = Image.new("L", (round(width * scale), round(height * scale)), 255)
    _Pen(ImageDraw.Draw(image), scale, (width - layout.WIDTH) / 2, (height - layout.HEIGHT) / 2).draw(number)
    return np.asarray(image)


class _Pen:
    """Draws in millimetres, from the middle of the upper left mark."""

    def __init__(self, draw: Any, scale: float, left: float, top: float) -> None:
        self._draw, self._scale, self._left, self._top = draw, scale, left, top

    def draw(self, number: int) -> None:
        for corner in layout.CORNERS:
            self._square(corner, layout.MARK)
        upper = layout.encode(number)
        for places, cells in zip(layout.cell_places(), (upper, ~upper), strict=True):
            for place, is_black in zip(places, cells, strict=True):
                if is_black:
                    self._square(place, layout.CELL)
        for digit, row in enumerate(layout.box_places()):
            self._text(f"{digit}", (6.0, row[0, 1]), 8.0, "mm")
            for place in row:
                self._square(place, layout.BOX, outline=_LINES)
        words = f"Sheet {number}. Each digit ten times, one in a box; a dark pen. Keep the black squares clean."
        self._text(words, (8.0, 8.5), 3.6, "lm")
        self._text("Name (is not read):", (8.0, layout.HEIGHT - 8.5), 3.6, "lm")

    def _square(self, middle: npt.NDArray[np.float64], side: float, outline: int | None = None) -> None:
        x, y = middle[0] + self._left, middle[1] + self._top
        box = [round(value * self._scale) for value in (x - side / 2, y - side / 2, x + side / 2, y + side / 2)]
        box[2:] = box[2] - 1, box[3] - 1
        if outline is None:
            self._draw.rectangle(box, fill=0)
        else:
            self._draw.rectangle(box, outline=outline, width=max(1, round(0.25 * self._scale)))

    def _text(self, words: str, place: tuple[float, float], size: float, anchor: str) -> None:
        font = ImageFont.load_default(size * self._scale)
        x, y = (place[0] + self._left) * self._scale, (place[1] + self._top) * self._scale
        self._draw.text((x, y), words, fill=_TEXT, font=font, anchor=anchor)


def save_sheets(path: str | os.PathLike[str], *, sheets: int = 1, first: int = 1, paper: str = "a4") -> Path:
    """Save sheets to print, a page each, numbered from `first` on.

    Parameters
    ----------
    path : path
        A ``.pdf``, or, for one sheet, a ``.png``.
    sheets : int, default 1
        How many: one for each writer.
    first : int, default 1
        The first one's number.
    paper : {"a4", "letter"}
        Size of the page.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SettingError
        If the path has another suffix, a number is above 511, or an argument is none of these.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from lenetkit.datasets import save_sheets
    >>> save_sheets(Path(tempfile.mkdtemp(), "class.pdf"), sheets=2, paper="letter").name
    'class.pdf'
    """
    path = Path(path)
    check_whole("sheets", sheets, 1)
    check_whole("first", first, 0)
    if path.suffix.lower() not in _SUFFIXES or (path.suffix.lower() == ".png" and sheets > 1):
        raise SettingError(f"sheets are saved as .pdf, or a single one as .png; got {path} for {sheets}.")
    if first + sheets - 1 > layout.MOST_SHEETS:
        raise SettingError(f"sheets are numbered up to {layout.MOST_SHEETS}; got {sheets} from {first} on.")
    pages = [Image.fromarray(draw_sheet(number, paper=paper)) for number in range(first, first + sheets)]
    options: dict[str, Any] = {"save_all": True, "append_images": pages[1:]} if path.suffix.lower() == ".pdf" else {}
    if path.suffix.lower() == ".pdf":
        options["resolution"] = _DOTS_PER_INCH
    else:
        options["dpi"] = (_DOTS_PER_INCH, _DOTS_PER_INCH)
    write_atomically(path, lambda file: pages[0].save(file, _SUFFIXES[path.suffix.lower()], **options))
    return path
