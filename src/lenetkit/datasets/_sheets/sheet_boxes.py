"""The boxes of a sheet: cut from the photograph, upright, on even paper."""

import attrs
import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit.datasets._sheets import sheet_layout as layout
from lenetkit.datasets._sheets.sheet_marks import Sheet, fit_projection

__all__ = ["SheetBoxes", "read_sheet"]

# Pixels of a millimetre of the straightened sheet, and of a box.
_SCALE, _SIDE = 5, 64
# The paper is the brightest within so many millimetres; darker than this of 255 nothing is read on it.
_AROUND, _DARKEST = 6.0, 40
# A pixel is ink below this part of the paper; a box with fewer of them is empty, with more it is no digit.
_INK, _FEWEST, _MOST = 0.72, 12, 0.6


@attrs.frozen(kw_only=True, eq=False)
class SheetBoxes:
    """The boxes of a sheet, as far as something is written in them."""

    images: npt.NDArray[np.uint8]  # (n, 64, 64), dark on light
    labels: npt.NDArray[np.int64]
    n_empty: int
    unreadable: tuple[str, ...]  # the row and column of each box in which no digit can be told


def read_sheet(picture: npt.NDArray[np.uint8], sheet: Sheet) -> SheetBoxes:
    """Return the boxes that something is written in."""
    grey = Image.fromarray(picture).convert("L")
    images, labels, unreadable = [], [], []
    n_empty = 0
    page = _straighten(grey, sheet)
    paper = _find_paper(page)
    even = np.rint(np.clip(255.0 * page / np.maximum(paper, 1), 0, 255)).astype(np.uint8)
    half = layout.WRITTEN / 2
    for digit, row in enumerate(layout.box_places()):
        for column, (x, y) in enumerate(row):
            left, top, right, bottom = (round(_SCALE * value) for value in (x - half, y - half, x + half, y + half))
            box = even[top:bottom, left:right]
            ink = np.count_nonzero(box < 255 * _INK)
            if np.median(paper[top:bottom, left:right]) < _DARKEST or ink > _MOST * box.size:
                unreadable.append(f"row of {digit}, column {column + 1}")
            elif ink < _FEWEST:
                n_empty += 1
            else:
                images.append(np.asarray(Image.fromarray(box).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)))
                labels.append(digit)
    return SheetBoxes(
        images=np.stack(images) if images else np.zeros((0, _SIDE, _SIDE), np.uint8),
        labels=np.array(labels, np.int64),
        n_empty=n_empty,
        unreadable=tuple(unreadable),
    )


def _straighten(grey: Image.Image, sheet: Sheet) -> npt.NDArray[np.uint8]:
    """Return the sheet between its marks as seen from straight above."""
    size = round(layout.WIDTH * _SCALE), round(layout.HEIGHT * _SCALE)
    matrix = sheet.matrix @ np.diag([1 / _SCALE, 1 / _SCALE, 1.0])
    # Where the photograph has more pixels they are averaged.
    corners = np.array([(0.0, 0.0), (size[0], 0), (size[0], size[1]), (0, size[1])])
    points = np.concatenate([corners, np.ones((4, 1))], axis=1) @ matrix.T
    points = points[:, :2] / points[:, 2:]
    steps = np.hypot(*(np.roll(points, -1, axis=0) - points).T) / np.array([size[0], size[1], size[0], size[1]])
    factor = max(1, int(steps.min()))
    if factor > 1:
        grey, points = grey.reduce(factor), points / factor
    matrix = fit_projection(corners, points)
    data = tuple((matrix / matrix[2, 2]).ravel()[:8].tolist())
    return np.asarray(grey.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BICUBIC, fillcolor=255))


def _find_paper(page: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the level of the paper under the ink."""
    from lenetkit._utils.ndimage import ndimage

    around = round(_AROUND * _SCALE) | 1
    calm = ndimage.uniform_filter(page.astype(np.float32), 3)
    return np.asarray(ndimage.uniform_filter(ndimage.maximum_filter(calm, around), around))
