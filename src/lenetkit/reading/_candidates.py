"""The ways in which the ink of a line can be digits, and the best of them.

In: a line. Out: the pieces that are one digit each, with their probabilities.
Next: :mod:`lenetkit.reading._reading`.
"""

from collections.abc import Sequence

import attrs
import numpy as np

from lenetkit._ink import centre, cut_out, even_ink, even_stroke, fit_box
from lenetkit.reading._page import Page
from lenetkit.reading._segmentation import Array, Cut, Piece, cut_apart, find_cuts, join
from lenetkit.reading._text_lines import Line

__all__ = ["Candidate", "best_path", "features_of", "find_candidates", "normalize", "score"]

# In digit heights: wider pieces may be several digits; candidates; cuts; gaps within a digit.
_SINGLE = 0.5
_NARROWEST, _WIDEST, _LOWEST = 0.06, 1.5, 0.4
_CUT_DISTANCE = 0.1
_GAP = 0.12

# A cut may cross so many strokes.
_STROKES_CUT = 3.0

# A probability counts as so much at least.
_DOUBT = 1e-3

# How much each of features_of counts: of several fits as benchmarks/reading_weights.py makes them, those that read most
# of other drawn numbers exactly; a cut counts so much more that what does not touch is not read worse for it.
_WEIGHTS = (3.2, 0.0, 1.1, -1.5, -2.1, -1.8, -0.8, -7.2, -10.0)
_WEIGHTS_WITH_SINGLES = (2.6, 3.1, 0.6, -1.5, -1.5, -1.5, -0.5, -5.3, -10.0)

# Pixels a crop has at least, so that all crops go through the same steps of the transform.
_CROP = 41


@attrs.frozen(kw_only=True, eq=False)
class Candidate:
    """What may be one digit.

    Parameters
    ----------
    piece : Piece
        Its ink.
    first, end : int
        Which of the line's parts it holds.
    width, height : float
        In digit heights.
    ink_cut : float
        Strokes crossed by the cuts at its left and right, each counted half.
    n_cuts : float
        How many cuts there are at its left and right, each counted half.
    gap : float
        Blank columns inside, in digit heights.
    n_gaps : int
        Pieces joined, less one.
    """

    piece: Piece
    first: int
    end: int
    width: float
    height: float
    ink_cut: float
    n_cuts: float
    gap: float
    n_gaps: int


@attrs.frozen(kw_only=True, eq=False)
class _Part:
    """A piece of ink that is never cut; `ink` tells how many strokes were cut to its left, None for a gap."""

    piece: Piece
    ink: float | None


def find_candidates(line: Line) -> list[Candidate]:
    """Return everything on a line that may be one digit: parts of pieces, whole ones, and neighbours together."""
    parts = [part for piece in _merged(line) for part in _parts(piece, line.height)]
    inks = [part.ink for part in parts] + [None]
    candidates = []
    for first in range(len(parts)):
        gap, n_gaps = 0.0, 0
        for end in range(first + 1, len(parts) + 1):
            if end > first + 1 and inks[end - 1] is None:
                space = (parts[end - 1].piece.left - max(p.piece.right for p in parts[first : end - 1])) / line.height
                if space > _GAP:
                    break
                gap, n_gaps = gap + max(0.0, space), n_gaps + 1
            piece = join([part.piece for part in parts[first:end]])
            width = piece.width / line.height
            # Parts alone are kept however wide they are, so that there always is a way through the line.
            if width > _WIDEST and end > first + 1:
                break
            ends = [ink for ink in (inks[first], inks[end]) if ink is not None]
            candidates.append(
                Candidate(
                    piece=piece,
                    first=first,
                    end=end,
                    width=width,
                    height=piece.height / line.height,
                    ink_cut=sum(ends) / 2,
                    n_cuts=len(ends) / 2,
                    gap=gap,
                    n_gaps=n_gaps,
                )
            )
    return candidates


def _merged(line: Line) -> list[Piece]:
    """Join pieces of which one lies wholly over or under another."""
    pieces: list[Piece] = []
    for piece in sorted(line.pieces, key=lambda piece: piece.centre[1]):
        while pieces and _shared_width(pieces[-1], piece) >= 0.7:
            piece = join([pieces.pop(), piece])
        pieces.append(piece)
    return pieces


def _shared_width(one: Piece, other: Piece) -> float:
    return (min(one.right, other.right) - max(one.left, other.left)) / min(one.width, other.width)


def _parts(piece: Piece, height: float) -> list[_Part]:
    """Cut a piece wherever two digits may touch."""
    if piece.width <= _SINGLE * height:
        return [_Part(piece=piece, ink=None)]
    stroke = max(1.0, piece.stroke)
    kept: list[Cut] = []
    parts = [piece]
    cuts = find_cuts(piece, distance=_CUT_DISTANCE * height, most_ink=_STROKES_CUT * stroke)
    for cut in sorted(cuts, key=lambda cut: cut.ink):
        sides = cut_apart(piece, [cut])
        if len(sides) < 2 or not all(_may_be_digit(side, height) for side in sides):
            continue
        trial = sorted([*kept, cut], key=lambda cut: float(cut.columns.mean()))
        found = cut_apart(piece, trial)
        if len(found) == len(trial) + 1 and all(part.area >= stroke**2 for part in found):
            kept, parts = trial, found
    inks = [None, *(cut.ink / stroke for cut in kept)]
    return [_Part(piece=part, ink=ink) for part, ink in zip(parts, inks, strict=True)]


def _may_be_digit(piece: Piece, height: float) -> bool:
    return piece.width >= _NARROWEST * height and piece.height >= _LOWEST * height


def normalize(candidates: Sequence[Candidate], page: Page) -> Array:
    """Return what MNIST would have made of each candidate: uint8 (n, 28, 28)."""
    canvas = np.concatenate([cut_out(_crop(candidate.piece, page)) for candidate in candidates])
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


def features_of(candidates: Sequence[Candidate], probabilities: Array, singles: Array | None = None) -> Array:
    """Return what speaks for and against each candidate: float64 (n, n_features).

    Parameters
    ----------
    candidates : sequence of Candidate
        Of one line.
    probabilities : ndarray of shape (n, n_classes)
        Of the labels.
    singles : ndarray of shape (n,), optional
        How probable it is that a candidate is one digit; taken for certain where nothing tells.
    """
    width, height, ink, cuts, gap, gaps = (
        np.array([getattr(candidate, name) for candidate in candidates], float)
        for name in ("width", "height", "ink_cut", "n_cuts", "gap", "n_gaps")
    )
    sure = np.ones(len(candidates)) if singles is None else singles
    return np.stack(
        [
            np.log(np.maximum(probabilities.max(axis=1), _DOUBT)),
            np.log(np.maximum(sure, _DOUBT)),
            np.ones(len(candidates)),
            cuts,
            ink,
            gaps,
            gap,
            np.maximum(width - 0.8, 0),
            np.maximum(0.7 - height, 0),
        ],
        axis=1,
    )


def score(candidates: Sequence[Candidate], probabilities: Array, singles: Array | None = None) -> Array:
    """Return how good each candidate is as a part of the best path: float64 (n,)."""
    weights = _WEIGHTS if singles is None else _WEIGHTS_WITH_SINGLES
    return np.asarray(features_of(candidates, probabilities, singles) @ np.array(weights))


def best_path(candidates: Sequence[Candidate], scores: Array) -> list[int]:
    """Return the candidates that together hold all parts of a line once and have the largest sum of scores."""
    n_parts = max(candidate.end for candidate in candidates)
    best, choice = np.full(n_parts + 1, -np.inf), np.full(n_parts + 1, -1)
    best[0] = 0
    for index in sorted(range(len(candidates)), key=lambda index: candidates[index].end):
        candidate = candidates[index]
        total = best[candidate.first] + scores[index]
        if total > best[candidate.end]:
            best[candidate.end], choice[candidate.end] = total, index
    path: list[int] = []
    place = n_parts
    while place:
        path.append(int(choice[place]))
        place = candidates[path[-1]].first
    return path[::-1]
