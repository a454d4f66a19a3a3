"""Candidates for digits in the ink of a line, and the best path through them.

In: a line. Out: the pieces that are one digit each, with their probabilities.
Next: :mod:`lenetkit.reading._reading`.
"""

from collections.abc import Sequence

import attrs
import numpy as np

from lenetkit._ink import centre, cut_out, even_ink, even_stroke, fit_box
from lenetkit._utils.budget import checkpoint, spend
from lenetkit.reading._page import Page
from lenetkit.reading._price import CANDIDATES, CELLS
from lenetkit.reading._segmentation import Array, Piece, divide, find_cuts, join
from lenetkit.reading._text_lines import Line

__all__ = [
    "Candidate",
    "best_path",
    "compute_features",
    "compute_posteriors",
    "find_candidates",
    "normalize",
    "score",
]

# Set by eye on drawn numbers and guarded by tests/reading; benchmarks/whole_numbers.py shows their effect. In digit
# heights: wider pieces may be several digits; the narrowest and lowest part, the widest candidate; cuts this far apart.
_SINGLE = 0.5
_NARROWEST, _LOWEST, _WIDEST = 0.06, 0.4, 1.5
_CUT_DISTANCE = 0.1
# The widest gap within a digit; if it were larger, neighbouring digits would be joined. A cut crosses so many strokes.
_GAP, _STROKES_CUT = 0.12, 3.0
# Pieces with so much of the narrower one's width in common lie over one another and are one.
_OVER = 0.7
# Of a digit height: the width above which and the height below which a candidate is penalised.
_USUAL_WIDTH, _USUAL_HEIGHT = 0.8, 0.7
# A probability counts as so much at least: one that is nearly 0 does not outweigh all others.
_DOUBT = 1e-3

# Weights of compute_features: of several fits that benchmarks/reading_weights.py makes, those that read most of other
# drawn numbers exactly; the weight of a cut is larger, so that digits that do not touch are not read worse for it.
_WEIGHTS = (3.2, 0.0, 1.1, -1.5, -2.1, -1.8, -0.8, -7.2, -10.0)
_WEIGHTS_WITH_SINGLES = (2.6, 3.1, 0.6, -1.5, -1.5, -1.5, -0.5, -5.3, -10.0)

# Pixels a crop has at least, so that all crops go through the same steps of the transform; set by eye.
_CROP = 41
# Candidates normalised at once: few enough for a processor's cache.
_CHUNK = 32


@attrs.frozen(kw_only=True, eq=False)
class Candidate:
    """Ink that may be one digit."""

    piece: Piece
    first: int  # it holds the line's parts from this one on,
    end: int  # up to but not including this one
    is_cut: bool  # at its left or right
    # The cuts at its left and right, and the strokes that they cross, each counted half; the pieces joined, less one,
    # and the blank columns between them; how much too wide and too low it is. Lengths are in digit heights.
    traits: tuple[float, float, float, float, float, float]


def find_candidates(line: Line) -> list[Candidate]:
    """Return all candidates on a line: parts of pieces, whole ones, and neighbours together."""
    found = [part for piece in _merged(line) for part in _parts(piece, line.height)]
    parts, inks = [part for part, _ in found], [*(ink for _, ink in found), None]
    candidates = []
    for first in range(len(parts)):
        gap, n_gaps = 0.0, 0
        for end in range(first + 1, len(parts) + 1):
            if end > first + 1 and inks[end - 1] is None:
                space = (parts[end - 1].left - max(part.right for part in parts[first : end - 1])) / line.height
                if space > _GAP:
                    break
                gap, n_gaps = gap + max(0.0, space), n_gaps + 1
            piece = join(parts[first:end])
            width = piece.width / line.height
            # Parts alone are kept however wide they are, so that there always is a way through the line.
            if width > _WIDEST and end > first + 1:
                break
            ends = [ink for ink in (inks[first], inks[end]) if ink is not None]
            unusual = max(width - _USUAL_WIDTH, 0), max(_USUAL_HEIGHT - piece.height / line.height, 0)
            traits = (len(ends) / 2, sum(ends) / 2, n_gaps, gap, *unusual)
            spend(CANDIDATES, 1)
            spend(CELLS, piece.height * piece.width)
            candidates.append(Candidate(piece=piece, first=first, end=end, is_cut=bool(ends), traits=traits))
    return candidates


def _merged(line: Line) -> list[Piece]:
    """Join pieces of which one lies wholly over or under another."""
    groups: list[list[Piece]] = []
    sides: list[tuple[int, int]] = []  # left and right of each group
    for piece in sorted(line.pieces, key=lambda piece: piece.centre[1]):
        group, left, right = [piece], piece.left, piece.right
        while groups:
            shared = min(sides[-1][1], right) - max(sides[-1][0], left)
            if shared / min(sides[-1][1] - sides[-1][0], right - left) < _OVER:
                break
            before, (first, end) = groups.pop(), sides.pop()
            before.extend(group)
            group, left, right = before, min(first, left), max(end, right)
        groups.append(group)
        sides.append((left, right))
    return [join(group) for group in groups]


def _parts(piece: Piece, height: float) -> list[tuple[Piece, float | None]]:
    """Cut a piece wherever two digits may touch; with each part the strokes cut to its left, None for the first."""
    if piece.width <= _SINGLE * height:
        return [(piece, None)]
    stroke = max(1.0, piece.stroke)
    cuts = find_cuts(piece, distance=_CUT_DISTANCE * height, most_ink=_STROKES_CUT * stroke)
    parts, kept = divide(
        piece,
        sorted(cuts, key=lambda cut: cut.ink),
        narrowest=_NARROWEST * height,
        lowest=_LOWEST * height,
        least=stroke**2,
    )
    return list(zip(parts, [None, *(cut.ink / stroke for cut in kept)], strict=True))


def normalize(pieces: Sequence[Piece], page: Page) -> Array:
    """Return each piece normalised as MNIST's digits are: uint8 (n, 28, 28)."""
    parts = (pieces[start : start + _CHUNK] for start in range(0, len(pieces), _CHUNK))
    return np.concatenate([_normalize(part, page) for part in parts])


def _normalize(pieces: Sequence[Piece], page: Page) -> Array:
    checkpoint()
    canvas = np.concatenate([cut_out(_crop(piece, page)) for piece in pieces])
    return centre(fit_box(even_stroke(canvas)))


def _crop(piece: Piece, page: Page) -> Array:
    """Return the ink of one piece alone, with its edges: uint8 (1, height, width), ink 255."""
    top, left = max(0, piece.top - 1), max(0, piece.left - 1)
    ink = page.ink[top : piece.bottom + 1, left : piece.right + 1]
    mask = np.zeros(ink.shape, bool)
    mask[piece.top - top :, piece.left - left :][: piece.height, : piece.width] = piece.mask
    digit = even_ink(ink[np.newaxis], mask[np.newaxis], page.contrast)
    room = [max(0, _CROP - length) for length in ink.shape]
    return np.pad(digit, ((0, 0), (0, room[0]), (0, room[1])))


def compute_features(candidates: Sequence[Candidate], probabilities: Array, singles: Array | None = None) -> Array:
    """Return the features of a line's candidates: float64 (n, n_features).

    `probabilities` of the labels are of shape (n, n_classes); `singles`, of shape (n,), are the probabilities that a
    candidate is one digit, by default 1.
    """
    sure = np.ones(len(candidates)) if singles is None else singles
    return np.column_stack(
        [
            np.log(np.maximum(probabilities.max(axis=1), _DOUBT)),
            np.log(np.maximum(sure, _DOUBT)),
            np.ones(len(candidates)),
            np.array([candidate.traits for candidate in candidates], float),
        ]
    )


def score(candidates: Sequence[Candidate], probabilities: Array, singles: Array | None = None) -> Array:
    """Return the score of each candidate as a part of the best path: float64 (n,)."""
    weights = _WEIGHTS if singles is None else _WEIGHTS_WITH_SINGLES
    return np.asarray(compute_features(candidates, probabilities, singles) @ np.array(weights))


def best_path(candidates: Sequence[Candidate], scores: Array) -> list[int]:
    """Return the candidates that together hold all parts of a line once and have the largest sum of scores."""
    n_parts = max(candidate.end for candidate in candidates)
    best, choice = np.full(n_parts + 1, -np.inf), np.full(n_parts + 1, -1)
    best[0] = 0
    for index, candidate in sorted(enumerate(candidates), key=lambda entry: entry[1].end):
        total = best[candidate.first] + scores[index]
        if total > best[candidate.end]:
            best[candidate.end], choice[candidate.end] = total, index
    path: list[int] = []
    end = n_parts
    while end:
        path.append(int(choice[end]))
        end = candidates[path[-1]].first
    return path[::-1]


def compute_posteriors(candidates: Sequence[Candidate], scores: Array) -> Array:
    """Return how probable each candidate is as a part of the right path: float64 (n,).

    All paths count, each by the exponential of its score, as in a conditional random field.
    """
    first = np.array([candidate.first for candidate in candidates])
    end = np.array([candidate.end for candidate in candidates])
    before, after = np.full((2, int(end.max()) + 1), -np.inf)
    before[0] = after[-1] = 0
    for part in range(1, len(before)):
        ending = end == part
        before[part] = np.logaddexp.reduce(before[first[ending]] + scores[ending])
    for part in range(len(after) - 2, -1, -1):
        beginning = first == part
        after[part] = np.logaddexp.reduce(after[end[beginning]] + scores[beginning])
    return np.asarray(np.exp(before[first] + scores + after[end] - before[-1]))
