"""The marks of a sheet in a photograph: where they are, and what its cells say."""

import itertools

import attrs
import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit.datasets._sheets import sheet_layout as layout
from lenetkit.exceptions import DataError

__all__ = ["Sheet", "find_sheet"]

Array = npt.NDArray[np.float64]

# Marks are looked for on a picture of at most this side; the narrowest mark there, in pixels, and the longest side of
# one beside the picture's.
_SIDE, _NARROWEST, _LONGEST = 1600, 5.0, 0.12
# Ink is darker than this part of the paper, which is the brightest within this part of the longer side.
_INK, _AROUND = 0.6, 1 / 14
# A solid four-sided piece has so much ink for its second moments (1; a disc 1.05, strokes far less), and sides of a
# ratio up to this, in any perspective.
_SOLID, _LONGER = (0.88, 1.06), 2.2
# Of a sheet's marks the largest has at most so many times the ink of the smallest; so many pieces are looked at.
_UNEVEN, _MOST_PIECES = 4.0, 14
# Seen from straight above, as three marks are, these have the size that their distances tell, up to this part.
_OFF = 0.15


@attrs.frozen(kw_only=True, eq=False)
class Sheet:
    """A sheet in a picture."""

    number: int
    matrix: Array  # (3, 3): a place in millimetres, as (x, y, 1), to a multiple of one in pixels
    marks: frozenset[int]  # the pieces of ink that are its marks


def find_sheet(picture: npt.NDArray[np.uint8], name: str) -> Sheet | None:
    """Return the sheet in a photograph; None if there is none.

    Raises
    ------
    DataError
        If there are two, it is of another version, or it lacks a corner. `name` is what messages call the picture.
    """
    grey = picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))
    factor = -(-max(grey.shape) // _SIDE)
    small = grey if factor == 1 else np.asarray(Image.fromarray(grey).reduce(factor))
    middles, areas, level = _find_marks(small)
    found: list[Sheet] = []
    versions: set[int] = set()
    for chosen in itertools.combinations(range(len(middles)), 4):
        if max(areas[[*chosen]]) > _UNEVEN * min(areas[[*chosen]]):
            continue
        corners = _in_order(middles[[*chosen]])
        if corners is None:
            continue
        for turn in range(4):
            matrix = fit_projection(layout.CORNERS, np.roll(corners, -turn, axis=0))
            said = _read_cells(small, level, matrix)
            if said is None:
                continue
            versions.add(said[1])
            if said[1] == layout.VERSION:
                scale = np.diag([factor, factor, 1.0])
                found.append(Sheet(number=said[0], matrix=scale @ matrix, marks=frozenset(chosen)))
    if len(found) > 1:
        numbers = " and ".join(str(sheet.number) for sheet in found[:2])
        raise DataError(f"{name} shows the sheets {numbers}; photograph one sheet at a time.")
    if not found and versions:
        raise DataError(
            f"{name} shows a sheet of version {versions.pop()}, and this version of lenetkit reads version "
            f"{layout.VERSION}; update lenetkit, or print the sheet anew with 'lenetkit sheet'."
        )
    if not found and _lacks_corner(small, level, middles, areas):
        raise DataError(
            f"{name} shows a sheet of which only three corner marks are seen; photograph the whole page, with a little "
            "of what lies around it, and nothing on it."
        )
    return found[0] if found else None


def fit_projection(places: Array, points: Array) -> Array:
    """Return the matrix (3, 3) that brings four places to four points, each (4, 2)."""
    rows = []
    for (x, y), (u, v) in zip(places, points, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y, u), (0, 0, 0, x, y, 1, -v * x, -v * y, v)]
    equations = np.array(rows)
    try:
        return np.append(np.linalg.solve(equations[:, :8], equations[:, 8]), 1.0).reshape(3, 3)
    except np.linalg.LinAlgError:
        return np.zeros((3, 3))


def project(matrix: Array, places: Array) -> Array:
    """Return the points (..., 2) of places (..., 2)."""
    found = np.concatenate([places, np.ones((*places.shape[:-1], 1))], axis=-1) @ matrix.T
    with np.errstate(all="ignore"):
        return np.asarray(found[..., :2] / found[..., 2:])


def _find_marks(grey: npt.NDArray[np.uint8]) -> tuple[Array, Array, npt.NDArray[np.float32]]:
    """Return the middles (x, y) and areas of what may be marks, the largest first, and the level below which ink is."""
    from lenetkit._utils.ndimage import ndimage

    around = max(3, round(_AROUND * max(grey.shape)) | 1)
    paper = ndimage.uniform_filter(ndimage.maximum_filter(grey, around).astype(np.float32), around)
    level = _INK * paper
    labels, count = ndimage.label(grey < level)
    if count == 0:
        return np.zeros((0, 2)), np.zeros(0), level
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(float)
    rows, columns = np.nonzero(labels)
    owners = labels[rows, columns] - 1
    sums = [np.bincount(owners, value, count) / areas for value in (columns, rows, columns**2, rows**2, columns * rows)]
    x, y, xx, yy, xy = sums
    xx, yy, xy = xx - x * x + 1 / 12, yy - y * y + 1 / 12, xy - x * y
    spread = np.sqrt(np.maximum(xx * yy - xy * xy, 1e-9))
    longest = (xx + yy) / 2 + np.hypot((xx - yy) / 2, xy)
    solid = areas / (12 * spread)
    side = np.sqrt(areas)
    good = (solid > _SOLID[0]) & (solid < _SOLID[1]) & (side > _NARROWEST) & (side < _LONGEST * max(grey.shape))
    good &= longest < _LONGER * spread
    order = np.flatnonzero(good)[np.argsort(-areas[good], kind="stable")][:_MOST_PIECES]
    return np.stack([x[order], y[order]], axis=1), areas[order], level


def _in_order(points: Array) -> Array | None:
    """Return four points clockwise on the picture, or None if one lies among the others."""
    middle = points.mean(axis=0)
    ordered = points[np.argsort(np.arctan2(points[:, 1] - middle[1], points[:, 0] - middle[0]))]
    sides = np.roll(ordered, -1, axis=0) - ordered
    nexts = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * nexts[:, 1] - sides[:, 1] * nexts[:, 0]
    lengths = np.hypot(*sides.T)
    return ordered if (turns > 0.2 * lengths * np.roll(lengths, -1)).all() else None


def _read_cells(grey: npt.NDArray[np.uint8], level: npt.NDArray[np.float32], matrix: Array) -> tuple[int, int] | None:
    """Return the number and the version that the cells say, most of each cell's points agreeing."""
    near = layout.CELL / 5 * np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)])
    points = project(matrix, layout.cell_places()[:, :, np.newaxis] + near)
    if not np.isfinite(points).all():
        return None
    columns, rows = np.rint(points).astype(int).transpose(3, 0, 1, 2)
    if columns.min() < 0 or rows.min() < 0 or columns.max() >= grey.shape[1] or rows.max() >= grey.shape[0]:
        return None
    return layout.decode((grey[rows, columns] < level[rows, columns]).mean(axis=-1) > 0.5)


def _lacks_corner(grey: npt.NDArray[np.uint8], level: npt.NDArray[np.float32], middles: Array, areas: Array) -> bool:
    """Tell whether three marks are those of a sheet seen from straight above, its upper row of cells being whole."""
    for chosen in itertools.permutations(range(min(len(middles), 8)), 3):
        first, second, third = middles[[*chosen]]
        points = np.stack([first, second, third, first + third - second])
        for turn in range(4):
            corners = np.roll(points, -turn, axis=0)
            scale = np.sqrt(abs(np.linalg.det(corners[[1, 3]] - corners[0])) / (layout.WIDTH * layout.HEIGHT))
            if (abs(np.sqrt(areas[[*chosen]]) - layout.MARK * scale) > _OFF * layout.MARK * scale).any():
                continue
            reached = project(fit_projection(layout.CORNERS, corners), layout.cell_places()[0])
            columns, rows = np.rint(reached).astype(int).T
            inside = (columns >= 0) & (rows >= 0) & (columns < grey.shape[1]) & (rows < grey.shape[0])
            if not inside.all():
                continue
            upper = grey[rows, columns] < level[rows, columns]
            said = layout.decode(np.stack([upper, ~upper]))
            if said is not None and said[1] == layout.VERSION:
                return True
    return False
