"""Findings: measures of images outside the range of the training images, each with its cause and cure.

In: the measures of :mod:`lenetkit.diagnosis._reference` and the reference. Out: findings in a sentence each.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from lenetkit.diagnosis._pictures import Array, PreparedImage

__all__ = ["Finding", "find_on_border", "iter_findings"]

_NORMALIZE = "use MnistNormalize()"

# Set by eye on scans, photos and spoilt digits, and guarded by tests/diagnosis; they choose between causes only.
# Of the usual contrast, an image with less is blank; the polarity is compared where so many training images agree.
_BLANK, _ONE_POLARITY = 0.1, 0.9
# White being 1: levels that are nearly black or dark, an ordinary span from paper to ink, the contrast lost by fading.
_BLACK, _DARK, _SPAN, _FADED = 0.1, 0.3, 0.3, 0.2
# Ink differs in colour where one channel spans so many times the grey levels.
_COLOURED = 1.5


@attrs.frozen(kw_only=True)
class Finding:
    """One difference of an image from those the model was trained on.

    Parameters
    ----------
    image : int
        Position of the image among those given.
    problem : str
        In a word: ``"unreadable"``, ``"shape"``, ``"blank"``, ``"range"``, ``"polarity"``, ``"contrast"``,
        ``"paper"``, ``"light"``, ``"noise"``, ``"size"``, ``"centre"``, ``"stroke"``, ``"border"``, ``"pieces"``,
        ``"two pieces"``, ``"wide"``, ``"ink"`` or ``"line"``.
    cause : str
        The difference, with its figures.
    cure : str
        The remedy.
    measured : float or None
        The measure of the image after the transforms; None where there is nothing to measure.
    expected : tuple of float or None
        Smallest and largest value that all but 1 % of the training images have.

    Examples
    --------
    >>> from lenetkit.diagnosis import Finding
    >>> print(Finding(image=0, problem="polarity", cause="the ink is dark on light", cure="add Invert()"))
    polarity: the ink is dark on light
      -> add Invert()
    """

    image: int
    problem: str
    cause: str
    cure: str
    measured: float | None = None
    expected: tuple[float, float] | None = None

    def __str__(self) -> str:
        return f"{self.problem}: {self.cause}\n  -> {self.cure}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**attrs.asdict(self), "expected": None if self.expected is None else list(self.expected)}


def _per_cent(value: float) -> str:
    return f"{100 * value:.0f} %"


_pixels, _times, _count = "{:.1f} pixels".format, "{:.1f}".format, "{:.0f}".format


@attrs.frozen
class _Rule:
    """Tolerance of a measure beyond the training images' quantiles, and the finding where it is exceeded.

    ``slack`` is added to a bound, and a bound is moved by ``ratio`` of itself. Below the bound ``low_cure`` takes the
    place of ``cure``, if there is one.
    """

    problem: str
    measure: str
    cure: str
    low: str | None = None
    high: str | None = None
    low_cure: str | None = None
    slack: float = 0.0
    ratio: float = 0.0
    show: Callable[[float], str] = _per_cent
    # May MnistNormalize be of help?
    normalize: bool = True


# Slack and ratio are such that fewer than 1 of 100 test digits of MNIST have a finding while 2,000 training images are
# the reference: docs/use/diagnose.md; tests/diagnosis holds it. Smaller ones would find fault with ordinary digits.
_RULES = (
    _Rule("contrast", "contrast", "", low="the ink is faint: it stands out from the paper by {}", slack=0.2),
    _Rule(
        "paper",
        "paper",
        "make the paper even and plain, for instance with a scan instead of a photo",
        low="the background is too dark: its level is {}",
        high="the background is not plain: its level is {}",
        slack=0.12,
    ),
    _Rule(
        "light",
        "light",
        "light the paper evenly",
        high="the light is uneven: the paper's level differs by {} across the picture",
        slack=0.08,
    ),
    _Rule(
        "noise",
        "noise",
        "take the picture with more light or smooth it",
        high="the paper is not smooth: neighbouring pixels differ by {}",
        slack=0.02,
    ),
    _Rule(
        "two pieces",
        "second_piece",
        "cut the picture so that it holds one digit, or close the gap in its strokes",
        high="there are two large pieces of ink, another digit or a broken one: the second has {} of the first's area",
        slack=0.3,
        normalize=False,
    ),
    _Rule(
        "wide",
        "width",
        "cut the picture so that it holds one digit; read_number reads several",
        high="the ink is wide, as several digits are: {} times as wide as high",
        ratio=0.1,
        show=_times,
        normalize=False,
    ),
    _Rule(
        "pieces",
        "pieces",
        "remove specks, lines and other marks from the paper, or close the gaps in broken strokes",
        high="the ink is in {} pieces",
        slack=2,
        show=_count,
    ),
    _Rule(
        "size",
        "size",
        "cut the picture to the digit with a margin as the training images have it",
        low="the digit is small: it fills {} of the picture",
        high="the digit is large: it fills {} of the picture",
        slack=0.1,
    ),
    _Rule(
        "centre",
        "centre",
        "move the digit to the middle of the picture",
        high="the digit is off the middle by {} of the picture",
        slack=0.05,
    ),
    _Rule(
        "stroke",
        "stroke",
        "write with a thinner pen or larger",
        low="the strokes are thin: {}",
        high="the strokes are thick: {}",
        low_cure="write with a thicker pen",
        ratio=0.15,
        show=_pixels,
    ),
    _Rule(
        "border",
        "border",
        "leave a margin around the digit, and cut off frames and the paper's edge",
        high="ink touches the border: it covers {} of it",
        slack=0.05,
    ),
    _Rule(
        "ink",
        "ink_share",
        "make sure that the picture shows one handwritten digit, and that its strokes and size are the usual ones",
        low="there is little ink: it covers {} of the picture",
        high="there is much ink: it covers {} of the picture",
        slack=0.02,
        ratio=0.2,
    ),
)

# Where the first was found, the others follow from it or cannot be trusted.
_HIDES = {
    "light": ("paper", "noise", "two pieces", "wide", "pieces", "size", "centre", "stroke", "border", "ink"),
    "noise": ("two pieces", "wide", "pieces", "stroke", "border", "ink"),
    "two pieces": ("pieces", "size", "centre", "stroke", "ink"),
    "wide": ("two pieces", "pieces", "size", "centre", "stroke", "ink"),
    "pieces": ("size", "centre", "stroke", "border", "ink"),
    "size": ("ink",),
    "stroke": ("ink",),
    "border": ("ink",),
}


def iter_findings(
    measured: Mapping[str, Array],
    indices: Array,
    prepared: list[PreparedImage],
    reference: Mapping[str, Any],
    steps: frozenset[str],
) -> Iterator[Finding]:
    """Compare measured images, at `indices` among all `prepared` ones, with the reference.

    `steps` are the names of the classes of the pipeline's transforms.
    """
    ranges = reference["measures"]
    if ranges["contrast"] is None or ranges["contrast"][1] <= 0:
        return
    usual = 1 if reference["bright_ink"] >= 0.5 else -1
    sides = _sides(measured, usual, ranges)
    blank = sides["contrast"] < _BLANK * ranges["contrast"][1]
    wrong = ~blank & (np.sign(measured["contrast"]) != usual) & (abs(2 * reference["bright_ink"] - 1) > _ONE_POLARITY)
    beyond = _beyond(sides, ranges)
    normalize = "MnistNormalize" not in steps and _is_like_mnist(reference)
    for row in np.flatnonzero(blank | wrong | np.any(list(beyond.values()), axis=0)):
        image = int(indices[row])
        if blank[row]:
            yield _blank(image, prepared[image], float(sides["contrast"][row]), ranges)
            continue
        if wrong[row]:
            yield _polarity(image, float(measured["contrast"][row]), usual, ranges, steps, normalize)
        found = {name for name in beyond if beyond[name][row]}
        found -= {hidden for name in found for hidden in _HIDES.get(name, ())}
        for rule in _RULES:
            if rule.problem in found:
                when = " once inverted" if wrong[row] and rule.problem == "paper" else ""
                yield _finding(rule, image, float(sides[rule.measure][row]), ranges, prepared[image], normalize, when)


# Along the border of a picture as it came: a problem, its cause, its cure, and what MnistNormalize does with it.
_LINE = (
    "line",
    "a straight line runs along the border of the picture as it came: a piece of a grid, a box or a frame",
    "cut the picture inside the lines",
    "paints over",
)
_BAND = (
    "polarity",
    "in a straight band along the border of the picture as it came, black and white have changed places",
    "invert the band, or cut the picture inside it",
    "inverts",
)


def find_on_border(prepared: list[PreparedImage], steps: frozenset[str]) -> Iterator[Finding]:
    """Name the images that had straight lines or inverted bands along their border before the transforms."""
    for index, image in enumerate(prepared):
        for problem, cause, cure, does in [_LINE] * bool(image.lined) + [_BAND] * bool(image.banded):
            if "MnistNormalize" in steps:
                cure = f"{cure} if it is misread: MnistNormalize() {does} those it finds"
            else:
                cure = f"{_NORMALIZE}, which {does} those it finds, or {cure}"
            yield Finding(image=index, problem=problem, cause=cause, cure=cure)


def _sides(measured: Mapping[str, Array], usual: int, ranges: Mapping[str, Any]) -> dict[str, Array]:
    """Return the measures as if the polarity were the training images', so that a wrong one is one finding."""
    paper, contrast = measured["paper"], measured["contrast"]
    turned = 2 * ranges["paper"][1] + usual * ranges["contrast"][1] - paper
    return {**measured, "paper": np.where(np.sign(contrast) == -usual, turned, paper), "contrast": np.abs(contrast)}


def _beyond(sides: Mapping[str, Array], ranges: Mapping[str, Any]) -> dict[str, Array]:
    """Return for each problem a mask of the images that have it."""
    beyond = {}
    for rule in _RULES:
        low, _, high = ranges[rule.measure] or (-np.inf, 0, np.inf)
        # NaN, where there is no ink to measure, is beyond nothing.
        lowest = -np.inf if rule.low is None else low * (1 - rule.ratio) - rule.slack
        highest = np.inf if rule.high is None else high * (1 + rule.ratio) + rule.slack
        beyond[rule.problem] = (sides[rule.measure] < lowest) | (sides[rule.measure] > highest)
    return beyond


def _is_like_mnist(reference: Mapping[str, Any]) -> bool:
    """Return True where the model was trained on such images as MnistNormalize makes."""
    size = reference["measures"]["size"]
    return (
        reference["shape"][:2] == [28, 28]
        and reference["bright_ink"] > 0.95
        and size is not None
        and 0.65 < size[1] < 0.8
    )


def _finding(
    rule: _Rule,
    image: int,
    value: float,
    ranges: Mapping[str, Any],
    prepared: PreparedImage,
    normalize: bool,
    when: str,
) -> Finding:
    low, _, high = ranges[rule.measure]
    below = rule.low is not None and value < low
    cause = (rule.low if below else rule.high) or ""
    cure = (rule.low_cure if below else None) or rule.cure
    if rule.problem == "contrast":
        cause, cure = _faint(cause, prepared, value)
    if rule.normalize and normalize:
        cure = f"{_NORMALIZE}, or {cure}"
    return Finding(
        image=image,
        problem=rule.problem,
        cause=f"{cause.format(rule.show(value))}{when}; in training {_range(low, high, rule.show)}",
        cure=cure,
        measured=value,
        expected=(low, high),
    )


def _differs_in_colour(prepared: PreparedImage) -> bool:
    return prepared.colours > max(_SPAN, _COLOURED * prepared.span)


def _range(low: float, high: float, show: Callable[[float], str]) -> str:
    start, end = show(low), show(high)
    if start == end:
        return start
    number, space, unit = end.partition(" ")
    return f"{start.removesuffix(space + unit)} to {number}{space}{unit}"


def _faint(cause: str, prepared: PreparedImage, contrast: float) -> tuple[str, str]:
    """Return cause and cure of faint ink: it came so, differs in colour alone, or faded when the image was shrunk."""
    if _differs_in_colour(prepared):
        return f"{cause}, since ink and paper differ more in colour than in brightness", "write with a dark pen"
    if prepared.peak < _DARK:
        return f"{cause}, since its brightest pixel is at {_per_cent(prepared.peak)} of white", _SCALE
    if prepared.span > contrast + _FADED:
        return (
            f"{cause}, since strokes as thin as these fade when a large picture is shrunk",
            "write with a thicker pen or cut the picture to the digit",
        )
    return cause, "write with a darker pen, or stretch the picture's grey levels"


_SCALE = "bring the pixels to 0..255 (uint8) or 0..1 (float); they may have been divided twice"


def _blank(image: int, prepared: PreparedImage, contrast: float, ranges: Mapping[str, Any]) -> Finding:
    low, _, high = ranges["contrast"]
    problem, cause = "blank", "the picture is blank"
    cure = "make sure that this is the picture that was meant, and that it shows a digit"
    if 0 < prepared.span <= _BLACK and prepared.peak <= _BLACK:
        problem, cure = "range", _SCALE
        cause = f"the pixels are nearly black: the brightest is at {100 * prepared.peak:.2g} % of white"
    elif _differs_in_colour(prepared):
        cause = "in grey the picture is blank, since ink and paper differ in colour only"
        cure = "write with a dark pen"
    elif prepared.span > _SPAN:
        cause = "what the picture holds is gone after the transforms"
        cure = "cut the picture to the digit, and look at its trace"
    cause = f"{cause}; in training the ink stands out by {_range(low, high, _per_cent)}"
    return Finding(image=image, problem=problem, cause=cause, cure=cure, measured=contrast, expected=(low, high))


def _polarity(
    image: int, contrast: float, usual: int, ranges: Mapping[str, Any], steps: frozenset[str], normalize: bool
) -> Finding:
    found, trained = ("dark on light", "light on dark")[::usual]
    low, _, high = ranges["contrast"]
    cure = "leave out Invert()" if "Invert" in steps else "add Invert()"
    return Finding(
        image=image,
        problem="polarity",
        cause=f"the ink is {found}; the model was trained on {trained}",
        cure=f"{_NORMALIZE}, or {cure}" if normalize else cure,
        measured=contrast,
        expected=(low, high) if usual > 0 else (-high, -low),
    )
