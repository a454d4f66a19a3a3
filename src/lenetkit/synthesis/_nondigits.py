"""What is no digit: blank paper, noise, scribbles, letters, shapes, two digits at once.

Laid out as digits are, so that nothing but the form tells them apart.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lenetkit._utils.rng import RandomStreams
from lenetkit._utils.validation import check_seed, check_whole, chosen
from lenetkit.datasets._dataset import Dataset
from lenetkit.exceptions import SettingError
from lenetkit.synthesis._digit_images import centred, draw_digits
from lenetkit.synthesis._pen import Trace, lay_ink

__all__ = ["LETTERS", "OTHERS", "draw_nondigits", "draw_printed"]

LETTERS = "ACDEFGHJKLMNPQRTUVWXYadefhjkmnprtuvwxy"
"""The letters that :func:`draw_nondigits` draws: those that no digit looks like."""

_SYMBOLS = "&@#%$?!+=<>{}[]*~ΓΔΠΣΨΩαεηλμπψωГДЖИЛПФЦШЩЫЮЯ"

# Pictures that are drawn together. Each block has random streams of its own, so it must not change.
_BLOCK = 256

# Letters are drawn so large before they are shrunk into the box.
_LARGE = 72

Pictures = npt.NDArray[np.uint8]


def draw_nondigits(
    n: int,
    *,
    kinds: str | Iterable[str] | None = None,
    seed: int = 0,
    fonts: Sequence[str | os.PathLike[str]] = (),
) -> Dataset:
    """Draw what is no digit, to learn or to test what must be rejected.

    Parameters
    ----------
    n : int
        How many pictures.
    kinds : str or iterable of str, optional
        Which, in equal parts; all by default:

        * ``"blank"``: paper, at most with a few specks.
        * ``"noise"``: from pixel to pixel, or cloudy.
        * ``"scribble"``: one or more lines that go anywhere.
        * ``"letter"``: letters and signs that no digit looks like, printed, slanted and bent.
        * ``"shape"``: discs, boxes, blots and outlines, even or textured.
        * ``"turned"``: digits that are mirrored or lie on their side, and are no other digit then.
        * ``"several"``: two or three digits side by side.
    seed : int, default 0
        Decides everything else. The same seed gives the same pictures.
    fonts : sequence of path
        Font files that letters are drawn with, besides the one that comes with Pillow.

    Returns
    -------
    Dataset
        Images uint8 of shape (n, 28, 28), ink bright on black, the longer side of what is drawn 20 pixels; labels are
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
    names = chosen("kinds", OTHERS if kinds is None else kinds, OTHERS)
    faces = tuple(os.fspath(font) for font in fonts)
    images = np.empty((n, 28, 28), np.uint8)
    labels = np.resize(np.arange(len(names)), n)
    for label, name in enumerate(names):
        rows = np.flatnonzero(labels == label)
        for number, start in enumerate(range(0, len(rows), _BLOCK)):
            part = rows[start : start + _BLOCK]
            chance = RandomStreams(f"no digits: {name}", seed, number, n=_BLOCK)
            images[part] = OTHERS[name](chance, faces)[: len(part)]
    return Dataset(images=images, labels=labels, class_names=names, name="no digits")


def draw_printed(
    n: int, *, characters: str = "0123456789", seed: int = 0, fonts: Sequence[str | os.PathLike[str]] = ()
) -> Dataset:
    """Draw printed characters, slanted and bent a little, laid out as MNIST's digits are.

    Parameters
    ----------
    n : int
        How many. The labels run through the characters again and again.
    characters : str, default "0123456789"
        Which.
    seed : int, default 0
        Decides font, weight and slant. The same seed gives the same pictures.
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


def _blank(chance: RandomStreams, _fonts: Sequence[str]) -> Pictures:
    images = np.zeros((chance.n, 28, 28), np.uint8)
    specks, levels = chance.generator().integers(0, 28, (chance.n, 6, 2)), chance.uniform(20, 255, 6)
    shown = chance.uniform(-4, 6)
    for number in range(6):
        rows = np.flatnonzero(shown > number)
        images[rows, specks[rows, number, 0], specks[rows, number, 1]] = levels[rows, number]
    return images


def _noise(chance: RandomStreams, _fonts: Sequence[str]) -> Pictures:
    from scipy import ndimage

    noise = chance.normal(28, 28)
    coarseness, threshold = chance.uniform(-0.8, 3), chance.uniform(-1.5, 1.5)
    images = np.empty((chance.n, 28, 28))
    for number, width in enumerate(coarseness):
        field = ndimage.gaussian_filter(noise[number], max(width, 0))
        field = field / field.std()
        # Half of them keep their greys, half are black and white.
        images[number] = (field > threshold[number]) if number % 2 else 0.5 + 0.3 * field - 0.2 * threshold[number]
    return _as_bytes(images)


def _scribble(chance: RandomStreams, _fonts: Sequence[str]) -> Pictures:
    n, steps = chance.n, 96
    knots = chance.normal(14, 2)
    count = chance.uniform(5, 15).astype(int)
    points = np.empty((n, steps, 2))
    for number in range(n):
        at = np.linspace(0, count[number] - 1, steps)
        inner = np.arange(count[number])
        for axis in (0, 1):
            points[number, :, axis] = np.interp(at, inner, knots[number, : count[number], axis])
    sharp = chance.uniform(0, 1) < 0.3
    kernel = np.hanning(29)
    kernel /= kernel.sum()
    padded = np.pad(points, ((0, 0), (14, 14), (0, 0)), mode="edge")
    smooth = sum(weight * padded[:, place : place + steps] for place, weight in enumerate(kernel))
    points = np.where(sharp[:, None, None], points, smooth)
    down = np.repeat(chance.uniform(0, 1, 8) > 0.12, steps // 8, axis=1)[:, : steps - 1]
    return _drawn(points, down, chance)


def _drawn(points: npt.NDArray[np.float64], down: npt.NDArray[np.bool_], chance: RandomStreams) -> Pictures:
    """Draw lines with a pen, in MNIST's box."""
    radius = chance.uniform(0.8, 2.0)
    low, high = points.min(axis=1), points.max(axis=1)
    scale = (20 - 2 * radius) / np.maximum((high - low).max(axis=1), 1e-6)
    trace = Trace(points=points, radii=np.ones(points.shape[:2]), down=down)
    trace = trace.moved(scale, 10 - scale[:, None] * (low + high) / 2)
    trace = Trace(points=trace.points, radii=np.repeat(radius[:, None], points.shape[1], axis=1), down=down)
    return centred(_as_bytes(lay_ink(trace, 20, 20, chance.uniform(0.8, 1.5))), 28)


def _letter(chance: RandomStreams, fonts: Sequence[str]) -> Pictures:
    characters = LETTERS * 3 + _SYMBOLS
    text = [characters[int(share * len(characters))] for share in chance.uniform(0, 1)]
    return _printed(text, (None, *fonts), chance)


def _printed(text: Sequence[str], fonts: Sequence[str | None], chance: RandomStreams) -> Pictures:
    from PIL import Image, ImageDraw, ImageFilter

    faces = [_face(font) for font in fonts]
    which, slant, turn = chance.uniform(0, 1), chance.normal(), chance.normal()
    bold, bend = chance.uniform(-2, 4), chance.normal(4)
    boxes = np.zeros((chance.n, 20, 20), np.uint8)
    for number, character in enumerate(text):
        face = faces[int(which[number] * len(faces))]
        picture = Image.new("L", (3 * _LARGE, 3 * _LARGE))
        pen = ImageDraw.Draw(picture)
        width = int(max(0, bold[number]))
        pen.text((_LARGE, _LARGE), character, fill=255, font=face, stroke_width=width)
        # From places in the result to places in the original: slanted, turned and a little uneven.
        shear, angle, middle = 0.15 * slant[number], 0.08 * turn[number], 1.5 * _LARGE
        a, b, d, e = 1 + 0.08 * bend[number, 0], shear + angle, -angle, 1 + 0.08 * bend[number, 1]
        shift = (middle - a * middle - b * middle, middle - d * middle - e * middle)
        picture = picture.transform(
            picture.size, Image.Transform.AFFINE, (a, b, shift[0], d, e, shift[1]), Image.Resampling.BILINEAR
        ).filter(ImageFilter.GaussianBlur(1))
        place = picture.getbbox()
        if place is not None:
            boxes[number] = _in_box(picture.crop(place))
    return centred(boxes, 28)


def _face(font: str | None) -> Any:
    from PIL import ImageFont

    if font is None:
        return ImageFont.load_default(_LARGE)
    try:
        return ImageFont.truetype(font, _LARGE)
    except OSError as error:
        raise SettingError(
            f"fonts: {font} cannot be used as a font: {error}. Name a TrueType or OpenType file."
        ) from error


def _in_box(picture: Any) -> Pictures:
    from PIL import Image

    width, height = picture.size
    scale = 20 / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    box = Image.new("L", (20, 20))
    box.paste(picture.resize(size, Image.Resampling.BOX), ((20 - size[0]) // 2, (20 - size[1]) // 2))
    return np.asarray(box)


def _shape(chance: RandomStreams, _fonts: Sequence[str]) -> Pictures:
    from scipy import ndimage

    y, x = np.mgrid[-1:1:20j, -1:1:20j]
    sides = chance.uniform(0.25, 1, 2)
    sides /= sides.max(axis=1, keepdims=True)
    power, hollow = chance.uniform(0.8, 8), chance.uniform(-0.5, 0.9)
    waves, texture = chance.normal(5, 2), chance.normal(20, 20)
    turn, plain = chance.uniform(0, np.pi), chance.uniform(0, 1) < 0.4
    images = np.empty((chance.n, 20, 20))
    for number in range(chance.n):
        cosine, sine = np.cos(turn[number]), np.sin(turn[number])
        tilted = number % 3 == 0
        across, down = (cosine * x + sine * y, cosine * y - sine * x) if tilted else (x, y)
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


# Which digits are none any more when they are turned so.
_TURNS: Sequence[tuple[Callable[[Pictures], Pictures], Sequence[int]]] = (
    (lambda images: images[:, :, ::-1], (3, 6, 7, 9)),
    (lambda images: images[:, ::-1, ::-1], (3, 4, 7)),
    (lambda images: np.rot90(images, 1, (1, 2)), (3, 4, 6, 7, 9)),
    (lambda images: np.rot90(images, 3, (1, 2)), (3, 4, 6, 7, 9)),
)


def _turned(chance: RandomStreams, _fonts: Sequence[str]) -> Pictures:
    images = np.empty((chance.n, 28, 28), np.uint8)
    for number, (turn, digits) in enumerate(_TURNS):
        rows = slice(number, None, len(_TURNS))
        seed = int(chance.generator().integers(2**32))
        images[rows] = turn(np.asarray(draw_digits(len(images[rows]), digits=digits, seed=seed).images))
    return images


def _several(chance: RandomStreams, _fonts: Sequence[str]) -> Pictures:
    from PIL import Image

    seeds = chance.generator().integers(2**32, size=2).tolist()
    digits = draw_digits(3 * chance.n, seed=seeds[0], size=56).images
    order = np.random.default_rng(seeds[1]).permutation(len(digits)).reshape(-1, 3)
    three, gap = chance.uniform(0, 1) < 0.15, chance.uniform(-3, 14).astype(int)
    boxes = np.zeros((chance.n, 20, 20), np.uint8)
    for number, members in enumerate(order):
        cut = [digits[member][:, _columns(digits[member])] for member in members[: 3 if three[number] else 2]]
        width = sum(part.shape[1] for part in cut) + gap[number] * (len(cut) - 1)
        canvas, left = np.zeros((56, max(width, 1)), np.uint8), 0
        for part in cut:
            here = canvas[:, left : left + part.shape[1]]
            np.maximum(here, part[:, : here.shape[1]], out=here)
            left += part.shape[1] + gap[number]
        picture = Image.fromarray(canvas)
        boxes[number] = _in_box(picture.crop(picture.getbbox()))
    return centred(boxes, 28)


def _columns(image: Pictures) -> slice:
    inked = np.flatnonzero(image.any(axis=0))
    return slice(int(inked[0]), int(inked[-1]) + 1)


def _as_bytes(images: npt.NDArray[np.floating]) -> Pictures:
    return np.asarray(np.rint(np.clip(images, 0, 1) * 255), np.uint8)


OTHERS: Mapping[str, Callable[[RandomStreams, Sequence[str]], Pictures]] = {
    "blank": _blank,
    "noise": _noise,
    "scribble": _scribble,
    "letter": _letter,
    "shape": _shape,
    "turned": _turned,
    "several": _several,
}
