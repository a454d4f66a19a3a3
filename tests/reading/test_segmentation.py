"""Cuts through pieces of ink, held to a plain way of finding them that takes far longer."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.reading._segmentation import Cut, Piece, cut_apart, divide, find_cuts

_ASIDE = 0.5


def plain_cuts(piece: Piece, *, distance: float, most_ink: float) -> list[Cut]:
    """Find cuts pixel by pixel."""
    ink = piece.mask.astype(np.float32)
    down, up = cheapest(ink), cheapest(ink[::-1])[::-1]
    cuts: dict[bytes, Cut] = {}
    for row in sorted({int(fraction * piece.height) for fraction in (0.3, 0.5, 0.7)}):
        for column in minima(down[row] + up[row] - ink[row], distance):
            below = way(up[::-1], piece.height - 1 - row, column)
            columns = np.concatenate([way(down, row, column)[::-1], below[1:]])
            crossed = int(piece.mask[np.arange(piece.height), columns].sum())
            if crossed <= most_ink:
                cuts[columns.tobytes()] = Cut(columns=columns, ink=crossed)
    return list(cuts.values())


def cheapest(ink):
    cost = ink.copy()
    for row in range(1, len(ink)):
        before = np.pad(cost[row - 1], 1, constant_values=np.inf)
        cost[row] += np.minimum(before[1:-1], np.minimum(before[:-2], before[2:]) + _ASIDE)
    return cost


def way(cost, row, column):
    columns = [column]
    for above in range(row - 1, -1, -1):
        choices = [
            (cost[above, near] + _ASIDE * (near != column), near)
            for near in (column, column - 1, column + 1)
            if 0 <= near < cost.shape[1]
        ]
        column = min(choices, key=lambda choice: choice[0])[1]
        columns.append(column)
    return np.array(columns)


def minima(cost, distance):
    found = []
    reach = max(1, round(distance / 2))
    for column in np.argsort(cost, kind="stable").tolist():
        is_least = cost[column] <= cost[max(0, column - reach) : column + reach + 1].min()
        if is_least and all(abs(column - other) >= distance for other in found):
            found.append(column)
    return sorted(found)


def plain_division(piece, cuts, *, narrowest, lowest, least):
    """Try each cut with all that are kept, on all of the ink."""
    kept, parts = [], [piece]
    for cut in cuts:
        sides = cut_apart(piece, [cut])
        if len(sides) < 2 or any(side.width < narrowest or side.height < lowest for side in sides):
            continue
        trial = sorted([*kept, cut], key=lambda cut: float(cut.columns.mean()))
        found = cut_apart(piece, trial)
        if len(found) == len(trial) + 1 and all(part.area >= least for part in found):
            kept, parts = trial, found
    return parts, kept


def wave(seed: int, height: int, width: int) -> Piece:
    """Return strokes that hang together."""
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width)) < rng.uniform(0.05, 0.5)
    mask[int(rng.integers(height))] = True
    mask[[0, -1], rng.integers(width)] = True
    return Piece(top=3, left=5, mask=mask)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 25), st.integers(2, 60), st.floats(0.5, 8), st.floats(0, 9))
def test_cuts_are_those_of_the_plain_way(seed: int, height: int, width: int, distance: float, most_ink: float) -> None:
    """In their order, with the ink that they cross, and so are the parts."""
    piece = wave(seed, height, width)
    cuts = find_cuts(piece, distance=distance, most_ink=most_ink)
    expected = plain_cuts(piece, distance=distance, most_ink=most_ink)
    assert [(cut.columns.tolist(), cut.ink) for cut in cuts] == [(cut.columns.tolist(), cut.ink) for cut in expected]
    cuts.sort(key=lambda cut: cut.ink)
    limits = {"narrowest": 0.06 * height, "lowest": 0.4 * height, "least": 1 + seed % 9}
    parts, kept = divide(piece, cuts, **limits)
    plain_parts, plain_kept = plain_division(piece, cuts, **limits)
    assert [cut.columns.tolist() for cut in kept] == [cut.columns.tolist() for cut in plain_kept]
    assert [(part.top, part.left, part.mask.tolist()) for part in parts] == [
        (part.top, part.left, part.mask.tolist()) for part in plain_parts
    ]
