"""Non-digits: blank paper, noise, scribbles, letters, shapes, turned digits, several digits at once.

In: kinds and a seed. Out: a :class:`~lenetkit.datasets.Dataset`, laid out as digits are, so that nothing but the form
tells them apart. Next: :mod:`lenetkit.rejection` learns from them.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lenetkit._utils.rng import RandomStreams
from lenetkit._utils.validation import check_seed, check_whole, chosen
from lenetkit.datasets import Dataset
from lenetkit.exceptions import SettingError
from lenetkit.synthesis._digit_images import SOFTNESS, centred, draw_digits
from lenetkit.synthesis._pen import Trace, lay_ink

__all__ = ["LETTERS", "NONDIGITS", "draw_nondigits", "draw_printed"]

LETTERS = "ACDEFGHJKLMNPQRTUVWXYadefhjkmnprtuvwxy"
"""The letters that :func:`draw_nondigits` draws: no digit looks like them."""

_SYMBOLS = "&@#%$?!+=<>{}[]*~ΓΔΠΣΨΩαεηλμπψωГДЖИЛПФЦШЩЫЮЯ"

# Images that are drawn together. Each block has random streams of its own, so it must not change.
_BLOCK = 256

# Letters are drawn so large before they are shrunk into the box.
_LARGE = 72

# All numbers of this module are set by eye, so that the kinds vary as much as digits do; tests/synthesis and the
# thresholds of the pretrained gate depend on them, and any change draws other pixels for every seed.
# Standard deviations of slant, turn in radians, and of width and height of printed characters.
_SHEAR, _TURN, _BEND = 0.15, 0.08, 0.08
# Radii of a scribble's pen in pixels, the fraction that is angular, and how often the pen is lifted.
_SCRIBBLE_RADII, _ANGULAR, _LIFTED = (0.8, 2.0), 0.3, 0.12
# The fraction of images of three digits instead of two, and the gaps between them in pixels of 56 high digits.
_THREE, _GAPS = 0.15, (-3, 14)

Images = npt.NDArray[np.uint8]


def draw_nondigits(
    n: int,
    *,
    kinds: str | Iterable[str] | None = None,
    seed: int = 0,
    fonts: Sequence[str | os.PathLike[str]] = (),
) -> Dataset:
    """Draw non-digits: images that a model must learn to reject.

    Parameters
    ----------
    n : int
        Number of images.
    kinds : str or iterable of str, optional
        The kinds, in equal parts; all by default:

        * ``"blank"``: paper, at most with a few specks.
        * ``"noise"``: from pixel to pixel, or cloudy.
        * ``"scribble"``: one or more lines that go anywhere.
        * ``"letter"``: letters and signs that no digit looks like, printed, slanted and bent.
        * ``"shape"``: discs, boxes, blots and outlines, even or textured.
        * ``"turned"``: digits that are mirrored or lie on their side, and are no other digit then.
        * ``"several"``: two or three digits side by side.
    seed : int, default 0
        Decides everything else. The same seed gives the same images.
    fonts : sequence of path
        Font files that letters are drawn with, besides the one that comes with Pillow.

    Returns
    -------
    Dataset
        Images uint8 of shape (n, 28, 28), ink bright on black, the longer side of the ink 20 pixels; labels are
        indices into `class_names`, the kinds.

    Raises
    ------
    SettingError
        If a kind is unknown, a font cannot be used, or a number is out of its range.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_nondigits
    >>> draw_nondigits(100, kinds=["scribble", "letter"], seed=1)
    Dataset('no digits': 100 images of 28 x 28, 2 classes)
    """
    check_whole("n", n, 0)
    check_seed(seed)
    names = chosen("kinds", NONDIGITS if kinds is None else kinds, NONDIGITS)
    faces = tuple(os.fspath(font) for font in fonts)
    images = np.empty((n, 28, 28), np.uint8)
    labels = np.resize(np.arange(len(names)), n)
    for label, name in enumerate(names):
        rows = np.flatnonzero(labels == label)
        for block, start in enumerate(range(0, len(rows), _BLOCK)):
            part = rows[start : start + _BLOCK]
            streams = RandomStreams(f"no digits: {name}", seed, block, n=_BLOCK)
            images[part] = NONDIGITS[name](streams, faces)[: len(part)]
    return Dataset(images=images, labels=labels, class_names=names, name="no digits")


def draw_printed(
    n: int, *, characters: str = "0123456789", seed: int = 0, fonts: Sequence[str | os.PathLike[str]] = ()
) -> Dataset:
    """Draw printed characters, slanted and bent a little, laid out as MNIST's digits are.

    Parameters
    ----------
    n : int
        Number of images. The labels run through the characters again and again.
    characters : str, default "0123456789"
        The characters.
    seed : int, default 0
        Decides font, weight and slant. The same seed gives the same images.
    fonts : sequence of path
        Font files, instead of the one that comes with Pillow.

    Returns
    -------
    Dataset
        Images uint8 of shape (n, 28, 28), labels indices into `class_names`, the characters.

    Raises
    ------
    SettingError
        If there is no character, a font cannot be used, or a number is out of its range.

    Examples
    --------
    >>> from lenetkit.synthesis import draw_printed
    >>> draw_printed(20, characters="AEK").class_names
    ('A', 'E', 'K')
    """
    check_whole("n", n, 0)
    check_seed(seed)
    if not isinstance(characters, str) or not characters:
        raise SettingError(f"characters must be a string of at least one; got {characters!r}.")
    labels = np.resize(np.arange(len(characters)), n)
    text = [characters[label] for label in labels]
    faces = tuple(os.fspath(font) for font in fonts) or (None,)
    return Dataset(
        images=_printed(text, faces, RandomStreams(f"printed {characters}", seed, n=n)),
        labels=labels,
        class_names=tuple(characters),
        name="printed characters",
    )


def _blank(streams: RandomStreams, _fonts: Sequence[str]) -> Images:
    images = np.zeros((streams.n, 28, 28), np.uint8)
    specks, levels = streams.generator().integers(0, 28, (streams.n, 6, 2)), streams.uniform(20, 255, 6)
    shown = streams.uniform(-4, 6)
    for index in range(6):
        rows = np.flatnonzero(shown > index)
        images[rows, specks[rows, index, 0], specks[rows, index, 1]] = levels[rows, index]
    return images


def _noise(streams: RandomStreams, _fonts: Sequence[str]) -> Images:
    from lenetkit._utils.ndimage import ndimage

    noise = streams.normal(28, 28)
    coarseness, threshold = streams.uniform(-0.8, 3), streams.uniform(-1.5, 1.5)
    images = np.empty((streams.n, 28, 28))
    for index, width in enumerate(coarseness):
        field = ndimage.gaussian_filter(noise[index], max(width, 0))
        field = field / field.std()
        # Half of them keep their greys, half are black and white.
        images[index] = (field > threshold[index]) if index % 2 else 0.5 + 0.3 * field - 0.2 * threshold[index]
    return _as_bytes(images)


def _scribble(streams: RandomStreams, _fonts: Sequence[str]) -> Images:
    n, steps = streams.n, 96
    knots = streams.normal(14, 2)
    count = streams.uniform(5, 15).astype(int)
    points = np.empty((n, steps, 2))
    for number in range(n):
        at = np.linspace(0, count[number] - 1, steps)
        for axis in (0, 1):
            points[number, :, axis] = np.interp(at, np.arange(14), knots[number, :, axis])
    sharp = streams.uniform(0, 1, 1, 1) < _ANGULAR
    kernel = np.hanning(29) / np.hanning(29).sum()
    padded = np.pad(points, ((0, 0), (14, 14), (0, 0)), mode="edge")
    smooth = sum(weight * padded[:, at : at + steps] for at, weight in enumerate(kernel))
    points = np.where(sharp, points, smooth)
    down = np.repeat(streams.uniform(0, 1, 8) > _LIFTED, steps // 8, axis=1)[:, : steps - 1]
    # The pen is as thick in each size: only the way is fitted into MNIST's box of 20x20 pixels.
    radii = streams.uniform(*_SCRIBBLE_RADII, 1)
    low, high = points.min(axis=1, keepdims=True), points.max(axis=1, keepdims=True)
    scale = (20 - 2 * radii[..., None]) / np.maximum((high - low).max(axis=2, keepdims=True), 1e-6)
    points = points * scale + (10 - scale * (low + high) / 2)
    trace = Trace(points=points, radii=np.repeat(radii, steps, axis=1), down=down)
    return centred(_as_bytes(lay_ink(trace, 20, 20, streams.uniform(*SOFTNESS))), 28)


def _letter(streams: RandomStreams, fonts: Sequence[str]) -> Images:
    characters = LETTERS * 3 + _SYMBOLS
    text = [characters[int(at * len(characters))] for at in streams.uniform(0, 1)]
    return _printed(text, (None, *fonts), streams)


def _printed(text: Sequence[str], fonts: Sequence[str | None], streams: RandomStreams) -> Images:
    from PIL import ImageDraw, ImageFilter

    faces = [_face(font) for font in fonts]
    which, slant, turn = streams.uniform(0, 1), streams.normal(), streams.normal()
    bold, bend = streams.uniform(-2, 4), streams.normal(4)
    boxes = np.zeros((streams.n, 20, 20), np.uint8)
    for index, character in enumerate(text):
        face, width = faces[int(which[index] * len(faces))], int(max(0, bold[index]))
        picture = Image.new("L", (3 * _LARGE, 3 * _LARGE))
        ImageDraw.Draw(picture).text((_LARGE, _LARGE), character, fill=255, font=face, stroke_width=width)
        # From positions in the result to positions in the original: slanted, turned and a little uneven.
        shear, angle, middle = _SHEAR * slant[index], _TURN * turn[index], 1.5 * _LARGE
        a, b, d, e = 1 + _BEND * bend[index, 0], shear + angle, -angle, 1 + _BEND * bend[index, 1]
        shift = (middle - a * middle - b * middle, middle - d * middle - e * middle)
        picture = picture.transform(
            picture.size, Image.Transform.AFFINE, (a, b, shift[0], d, e, shift[1]), Image.Resampling.BILINEAR
        ).filter(ImageFilter.GaussianBlur(1))
        boxes[index] = _in_box(picture)
    return centred(boxes, 28)


def _face(font: str | None) -> Any:
    from PIL import ImageFont

    try:
        return ImageFont.load_default(_LARGE) if font is None else ImageFont.truetype(font, _LARGE)
    except OSError as error:
        raise SettingError(
            f"fonts: {font} cannot be used as a font: {error}. Name a TrueType or OpenType file."
        ) from error


def _in_box(picture: Image.Image) -> Images:
    """Return the ink, or all of a blank picture, in the middle of MNIST's box of 20x20 pixels."""
    picture = picture.crop(picture.getbbox())
    scale = 20 / max(picture.size)
    size = [max(1, round(length * scale)) for length in picture.size]
    box = Image.new("L", (20, 20))
    box.paste(picture.resize((size[0], size[1]), Image.Resampling.BOX), ((20 - size[0]) // 2, (20 - size[1]) // 2))
    return np.asarray(box)


def _shape(streams: RandomStreams, _fonts: Sequence[str]) -> Images:
    from lenetkit._utils.ndimage import ndimage

    y, x = np.mgrid[-1:1:20j, -1:1:20j]
    sides = streams.uniform(0.25, 1, 2)
    sides /= sides.max(axis=1, keepdims=True)
    power, hollow = streams.uniform(0.8, 8), streams.uniform(-0.5, 0.9)
    waves, texture = streams.normal(5, 2), streams.normal(20, 20)
    turn, plain = streams.uniform(0, np.pi), streams.uniform(0, 1) < 0.4
    images = np.empty((streams.n, 20, 20))
    for number in range(streams.n):
        cosine, sine = np.cos(turn[number]), np.sin(turn[number])
        across, down = (x, y) if number % 3 else (cosine * x + sine * y, cosine * y - sine * x)
        angle = np.arctan2(down, across)
        # The outline: from a diamond over an ellipse to a box, dented by waves.
        dents = sum(
            0.12 * waves[number, k, 0] * np.cos((k + 1) * angle + 3 * waves[number, k, 1]) for k in range(5)
        ) * (number % 2)
        distance = (
            np.abs(across / sides[number, 0]) ** power[number] + np.abs(down / sides[number, 1]) ** power[number]
        ) ** (1 / power[number]) + dents
        inside = np.clip((1 - distance) * 6, 0, 1)
        # A hollow one that is round and even would be a nought.
        if hollow[number] > 0.3 and (number % 2 or power[number] > 4):
            inside *= np.clip((distance - hollow[number]) * 6, 0, 1)
        if not plain[number]:
            field = ndimage.gaussian_filter(texture[number], 0.5 + 2 * abs(waves[number, 0, 1]))
            inside = inside * np.clip(0.75 + 0.3 * field / max(field.std(), 1e-6), 0.1, 1)
        images[number] = inside
    return centred(_as_bytes(images), 28)


# The digits that are no digit any more when they are turned so.
_TURNS: Sequence[tuple[Callable[[Images], Images], Sequence[int]]] = (
    (lambda images: images[:, :, ::-1], (3, 6, 7, 9)),
    (lambda images: images[:, ::-1, ::-1], (3, 4, 7)),
    (lambda images: np.rot90(images, 1, (1, 2)), (3, 4, 6, 7, 9)),
    (lambda images: np.rot90(images, 3, (1, 2)), (3, 4, 6, 7, 9)),
)


def _turned(streams: RandomStreams, _fonts: Sequence[str]) -> Images:
    images = np.empty((streams.n, 28, 28), np.uint8)
    for index, (turn, digits) in enumerate(_TURNS):
        rows = slice(index, None, len(_TURNS))
        drawn = draw_digits(len(images[rows]), digits=digits, seed=int(streams.generator().integers(2**32)))
        images[rows] = turn(np.asarray(drawn.images))
    return images


def _several(streams: RandomStreams, _fonts: Sequence[str]) -> Images:
    seeds = streams.generator().integers(2**32, size=2).tolist()
    digits = draw_digits(3 * streams.n, seed=seeds[0], size=56).images
    order = np.random.default_rng(seeds[1]).permutation(len(digits)).reshape(-1, 3)
    three, gap = streams.uniform(0, 1) < _THREE, streams.uniform(*_GAPS).astype(int)
    boxes = np.zeros((streams.n, 20, 20), np.uint8)
    for index, members in enumerate(order):
        cut = [
            digit[:, np.flatnonzero(digit.any(axis=0))[0] : np.flatnonzero(digit.any(axis=0))[-1] + 1]
            for digit in digits[members[: 3 if three[index] else 2]]
        ]
        width = sum(part.shape[1] for part in cut) + gap[index] * (len(cut) - 1)
        canvas, left = np.zeros((56, max(width, 1)), np.uint8), 0
        for part in cut:
            here = canvas[:, left : left + part.shape[1]]
            np.maximum(here, part[:, : here.shape[1]], out=here)
            left += part.shape[1] + gap[index]
        boxes[index] = _in_box(Image.fromarray(canvas))
    return centred(boxes, 28)


def _as_bytes(images: npt.NDArray[np.floating]) -> Images:
    return np.asarray(np.rint(np.clip(images, 0, 1) * 255), np.uint8)


NONDIGITS: Mapping[str, Callable[[RandomStreams, Sequence[str]], Images]] = {
    "blank": _blank,
    "noise": _noise,
    "scribble": _scribble,
    "letter": _letter,
    "shape": _shape,
    "turned": _turned,
    "several": _several,
}
