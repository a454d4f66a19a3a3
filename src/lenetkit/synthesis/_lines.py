"""Lines of writing as a line reader meets them: numbers and signs on all sorts of paper, with their texts and boxes.

In: settings, a seed, and images of digits if there are some. Out: :class:`DrawnLine`. Next: the training of what reads
lines.
"""

from collections.abc import Iterator

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit._utils.validation import check_seed, check_whole
from lenetkit.exceptions import SettingError
from lenetkit.synthesis._digit_source import Digits, DigitSource, DigitSources
from lenetkit.synthesis._line_camera import photograph, resized
from lenetkit.synthesis._line_foreign import write_foreign
from lenetkit.synthesis._line_hand import LineHand
from lenetkit.synthesis._line_marks import Place, cross, draw_neighbours, print_word, underline
from lenetkit.synthesis._line_paper import add_borders, cloud, draw_pattern, draw_rules, shade_paper
from lenetkit.synthesis._line_settings import LineSettings
from lenetkit.synthesis._line_texts import FRAMES, SEPARATORS, beside, random_text, tidied
from lenetkit.synthesis._line_writing import Writing, write_line

__all__ = ["DrawnLine", "draw_line", "draw_lines"]

_MOST_CHARACTERS, _MOST_LINES = 60, 2**31 - 1

# All set by eye. Width of paper without writing in digit heights; columns per row of a picture at least; how much
# darker than the pattern below it ink is at least, and what part of its contrast a pattern has at most; unevenness of
# ink: how often, how strong at most, spots in pixels, what is left at least.
_EMPTY_WIDTH, _NARROWEST, _DARKER, _FAINTER, _UNEVEN, _FADING = (1.0, 6.0), 0.4, 0.15, 0.5, 0.5, 0.3
_SPOTS, _FADED = (1.2, 12.0), 0.55
# Paper around separators, in digit heights; fraction of the contrast of a stroke through the writing.
_CLEAR, _CROSSING = 0.07, (0.3, 0.9)
# Width of a scanner's border in digit heights, and how often it is on each side: top, bottom, left, right.
_BORDER, _BORDER_SIDES = (0.1, 1.0), (0.25, 0.25, 0.6, 0.4)


@attrs.frozen(kw_only=True, eq=False)
class DrawnLine:
    """A line of writing and what stands in it; made by :func:`draw_line` and :func:`draw_lines`.

    Parameters
    ----------
    image : ndarray of shape (height, width)
        uint8, dark on light.
    raw : str
        The characters that stand there: digits, ``.``, ``,``, ``-``, ``/``, ``:`` and one space for each gap; empty
        where there is nothing to read.
    text : str
        Its digits alone.
    boxes : ndarray of shape (len(text), 4)
        int64, one row (left, top, right, bottom) in pixels for each digit in reading order; right and bottom are just
        outside, as Pillow has it. Boxes of digits that overlap overlap.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_line
    >>> line = draw_line("12.50", seed=1)
    >>> line.raw, line.text, line.boxes.shape
    ('12.50', '1250', (4, 4))
    """

    image: npt.NDArray[np.uint8]
    raw: str
    text: str
    boxes: npt.NDArray[np.int64]


def draw_line(
    text: str | None = None,
    *,
    digits: Digits | None = None,
    settings: LineSettings | None = None,
    seed: int = 0,
    index: int = 0,
) -> DrawnLine:
    """Draw one line of writing as a scanner or a camera sees it.

    Parameters
    ----------
    text : str, optional
        Digits, ``.``, ``,``, ``-``, ``/``, ``:`` and spaces, at most 60 characters; ``""`` for paper without a number.
        By default a number, an amount, a date, a time, a fraction or a code is drawn.
    digits : Dataset or list of Dataset or (Dataset, float), optional
        Images of all ten digits in grey, bright on black, such as MNIST's training images: a part of the lines is
        composed of them. Of several data sets each line uses one, chosen equally often or by the weight beside it. By
        default the pen draws all digits.
    settings : LineSettings, optional
        Variety of the lines.
    seed : int, default 0
        Decides everything, together with `index`.
    index : int, default 0
        Which of the lines of this seed; :func:`draw_lines` draws the same ones.

    Returns
    -------
    DrawnLine
        With ``image``, ``raw``, ``text`` and ``boxes``.

    Raises
    ------
    SettingError
        If the text has other characters, no digit or too many, or a number or a weight is out of its range.
    DataError
        If `digits` has no data set, or one that is not of grey images of all ten digits.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_line
    >>> line = draw_line("27/11/2026", seed=3)
    >>> line.text
    '27112026'
    >>> line.image.shape[0], line.image.dtype
    (40, dtype('uint8'))
    """
    check_whole("index", index, 0, _MOST_LINES)
    return _Composer(text=_checked(text), digits=digits, settings=settings, seed=seed).compose(index)


def draw_lines(
    n: int,
    *,
    digits: Digits | None = None,
    settings: LineSettings | None = None,
    seed: int = 0,
    start: int = 0,
) -> Iterator[DrawnLine]:
    """Draw many lines of writing, one after the other.

    Parameters
    ----------
    n : int
        How many.
    digits, settings, seed
        As for :func:`draw_line`.
    start : int, default 0
        Index of the first line. Line i is the same however many are drawn and wherever they start, so several
        processes can share the work, and an interrupted training goes on where it was.

    Returns
    -------
    iterator of DrawnLine
        The lines `start` to `start` + `n` - 1.

    Raises
    ------
    SettingError
        If a number or a weight is out of its range.
    DataError
        If `digits` has no data set, or one that is not of grey images of all ten digits.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_lines
    >>> lines = list(draw_lines(4, seed=2))
    >>> [line.image.shape[0] for line in lines]
    [40, 40, 40, 40]
    >>> next(draw_lines(1, seed=2, start=3)).raw == lines[3].raw
    True

    Half of them composed of images of digits, here drawn ones:

    >>> from lenetkit.synthesis import draw_digits
    >>> composed = list(draw_lines(4, digits=draw_digits(500), seed=2))
    >>> all(len(line.boxes) == len(line.text) for line in composed)
    True

    Several data sets, the first of them as often as the two others together:

    >>> hands = [draw_digits(100, styles=style) for style in ("american", "continental", "school")]
    >>> mixed = draw_lines(4, digits=[(hands[0], 2), *hands[1:]], seed=2)
    >>> [line.image.shape[0] for line in mixed]
    [40, 40, 40, 40]
    """
    check_whole("n", n, 0, _MOST_LINES)
    check_whole("start", start, 0, _MOST_LINES - n)
    composer = _Composer(text=None, digits=digits, settings=settings, seed=seed)
    return (composer.compose(index) for index in range(start, start + n))


def _checked(text: str | None) -> str | None:
    if text is None:
        return None
    known = isinstance(text, str) and set(text) <= set("0123456789 " + SEPARATORS)
    if not known or (text.strip() and not any(map(str.isdigit, text))):
        raise SettingError(
            f"text must be digits, {' '.join(SEPARATORS)} and spaces, with at least one digit, or empty; got {text!r}."
        )
    if len(text) > _MOST_CHARACTERS:
        raise SettingError(f"text must have at most {_MOST_CHARACTERS} characters; got {len(text)}.")
    return tidied(text)


class _Composer:
    """Settings and sources of all lines of one call."""

    def __init__(self, *, text: str | None, digits: Digits | None, settings: LineSettings | None, seed: int) -> None:
        check_seed(seed)
        if not isinstance(settings, LineSettings | None):
            raise SettingError(f"settings must be LineSettings; got {type(settings).__name__}.")
        self._text = text
        self._settings = LineSettings() if settings is None else settings
        self._sources = None if digits is None else DigitSources(digits)
        self._seed = int(seed)

    def compose(self, index: int) -> DrawnLine:
        """Draw one line: its text, its writing, its paper, its picture, each from random numbers of its own."""
        index = int(index)
        settings = self._settings
        rng = self._generator("line", index)
        hand = LineHand.drawn(settings, rng)
        text = self._drawn_text(rng, hand)
        source = self._source(index) if rng.random() >= settings.drawn else None
        hand = attrs.evolve(hand, boxed=hand.boxed and text.isdigit())
        if text:
            writing = write_line(text, hand, settings, source, self._seed, index)
        else:
            foreign = self._generator("line foreign", index)
            if self._text is None and foreign.random() < settings.foreign:
                ink = write_foreign(hand, foreign)
            else:
                ink = np.zeros((round(hand.size), round(hand.size * rng.uniform(*_EMPTY_WIDTH))), np.float32)
            nothing = np.zeros((0, 4), np.int64)
            writing = Writing(ink=ink, boxes=nothing, baseline=len(ink), cells=np.empty(0))
        levels, paper, place = self._on_paper(writing, hand, self._generator("line paper", index))
        picture = photograph(levels, paper, hand.size, settings, self._generator("line camera", index))
        boxes = writing.boxes + np.tile((place.left, place.top), 2)
        if settings.height is not None:
            picture = resized(picture, settings.height)
            boxes = _scaled(boxes, place.shape, picture.shape)
        boxes = np.clip(boxes, 0, np.tile(picture.shape[::-1], 2))
        raw = tidied(text)
        return DrawnLine(image=np.array(picture), raw=raw, text="".join(filter(str.isdigit, raw)), boxes=boxes)

    def _source(self, index: int) -> DigitSource | None:
        """Return the data set of which a line is composed."""
        if self._sources is None:
            return None
        return self._sources.choose(self._generator("line source", index).random() if self._sources.several else 0.0)

    def _generator(self, purpose: str, index: int) -> np.random.Generator:
        return RandomStreams(purpose, self._seed, index, n=1).generator()

    def _drawn_text(self, rng: np.random.Generator, hand: LineHand) -> str:
        """Return what is written, with what frames an amount."""
        settings = self._settings
        empty, starred = rng.random(2) < (settings.empty, settings.starred)
        if self._text is not None:
            text = self._text
        else:
            text = "" if empty else random_text(rng, settings.n_digits, 0.0 if hand.boxed else settings.signs)
        if text and not hand.boxed:
            if starred:
                before, behind = FRAMES[int(rng.integers(len(FRAMES)))]
            else:
                before, behind = beside(rng) if rng.random() < settings.lettered else ("", "")
            return before + text + behind
        return text

    def _on_paper(
        self, writing: Writing, hand: LineHand, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float32], float, Place]:
        """Return levels of light, the level of the paper, and where the writing lies."""
        settings = self._settings
        borders = (rng.random(4) < _BORDER_SIDES) * rng.uniform(*_BORDER, 4) * (rng.random() < settings.bordered)
        borders = np.rint(borders * hand.size)
        word = print_word(hand.size, rng) if rng.random() < settings.printed else None
        place = _placed(writing, hand, borders, word, settings, rng)
        ink = np.zeros(place.shape, np.float32)
        top, left = max(0, -place.top), max(0, place.left)
        part = writing.ink[top : top + place.shape[0] - max(0, place.top)]
        ink[max(0, place.top) : max(0, place.top) + len(part), left : left + part.shape[1]] = part
        wanted = rng.random(4) < (settings.underlined, settings.neighboured, settings.patterned, settings.stained)
        if wanted[0]:
            np.maximum(ink, underline(place, rng), out=ink)
        if rng.random() < _UNEVEN:
            spots = cloud(place.shape, rng.uniform(*_SPOTS), rng)
            ink *= np.clip(1 - rng.uniform(0, _FADING) * np.abs(spots), _FADED, 1)
        paper, darkness = rng.uniform(*settings.paper), 1 - rng.uniform(*settings.ink)
        levels = np.full(place.shape, paper, np.float32)
        if wanted[2]:
            pattern = draw_pattern(place, rng)
            darkness = max(darkness, min(1.0, float(pattern.max()) + _DARKER))
            # Blur takes from a line of the pen that is thinner than two pixels.
            seen = _FAINTER * darkness * min(1.0, hand.radius)
            levels *= 1 - pattern * np.float32(min(1.0, seen / max(float(pattern.max()), 1e-6)))
        if wanted[3]:
            levels *= shade_paper(place, rng)
        levels *= 1 - draw_rules(place, settings, writing.cells, rng)
        if wanted[1]:
            levels *= 1 - np.float32(rng.uniform(0.4, 1) * darkness) * draw_neighbours(place, writing.ink, rng)
        if word is not None:
            _lay(levels, word, place, rng)
        levels *= 1 - np.float32(darkness) * ink
        if len(writing.boxes) and rng.random() < settings.crossed:
            levels *= 1 - np.float32(darkness * rng.uniform(*_CROSSING)) * cross(place, rng)
        if borders.any():
            add_borders(levels, place, borders, rng)
        return levels, float(paper), place


def _lay(
    levels: npt.NDArray[np.float32], word: npt.NDArray[np.float32], place: Place, rng: np.random.Generator
) -> None:
    """Print a word into the wider of the margins at the sides, some of it cut off."""
    left = place.left > place.shape[1] - place.right
    room = place.left if left else place.shape[1] - place.right
    gap = max(2, round(_CLEAR * place.size))
    word = word[:, max(0, word.shape[1] - room + gap) :] if left else word[:, : max(0, room - gap)]
    height = max(place.bottom - place.top - len(word), 1)
    row = max(0, place.top) + int(height * rng.random())
    column = place.left - gap - word.shape[1] if left else place.right + gap
    here = levels[row : row + len(word), column : column + word.shape[1]]
    here *= 1 - word[: len(here), : here.shape[1]]


def _placed(
    writing: Writing,
    hand: LineHand,
    borders: Floats,
    word: npt.NDArray[np.float32] | None,
    settings: LineSettings,
    rng: np.random.Generator,
) -> Place:
    """Return where the writing lies in a picture with margins and borders around it, and room for a printed word."""
    rows, columns = writing.ink.shape
    margins = [*rng.uniform(*settings.margin, 2), *rng.uniform(*settings.side_margin, 2)]
    if writing.signed:
        margins[1:] = [max(_CLEAR, margin) for margin in margins[1:]]
    if word is not None:
        margins[2 + int(rng.integers(2))] += word.shape[1] * rng.uniform(0.5, 1.2) / hand.size
    top, bottom, left, right = (np.rint(np.array(margins) * hand.size) + borders).astype(int).tolist()
    height = rows + top + bottom
    missing = max(0, int(_NARROWEST * height) - (columns + left + right))
    left += int(missing * rng.random())
    width = max(columns + left + right, int(_NARROWEST * height))
    return Place(
        shape=(height, width),
        left=left,
        top=top,
        right=left + columns,
        bottom=top + rows,
        baseline=top + writing.baseline,
        size=hand.size,
        radius=hand.radius,
        slope=hand.slope,
        signed=writing.signed,
    )


def _scaled(boxes: npt.NDArray[np.int64], old: tuple[int, ...], new: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Return boxes in a picture of another size: no less than what they held."""
    factors: Floats = np.tile(np.array(new[::-1]) / np.array(old[::-1]), 2)
    exact = boxes * factors
    return np.concatenate([np.floor(exact[:, :2] + 1e-6), np.ceil(exact[:, 2:] - 1e-6)], axis=1).astype(np.int64)
