"""The ink of an image, at a size at which digits have enough pixels and no more.

In: an image, uint8 (height, width[, 3]). Out: a :class:`Page`.
Next: :mod:`lenetkit.reading._text_lines`.
"""

import itertools

import attrs
import numpy as np
from PIL import Image

from lenetkit._ink import (
    Contrast,
    dark_enough,
    dark_on_light,
    ink_map,
    slope,
    to_grey,
    without_rulings,
)
from lenetkit._utils.budget import spend
from lenetkit.reading._frames import Cell, without_frames
from lenetkit.reading._price import PAGE
from lenetkit.reading._rules import with_lost_strokes, without_rules
from lenetkit.reading._segmentation import Array, Piece, find_pieces, is_blot, middle_height

__all__ = ["Page", "find_page"]

# Set by eye on drawn pages, scans and phone photos, and guarded by tests/reading, which has a picture for each kind of
# paper, polarity, size and for pages without a number; benchmarks/whole_numbers.py shows the effect of a change.
# The longer side of the page in the first pass, and the largest page, in pixels.
_FIRST_SIDE, _MOST_PIXELS = 1024, 4_000_000
# Digits are enlarged to this height in pixels if they are lower than the second, at most so many times, and only if
# that enlarges the page by the last factor.
_HEIGHT, _LOWEST, _ENLARGED, _WORTH = 48, 30, 4, 1.2
# Fraction of ink: with more, a page is not writing; with more than the second, the other polarity is tried as well.
_MOST_INK, _MUCH_INK = 0.4, 0.2
# From this level between paper and ink, and so many standard deviations of the noise above paper, ink is sure; a piece
# of writing is sure on so much of it, and so steep beside the clearest piece and beside the ink's whole span.
_SURE, _SURE_NOISES, _SURE_FRACTION, _SOFT = 0.5, 3.5, 0.3, 0.4
# Smallest piece, and smallest digit on the image and on the page, in pixels.
_SMALLEST, _SMALLEST_DIGIT = 3, 8
# Ink stands out by so many standard deviations of the noise; a page with fewer pixels on a side shows no digit.
_NOISES, _NARROWEST = 10, 4
# A rule's width by its height. The fraction of the page's side that an edge of the paper touches.
_RULE, _EDGE = 8, 0.5


@attrs.frozen(kw_only=True, eq=False)
class Page:
    """The ink of an image."""

    ink: Array  # uint8 (height, width), the ink map: 0 is paper
    pieces: tuple[Piece, ...]  # connected pieces of possible ink
    contrast: Contrast  # levels of the ink map
    scale: float  # pixels of the page per pixel of the image
    set_aside: tuple[Piece, ...]  # those that are too dark within or too pale to be writing
    cells: tuple[Cell, ...]  # the boxes of frames that something is written into
    digit_height: float  # typical, in pixels of the page; 0 where there is no ink
    covered: float  # fraction of the page that is ink


def find_page(picture: Array) -> Page:
    """Return the ink of an image, uint8 (height, width[, 3])."""
    page = _page(picture, min(1.0, _FIRST_SIDE / max(picture.shape[:2])))
    if 0 < page.digit_height < _LOWEST:
        most = np.sqrt(_MOST_PIXELS / (picture.shape[0] * picture.shape[1]))
        scale = min(page.scale * _HEIGHT / page.digit_height, most, _ENLARGED)
        if scale > _WORTH * page.scale:
            spend(PAGE, round(picture.shape[0] * picture.shape[1] * scale**2))
            return _page(picture, scale)
    return page


def _page(picture: Array, scale: float) -> Page:
    grey = dark_on_light(to_grey(_resized(picture, scale)[np.newaxis]))
    page = _dark_page(grey, scale)
    if page.pieces and page.covered <= _MUCH_INK:
        return page
    # A frame close to the writing, or a shadow on a wide image, may look like ink on dark paper.
    # Strokes have more outline than the paper between them.
    return max(
        page,
        _dark_page(255 - grey, scale),
        key=lambda page: page.covered <= _MOST_INK and sum(np.count_nonzero(piece.outline) for piece in page.pieces),
    )


def _dark_page(grey: Array, scale: float) -> Page:
    ink, contrast = ink_map(grey)
    readable = min(grey.shape[1:]) >= _NARROWEST and contrast.span[0] >= _NOISES * contrast.noise[0]
    found = dark_enough(ink, contrast)[0] if readable else np.zeros(grey.shape[1:], bool)
    mask, cells = without_frames(found)
    lines = found & ~mask
    mask = without_rulings(mask[np.newaxis])[0]
    pieces, set_aside = _writing(mask, ink, contrast)
    if pieces:
        height = middle_height(pieces)
        mask = with_lost_strokes(without_rules(mask, height), ink[0], contrast, height) & ~lines
        pieces, set_aside = _writing(mask, ink, contrast)
    height = middle_height(pieces) if pieces else 0.0
    if height < _SMALLEST_DIGIT * max(1.0, scale):
        pieces, set_aside, height = [], [], 0.0
    return Page(
        ink=ink[0],
        pieces=tuple(pieces),
        set_aside=tuple(set_aside),
        cells=tuple(cells),
        contrast=contrast,
        scale=scale,
        digit_height=height,
        covered=float(mask.mean()),
    )


def _resized(picture: Array, scale: float) -> Array:
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize((width, height), method))


def _writing(mask: Array, ink: Array, contrast: Contrast) -> tuple[list[Piece], list[Piece]]:
    """Return the pieces that may be handwriting, and those that are blots or pale; no rules and edges of the paper."""
    steep = np.sqrt(slope(ink)[0]) / 2
    dark = ink[0] > contrast.level(_SURE, _SURE_NOISES)[0]
    pieces = [
        piece
        for piece in find_pieces(mask, smallest=_SMALLEST)
        if not (piece.width > _RULE * piece.height or _is_edge(piece, mask.shape))
        and piece.of(dark)[piece.mask].mean() >= _SURE_FRACTION
    ]
    blots = np.array([is_blot(piece.of(ink[0]), piece.mask) for piece in pieces], bool)
    steepness = np.array([piece.of(steep)[piece.outline].mean() for piece in pieces])
    strokes = np.array([piece.stroke for piece in pieces])
    weights = np.array([piece.area for piece in pieces]) * steepness**2
    clearest = steepness[np.argmax(np.where(blots, 0.0, weights))] if pieces else 0.0
    # The paper's level must be reached within a stroke's width, or so: noise on a shadow does not.
    clear = (steepness >= _SOFT * clearest) & (steepness * strokes >= _SOFT * contrast.span[0]) & ~blots
    kept = list(itertools.compress(pieces, clear))
    return kept, list(itertools.compress(pieces, ~clear))


def _is_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Return True where a piece lies along most of a side of the page."""
    sides = (
        (piece.top == 0, piece.mask[0], shape[1]),
        (piece.bottom == shape[0], piece.mask[-1], shape[1]),
        (piece.left == 0, piece.mask[:, 0], shape[0]),
        (piece.right == shape[1], piece.mask[:, -1], shape[0]),
    )
    return any(touches and np.count_nonzero(contact) > _EDGE * length for touches, contact, length in sides)
