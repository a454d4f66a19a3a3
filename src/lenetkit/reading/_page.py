"""From a picture to its ink, at a size at which digits have enough pixels and no more.

In: a picture, uint8 (height, width[, 3]). Out: a :class:`Page`.
Next: :mod:`lenetkit.reading._text_lines`.
"""

import attrs
import numpy as np
from PIL import Image

from lenetkit._ink import Contrast, dark_on_light, ink_map, measure_contrast, possible_ink, slope, to_grey
from lenetkit.reading._rules import with_lost_strokes, without_rules
from lenetkit.reading._segmentation import Array, Piece, find_pieces, middle_height

__all__ = ["Page", "find_page"]

# The longer side of the page that is looked at first, and how large a page may become, in pixels.
_FIRST_SIDE, _MOST_PIXELS = 1024, 4_000_000

# Digits are wanted so high, in pixels; lower than the second is too low.
_HEIGHT, _LOWEST = 48, 30

# A picture is enlarged so many times at most.
_ENLARGED = 4

# More of a page is not ink, or seldom. A piece of ink is dark on so much of it, and its outline at least so sharp
# beside the clearest one's.
_MOST_INK, _MUCH_INK = 0.4, 0.2
_SURE, _SURE_SHARE, _SOFT = 0.5, 0.3, 0.4
_SMALLEST = 3

# So many pixels of the picture, and of the page, a digit is high at least.
_SMALLEST_DIGIT = 8

# Ink stands out by so many deviations of the noise.
_NOISES = 10

# No digit can be told on a page with fewer pixels.
_NARROWEST = 4


@attrs.frozen(kw_only=True, eq=False)
class Page:
    """The ink of a picture.

    Parameters
    ----------
    ink : ndarray of shape (height, width)
        uint8, the ink map: 0 is paper.
    pieces : tuple of Piece
        Connected pieces of what may be ink.
    contrast : Contrast
        Levels of the ink map.
    scale : float
        Pixels of the page per pixel of the picture.
    digit_height : float
        About how high digits are, in pixels of the page; 0 where there is no ink.
    share : float
        Of the page that is ink.
    """

    ink: Array
    pieces: tuple[Piece, ...]
    contrast: Contrast
    scale: float
    digit_height: float
    share: float


def find_page(picture: Array) -> Page:
    """Return the ink of a picture, uint8 (height, width[, 3])."""
    size = max(picture.shape[:2])
    page = _page(picture, min(1.0, _FIRST_SIDE / size))
    if 0 < page.digit_height < _LOWEST:
        most = np.sqrt(_MOST_PIXELS / (picture.shape[0] * picture.shape[1]))
        scale = min(page.scale * _HEIGHT / page.digit_height, most, _ENLARGED)
        if scale > 1.2 * page.scale:
            return _page(picture, scale)
    return page


def _page(picture: Array, scale: float) -> Page:
    grey = dark_on_light(to_grey(_resized(picture, scale)[np.newaxis]))
    page = _dark_page(grey, scale)
    if page.pieces and page.share <= _MUCH_INK:
        return page
    # A frame close to the writing, or a shadow on a wide picture, may be taken for ink on dark paper.
    return max(page, _dark_page(255 - grey, scale), key=_strokes)


def _strokes(page: Page) -> int:
    """Return how much outline the writing has: strokes have more than what lies between them."""
    return sum(int(np.count_nonzero(piece.outline)) for piece in page.pieces) if page.share <= _MOST_INK else 0


def _dark_page(grey: Array, scale: float) -> Page:
    ink = ink_map(grey)
    contrast = measure_contrast(ink)
    readable = min(grey.shape[1:]) >= _NARROWEST and contrast.span[0] >= _NOISES * contrast.noise[0]
    mask = possible_ink(ink, contrast)[0] if readable else np.zeros(grey.shape[1:], bool)
    pieces = _writing(mask, ink, contrast)
    if pieces:
        height = middle_height(pieces)
        mask = with_lost_strokes(without_rules(mask, height), ink[0], contrast, height)
        pieces = _writing(mask, ink, contrast)
    height = middle_height(pieces) if pieces else 0.0
    if height < _SMALLEST_DIGIT * max(1.0, scale):
        pieces, height = [], 0.0
    return Page(
        ink=ink[0],
        pieces=tuple(pieces),
        contrast=contrast,
        scale=scale,
        digit_height=height,
        share=float(mask.mean()),
    )


def _resized(picture: Array, scale: float) -> Array:
    if scale == 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize((width, height), method))


def _writing(mask: Array, ink: Array, contrast: Contrast) -> list[Piece]:
    """Return the pieces that may be handwriting: no blots, level rules, edges of the paper, and no shadows."""
    steep = np.sqrt(slope(ink)[0]) / 2
    dark = ink[0] > contrast.level(_SURE, 3.5)[0]
    pieces = [
        piece
        for piece in find_pieces(mask, smallest=_SMALLEST)
        if not (_is_blot(piece) or _is_rule(piece) or _is_edge(piece, mask.shape))
        and piece.of(dark)[piece.mask].mean() >= _SURE_SHARE
    ]
    steepness = np.array([piece.of(steep)[piece.outline].mean() for piece in pieces])
    areas = np.array([piece.area for piece in pieces])
    strokes = np.array([piece.stroke for piece in pieces])
    clearest = steepness[(areas * steepness**2).argmax()] if pieces else 0.0
    # The paper's level must be reached within a stroke's width, or so: noise on a shadow does not.
    clear = (steepness >= _SOFT * clearest) & (steepness * strokes >= _SOFT * contrast.span[0])
    return [piece for piece, kept in zip(pieces, clear, strict=True) if kept]


def _is_blot(piece: Piece) -> bool:
    """Tell whether a piece fills its box as a disc does."""
    longer, shorter = max(piece.height, piece.width), min(piece.height, piece.width)
    return shorter > 0.55 * longer and piece.area > 0.7 * piece.height * piece.width


def _is_rule(piece: Piece) -> bool:
    """Tell whether a piece is a level line."""
    return piece.width > 8 * piece.height


def _is_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    """Tell whether a piece lies along most of a side of the page."""
    sides = (
        (piece.top == 0, piece.mask[0], shape[1]),
        (piece.bottom == shape[0], piece.mask[-1], shape[1]),
        (piece.left == 0, piece.mask[:, 0], shape[0]),
        (piece.right == shape[1], piece.mask[:, -1], shape[0]),
    )
    return any(touches and np.count_nonzero(contact) > 0.5 * length for touches, contact, length in sides)
