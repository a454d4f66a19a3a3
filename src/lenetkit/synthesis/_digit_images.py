"""Single digits laid out as MNIST's are.

In: styles, digits, forms and a seed. Out: a :class:`~lenetkit.datasets.Dataset`.
"""

from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import Floats, RandomStreams
from lenetkit._utils.validation import check_interval, check_number, check_seed, check_whole, chosen, is_integer
from lenetkit.datasets import Dataset
from lenetkit.exceptions import SettingError
from lenetkit.synthesis._allographs import ALLOGRAPHS, STYLES, Allograph, Style
from lenetkit.synthesis._pen import Hand, Trace, lay_ink, trace_digits

__all__ = ["SOFTNESS", "FormTable", "centred", "choose_forms", "draw_digits", "form_table", "list_allographs"]

# Digits that are drawn together. Each block has random streams of its own, so it must not change.
_BLOCK = 256

# Pixels over which the edges of lines fade out in a 28x28 image; set by eye beside MNIST.
SOFTNESS = (0.8, 1.5)


def list_allographs(*, styles: str | Iterable[str] | None = None, digits: Iterable[int] | None = None) -> list[str]:
    """Return the names of the forms (allographs) that :func:`draw_digits` knows.

    Parameters
    ----------
    styles : str or iterable of str, optional
        Only forms that one of these styles uses: ``"american"``, ``"continental"``, ``"school"``, ``"varied"``.
    digits : iterable of int, optional
        Only forms of these digits.

    Returns
    -------
    list of str
        ``"<digit>-<form>"``, in the order of the digits.

    Raises
    ------
    SettingError
        If a style or a digit is unknown.

    Examples
    --------
    >>> from lenetkit.synthesis import list_allographs
    >>> list_allographs(styles="continental", digits=[4])
    ['4-open', '4-slanted', '4-phi', '4-phi-upright']
    """
    among = chosen("styles", STYLES if styles is None else styles, STYLES)
    wanted = _chosen_digits(range(10) if digits is None else digits)
    return [
        name
        for name, allograph in ALLOGRAPHS.items()
        if allograph.digit in wanted and any(style in allograph.weights for style in among)
    ]


def draw_digits(
    n: int,
    *,
    styles: str | Iterable[str] = ("american", "continental"),
    digits: Iterable[int] | None = None,
    allographs: Iterable[str] | None = None,
    seed: int = 0,
    size: int = 28,
    pen_width: tuple[float, float] = (1.4, 4.4),
    variation: float = 1.0,
) -> Dataset:
    """Draw handwritten digits: a data set of any size that needs no file and no network.

    Each digit is one of several forms of its own, drawn as a skeleton of strokes, bent, slanted and jittered, and
    written with a pen of varying width. It is laid out as MNIST's digits are: ink bright on black, the longer side of
    its box 20 of 28 pixels, its centre of mass in the middle.

    Parameters
    ----------
    n : int
        Number of digits.
    styles : str or iterable of str, default ("american", "continental")
        Whose forms are used, in equal parts:

        * ``"american"``: what MNIST is made of.
        * ``"continental"``: what MNIST hardly has and much of the world writes: 1 with a long upstroke, crossed and
          x-shaped 7, 4 that is open at the top and slanted or looks like a phi, and the forms that both have.
        * ``"school"``: careful and upright.
        * ``"varied"``: the first two, and as much again of what is seen on cheques and in registers: looped 2, 7 like a
          plus sign, 9 like a P or an l, 5 like a root sign, ribbon 8, looped 4, flat-topped 6 and more.
    digits : iterable of int, optional
        Which digits, all ten by default. The labels run through them again and again, in ascending order.
    allographs : iterable of str, optional
        Which forms, from :func:`list_allographs`, equally often; instead of all that the styles use. The styles then
        decide about slant and looseness only.
    seed : int, default 0
        Decides everything else. The same seed gives the same digits, and a larger `n` only adds to them.
    size : int, default 28
        Height and width of the images in pixels, 12 to 512.
    pen_width : tuple of two float, default (1.4, 4.4)
        Thinnest and thickest line in pixels of a 28x28 image.
    variation : float, default 1.0
        Variation of forms, slant and proportions, from 0 (each form as it is designed) to 2.

    Returns
    -------
    Dataset
        Images uint8 of shape (n, size, size), labels 0 to 9.

    Raises
    ------
    SettingError
        If a style, a digit or a form is unknown, a digit has no form left, or a number is out of its range.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_digits
    >>> drawn = draw_digits(100, seed=1)
    >>> drawn
    Dataset('drawn digits': 100 images of 28 x 28, 10 classes)
    >>> drawn.labels[:12]
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])

    Only the forms that a program trained on MNIST tends to misread:

    >>> foreign = draw_digits(90, styles="continental", digits=[1, 4, 7], seed=1)
    >>> sorted(set(foreign.labels.tolist()))
    [1, 4, 7]
    """
    check_whole("n", n, 0)
    check_seed(seed)
    check_whole("size", size, 12, 512)
    check_number("variation", variation, 0, 2)
    check_interval("pen_width", pen_width, 0.5, 10)
    table = form_table(styles, digits, allographs)
    labels = np.resize(np.array(sorted(table), np.int64), n)
    images = np.empty((n, size, size), np.uint8)
    for part, streams in RandomStreams.in_blocks("digits", seed, n=n, size=_BLOCK):
        forms, writers = choose_forms(labels[part].tolist(), table, streams)
        trace = trace_digits(forms, Hand.drawn(writers, streams, variation), streams)
        images[part] = _laid_out(trace, pen_width, streams, size)
    return Dataset(images=images, labels=labels, class_names=tuple("0123456789"), name="drawn digits")


# For each digit its choices: a style, and the forms that it uses with their cumulative weights.
FormTable = Mapping[int, Sequence[tuple[Style, Sequence[Allograph], Floats]]]


def form_table(
    styles: str | Iterable[str], digits: Iterable[int] | None, allographs: str | Iterable[str] | None
) -> FormTable:
    """Return the possible forms of each wanted digit; SettingError where something is unknown or a digit has none."""
    names = chosen("styles", styles, STYLES)
    known = ALLOGRAPHS if allographs is None else chosen("allographs", allographs, ALLOGRAPHS)
    forms = [ALLOGRAPHS[name] for name in known]
    table: dict[int, list[tuple[Style, Sequence[Allograph], Floats]]] = {}
    for digit in _chosen_digits(sorted({form.digit for form in forms}) if digits is None else digits):
        table[digit] = []
        for name in names:
            weights = {form: form.weights.get(name, 0.0) if allographs is None else 1.0 for form in forms}
            used = [form for form, weight in weights.items() if form.digit == digit and weight]
            if used:
                total = np.cumsum([weights[form] for form in used])
                table[digit].append((STYLES[name], used, total / total[-1]))
        if not table[digit]:
            raise SettingError(f"digits: none of the given allographs is a {digit}. Leave it out, or add a form of it.")
    return table


def choose_forms(
    digits: Sequence[int], table: FormTable, streams: RandomStreams
) -> tuple[list[Allograph], list[Style]]:
    """Choose for each digit a form, and the style of the hand that writes it."""
    forms, writers = [], []
    for digit, (at_style, at_form) in zip(digits, streams.uniform(0, 1, 2).tolist(), strict=True):
        style, among, weights = table[digit][int(at_style * len(table[digit]))]
        forms.append(among[int(np.searchsorted(weights, at_form, side="right"))])
        writers.append(style)
    return forms, writers


def _laid_out(trace: Trace, pen_width: tuple[float, float], streams: RandomStreams, size: int) -> npt.NDArray[np.uint8]:
    """Return digits of a size that fits MNIST's box, their centres of mass in the middle."""
    # LeCun et al. (1998): the longer side is 20 of 28 pixels.
    box, unit = round(size * 20 / 28), size / 28
    # The mean of two even draws: middling pens are the most frequent.
    middling = streams.uniform(0, 1, 2).mean(axis=1)
    radius = unit / 2 * pen_width[0] * (pen_width[1] / pen_width[0]) ** middling
    scale = np.maximum(box - 2 * radius, 1) / np.ptp(trace.points, axis=1).max(axis=1)
    trace = attrs.evolve(trace, points=trace.points * scale[:, None, None], radii=trace.radii * radius[:, None])
    low, high = trace.extent()
    fit = box / (high - low).max(axis=1)
    trace = trace.moved(fit, box / 2 - fit[:, None] * (low + high) / 2)
    ink = lay_ink(trace, box, box, unit * streams.uniform(*SOFTNESS))
    return centred(np.rint(ink * 255).astype(np.uint8), size)


def centred(inks: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """Paste each box so that the centre of mass falls on the middle, as far as the margin allows."""
    n, box = inks.shape[:2]
    middles = np.arange(box) + 0.5
    mass = np.maximum(inks.sum(axis=(1, 2), dtype=float), 1)
    rows, columns = (inks.sum(axis=axis, dtype=float) @ middles / mass for axis in (2, 1))
    # MNIST's rule: the offset is rounded down, so that the centre comes to lie in the pixel after the middle or on it.
    corners = np.floor(size / 2 + 1 - np.stack([rows, columns], axis=1)).astype(int)
    images = np.zeros((n, size, size), np.uint8)
    for image, ink, (top, left) in zip(images, inks, np.clip(corners, 0, size - box).tolist(), strict=True):
        image[top : top + box, left : left + box] = ink
    return images


def _chosen_digits(digits: Iterable[int]) -> tuple[int, ...]:
    """Return digits in ascending order, at least one."""
    try:
        wanted = list(digits)
    except TypeError:
        wanted = []
    for digit in wanted:
        if not is_integer(digit, 0, 9):
            raise SettingError(f"digits must be integers from 0 to 9; got {digit!r} among them.")
    if not wanted:
        raise SettingError(f"digits must be one or more integers from 0 to 9; got {digits!r}.")
    return tuple(sorted({int(digit) for digit in wanted}))
