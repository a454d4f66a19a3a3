"""Groups of ink that stand on one line of writing.

In: a sheet. Out: :class:`Group` s, from top to bottom and from left to right.
Next: :mod:`lenetkit.reading._strips`, which cuts them out.
"""

import attrs
import numpy as np

from lenetkit._ink import slope
from lenetkit.reading._segmentation import Array, is_blot
from lenetkit.reading._strip_ink import Sheet

__all__ = ["Group", "find_groups"]

# Set on the composed scenes of benchmarks/_scenes.py and guarded by tests/reading/test_strips.py.
# In pixels of the sheet: the smallest piece, and the lowest digit. Pieces that are looked at, the largest first.
_SPECK, _LOWEST, _MOST_PIECES = 3, 7, 4000
# Neighbours have this fraction of the lower one's height in common, lie at most so many heights of the higher one
# apart, and are at most so many times as high.
_LEVEL, _APART, _HIGHER = 0.4, 1.5, 2.6
# A rule by its length over its thickness.
_LONG, _STRAIGHT = 7, 0.4
# An upright rule is so many times as high as digits.
_RULE = 1.6
# A piece on a line that is lower than this is a sign; signs lie within these heights of the line.
_SIGN, _SIGN_APART, _SIGN_ABOVE, _SIGN_BELOW = 0.45, 0.9, 0.15, 0.35
# Ink is at least so steep, per pixel beside its darkness and above so much noise: shadows are softer.
_SOFT, _NOISE = 0.06, 2.5
# Ink of a group that is paler than this fraction of the group's is none.
_PALE = 0.4
# A group that is not so many times as dark as the noise has so large a part of all ink, or is spots of a pattern.
_CLEAR, _SHARE = 10, 0.3
# Weight of ink that the sheet's edge cuts off; of stems alone, so many times as high as wide, and near a side of the
# sheet, a fraction of its width, where they may be remains of rules.
_CUT_OFF, _LONE_STEM, _RULE_AT_SIDE, _STEM, _SIDE = 0.2, 0.5, 0.1, 5, 0.12
# A slope is taken from this length on, in heights, and up to this steepness.
_SLOPE_FROM, _STEEPEST = 2.2, 0.25
# From this slope on, of lines so long in digit heights, pieces are looked at along it.
_ASLANT, _LONG_LINE = 0.03, 4


@attrs.frozen(kw_only=True, eq=False)
class Group:
    """Ink on one line of writing, in pixels of the sheet."""

    members: Array  # int (k,), labels of its pieces on the sheet
    left: float
    right: float
    middle: float  # row of the middle of the digits, at the left end of the sheet
    slope: float  # rows per column
    digit_height: float
    height: float  # from the highest piece to the lowest, across the slope
    line: int
    score: float  # how much there is of it, from 0 to 1


@attrs.frozen(kw_only=True, eq=False)
class _Pieces:
    """One entry for each piece that may be writing."""

    label: Array
    top: Array
    bottom: Array
    left: Array
    right: Array
    area: Array
    darkness: Array
    spread: Array  # standard deviation across its main direction
    steepness: Array  # mean length of the gradient, in levels per pixel
    at_edge: Array  # bool

    @property
    def height(self) -> Array:
        return np.asarray(self.bottom - self.top)

    @property
    def width(self) -> Array:
        return np.asarray(self.right - self.left)

    def only(self, chosen: Array) -> "_Pieces":
        return _Pieces(**{field.name: getattr(self, field.name)[chosen] for field in attrs.fields(_Pieces)})


def find_groups(sheet: Sheet) -> list[Group]:
    """Return the groups of ink that may be writing, from top to bottom."""
    pieces = _measure(sheet)
    if len(pieces.label) == 0:
        return []
    all_ink = int(pieces.area.sum())
    pieces = pieces.only(pieces.steepness >= _SOFT * pieces.darkness + min(sheet.noise, _NOISE))
    is_body = (pieces.height >= _LOWEST) & ~_is_odd(pieces, sheet)
    is_body &= ~_is_rule(pieces, is_body, sheet)
    bodies = pieces.only(is_body)
    others = pieces.only(~is_body & (pieces.height <= 3 * np.maximum(pieces.width, 3)))
    groups, slope = [], 0.0
    for _ in range(2):
        clusters = [bodies.only(chosen) for chosen in _clusters(bodies, slope)]
        groups = [_group(cluster, others, sheet) for cluster in clusters if _stands_out(cluster, sheet, all_ink)]
        slope = _common_slope(groups)
        if not slope:
            break
    return _ordered(_merged(groups), slope)


def _measure(sheet: Sheet) -> _Pieces:
    places = np.flatnonzero(sheet.labels)
    owners = sheet.labels.reshape(-1)[places]
    area = np.bincount(owners, minlength=sheet.count + 1)[1:]
    darkness = _mean(sheet.ink.reshape(-1)[places], owners, area, sheet)
    top, bottom, left, right = sheet.boxes
    height, width = sheet.ink.shape
    at_edge = (top <= 1) | (left <= 1) | (bottom >= height - 1) | (right >= width - 1)
    pieces = _Pieces(
        label=np.arange(1, sheet.count + 1),
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        area=area,
        darkness=darkness,
        spread=_spread(places, owners, area, sheet),
        steepness=_mean(np.sqrt(slope(sheet.ink[np.newaxis])[0].reshape(-1)[places]) / 2, owners, area, sheet),
        at_edge=at_edge,
    )
    pieces = pieces.only(np.maximum(pieces.height, pieces.width) >= _SPECK)
    if len(pieces.label) > _MOST_PIECES:
        pieces = pieces.only(np.sort(np.argsort(-pieces.area, kind="stable")[:_MOST_PIECES]))
    return pieces


def _mean(values: Array, owners: Array, area: Array, sheet: Sheet) -> Array:
    return np.asarray(np.bincount(owners, values, minlength=sheet.count + 1)[1:] / np.maximum(area, 1))


def _spread(places: Array, owners: Array, area: Array, sheet: Sheet) -> Array:
    """Return the standard deviation of each piece's pixels across its main direction."""
    rows, columns = (axis.astype(np.float64) for axis in np.divmod(places, sheet.ink.shape[1]))
    y, x, yy, xx, xy = (
        _mean(values, owners, area, sheet) for values in (rows, columns, rows * rows, columns * columns, rows * columns)
    )
    down, along, both = yy - y * y, xx - x * x, xy - x * y
    least = (down + along) / 2 - np.hypot((down - along) / 2, both)
    return np.asarray(np.sqrt(np.maximum(least, 0)))


def _is_odd(pieces: _Pieces, sheet: Sheet) -> Array:
    """Tell which pieces are level rules, frames and blots by their form."""
    height, width = pieces.height, pieces.width
    shorter = np.minimum(height, width)
    lying = _is_straight(pieces) & (width > 3 * height) & (width > 20)
    blot = np.zeros(len(height), bool)
    for index in np.flatnonzero((shorter > 8) & (2 * pieces.area > height * width)).tolist():
        box = slice(pieces.top[index], pieces.bottom[index]), slice(pieces.left[index], pieces.right[index])
        blot[index] = is_blot(sheet.ink[box], sheet.labels[box] == pieces.label[index])
    frame = (shorter > 24) & (pieces.area < 0.06 * height * width)
    return np.asarray(lying | blot | frame)


def _is_rule(pieces: _Pieces, bodies: Array, sheet: Sheet) -> Array:
    """Tell which pieces are upright rules: longer than digits are, or alone along all of the sheet, or at its side."""
    standing = _is_straight(pieces) & (pieces.height > _STEM * pieces.width) & bodies
    others = np.sort(pieces.height[bodies & ~standing]).astype(float)
    if len(others):
        total = np.cumsum(others**2)
        return np.asarray(standing & (pieces.height > _RULE * others[np.searchsorted(total, total[-1] / 2)]))
    along = (pieces.height > 0.8 * len(sheet.ink)) | pieces.at_edge
    at_side = _from_side((pieces.left + pieces.right) / 2, sheet) < _SIDE
    return np.asarray(standing & (pieces.height > 16) & along & at_side)


def _is_straight(pieces: _Pieces) -> Array:
    longer = np.maximum(pieces.height, pieces.width)
    thickness = pieces.area / longer
    return np.asarray((longer > _LONG * thickness) & (pieces.spread <= _STRAIGHT * thickness + 0.5))


def _common_slope(groups: list[Group]) -> float:
    """Return the slope of the longest groups, rows per column; 0 where it is little."""
    if not groups:
        return 0.0
    slopes, lengths, heights = np.array(
        [(group.slope, group.right - group.left, group.digit_height) for group in groups]
    ).T
    order = np.argsort(slopes)
    weights = np.cumsum((lengths * (lengths >= _LONG_LINE * heights))[order])
    slope = float(slopes[order[np.searchsorted(weights, weights[-1] / 2)]])
    return slope if weights[-1] and abs(slope) > _ASLANT else 0.0


def _merged(groups: list[Group]) -> list[Group]:
    """Add groups that lie within another one to it: broken strokes, and what a rule has cut."""
    kept: list[Group] = []
    for group in sorted(groups, key=lambda group: -group.score):
        for index, other in enumerate(kept):
            column = (group.left + group.right) / 2
            row = group.middle + (group.slope - other.slope) * column - other.middle
            if other.left <= column <= other.right and abs(row) <= 0.5 * other.height:
                kept[index] = attrs.evolve(other, members=np.concatenate([other.members, group.members]))
                break
        else:
            kept.append(group)
    return kept


def _clusters(bodies: _Pieces, slope: float) -> list[Array]:
    """Return the bodies that hang together as neighbours on a line of that slope: index arrays."""
    n = len(bodies.label)
    falling = slope * (bodies.left + bodies.right) / 2
    lean = abs(slope) * bodies.width / 2
    bodies = attrs.evolve(bodies, top=bodies.top - falling + lean, bottom=bodies.bottom - falling - lean)
    order = np.argsort(bodies.left, kind="stable")
    parent = list(range(n))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    height = bodies.height
    highest = int(height.max(initial=0))
    left = bodies.left[order]
    for rank, one in enumerate(order.tolist()):
        reach = bodies.right[one] + _APART * min(highest, _HIGHER * height[one])
        rest = order[rank + 1 : int(np.searchsorted(left, reach, side="right"))]
        shared = np.minimum(bodies.bottom[one], bodies.bottom[rest]) - np.maximum(bodies.top[one], bodies.top[rest])
        lower = np.minimum(height[one], height[rest])
        higher = np.maximum(height[one], height[rest])
        apart = bodies.left[rest] - bodies.right[one]
        fits = (shared >= _LEVEL * lower) & (higher <= _HIGHER * lower) & (apart <= _APART * higher)
        for other in rest[fits].tolist():
            parent[root(other)] = root(one)
    roots = np.array([root(one) for one in range(n)], int)
    return [np.flatnonzero(roots == one) for one in np.unique(roots)]


def _group(cluster: _Pieces, others: _Pieces, sheet: Sheet) -> Group:
    weights = cluster.area * cluster.darkness
    darkness = float((weights * cluster.darkness).sum() / weights.sum())
    cluster = cluster.only(cluster.darkness >= _PALE * darkness)
    heights = np.sort(cluster.height).astype(float)
    total = np.cumsum(heights)
    height = float(heights[np.searchsorted(total, total[-1] / 2)])
    centre = (cluster.top + cluster.bottom) / 2
    columns = (cluster.left + cluster.right) / 2
    slope = _slope(cluster, sheet, height)
    flat = centre - slope * columns
    middle = float(np.average(flat, weights=cluster.height))
    reach = 0.5 * (cluster.height - abs(slope) * cluster.width)
    signs = _signs(cluster, others, slope, middle, height, darkness)
    members = np.concatenate([cluster.label, others.label[signs]])
    top, bottom = float((flat - reach).min()), float((flat + reach).max())
    left = min([int(cluster.left.min()), *others.left[signs].tolist()])
    right = max([int(cluster.right.max()), *others.right[signs].tolist()])
    return Group(
        members=members,
        left=left,
        right=right,
        middle=0.5 * (top + bottom) if bottom - top > 1.3 * height else middle,
        slope=slope,
        digit_height=height,
        height=bottom - top,
        line=0,
        score=_weight(cluster, height, sheet),
    )


def _stands_out(cluster: _Pieces, sheet: Sheet, all_ink: int) -> bool:
    """Tell whether a group is darker than a pattern's spots are, or most of what there is."""
    darkness = np.average(cluster.darkness, weights=cluster.area)
    return bool(darkness >= _CLEAR * sheet.noise or cluster.area.sum() >= _SHARE * all_ink)


def _from_side(columns: Array, sheet: Sheet) -> Array:
    """Return how far columns are from the nearer side of the sheet, as a fraction of its width, borders left out."""
    first, end = sheet.sides
    return np.asarray(np.minimum(columns - first, end - columns) / (end - first))


def _weight(cluster: _Pieces, height: float, sheet: Sheet) -> float:
    """Return how likely the writing that is looked for a group is, beside others: large, dark, and clear of the sides.

    A few high digits are more than many low letters of print.
    """
    mass = cluster.area * cluster.darkness * np.where(cluster.at_edge, _CUT_OFF, 1)
    weight = float(np.sqrt(mass.sum()) * height**1.5)
    if (cluster.height > _STEM * cluster.width).all():
        middle = np.array(cluster.left.min() + cluster.right.max()) / 2
        weight *= _RULE_AT_SIDE if _from_side(middle, sheet) < _SIDE else _LONE_STEM
    return weight


def _slope(cluster: _Pieces, sheet: Sheet, height: float) -> float:
    """Return how the middles of columns of ink fall, in rows per column; 0 where the group is too short to tell."""
    left, right = int(cluster.left.min()), int(cluster.right.max())
    top, bottom = int(cluster.top.min()), int(cluster.bottom.max())
    if right - left < _SLOPE_FROM * height:
        return 0.0
    chosen = np.zeros(sheet.count + 1, bool)
    chosen[cluster.label] = True
    rows, columns = np.nonzero(chosen[sheet.labels[top:bottom, left:right]])
    at = columns - columns.mean()
    slope = float((at * (rows - rows.mean())).sum() / max((at * at).sum(), 1))
    return slope if abs(slope) <= _STEEPEST else 0.0


def _signs(cluster: _Pieces, others: _Pieces, slope: float, middle: float, height: float, darkness: float) -> Array:
    """Return the indices of dots, commas, dashes and broken strokes that belong to a group."""
    columns = (others.left + others.right) / 2
    row = (others.top + others.bottom) / 2 - slope * columns - middle
    within = (row >= -(0.5 + _SIGN_ABOVE) * height) & (row <= (0.5 + _SIGN_BELOW) * height)
    near = (others.right >= cluster.left.min() - _SIGN_APART * height) & (
        others.left <= cluster.right.max() + _SIGN_APART * height
    )
    small = (np.maximum(others.height, others.width) >= 0.08 * height) & (others.height <= 1.1 * height)
    short = others.width <= 1.2 * height
    return np.flatnonzero(within & near & small & short & (others.darkness >= _PALE * darkness) & ~others.at_edge)


def _ordered(groups: list[Group], slope: float) -> list[Group]:
    """Give lines their numbers from top to bottom; what is level on a page of that slope is one line."""
    rows = {id(group): _row(group, slope) for group in groups}
    best = max((group.score for group in groups), default=1.0)
    lines: list[list[Group]] = []
    for group in sorted(groups, key=lambda group: rows[id(group)]):
        for line in lines:
            if any(
                abs(rows[id(group)] - rows[id(other)]) < _LEVEL * min(group.digit_height, other.digit_height)
                for other in line
            ):
                line.append(group)
                break
        else:
            lines.append([group])
    return [
        attrs.evolve(group, line=index, score=group.score / best)
        for index, line in enumerate(lines)
        for group in sorted(line, key=lambda group: group.left)
    ]


def _row(group: Group, slope: float) -> float:
    """Return the row of a group's middle, carried to the left end of the sheet along a slope."""
    column = (group.left + group.right) / 2
    return group.middle + (group.slope - slope) * column
