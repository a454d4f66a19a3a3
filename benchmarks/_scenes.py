"""Pictures in which a line of writing must first be found: strips, register columns, pages, forms, and empty paper.

In: a kind and a seed. Out: a :class:`Scene`, the picture and what stands in it, line by line.
Next: tests of the line finder, and the benchmark of whole numbers.
"""

import string
from collections.abc import Callable

import attrs
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lenetkit.synthesis import LineSettings, draw_line, draw_paper

__all__ = ["EMPTY", "KINDS", "Scene", "compose_scene", "empty_paper"]

_CLEAN = {
    "height": None,
    "patterned": 0,
    "stained": 0,
    "bordered": 0,
    "neighboured": 0,
    "compressed": 0,
    "bleached": 0,
    "noise": (0, 0),
    "empty": 0,
    "starred": 0,
    "framed": 0,
    "boxed": 0,
    "paper": (1, 1),
}


@attrs.frozen(kw_only=True, eq=False)
class Scene:
    """A picture of writing."""

    picture: np.ndarray  # uint8 (height, width[, 3])
    lines: tuple[tuple[str, np.ndarray], ...]  # from top to bottom: what stands there, and a box for each digit


class _Canvas:
    """Paper that is filled from the top to the bottom of a function."""

    def __init__(self, rng: np.random.Generator, height: float, width: float) -> None:
        self.rng, self.height, self.width = rng, round(height), round(width)
        self.levels = np.full((self.height, self.width), rng.uniform(0.75, 1), np.float32)
        self.lines: list[tuple[str, np.ndarray]] = []
        self.noise, self.blur = rng.uniform(0, 6), rng.uniform(0.2, 0.8)

    def write(self, size: float, left: float, top: float, *, slope: float = 0.0, **settings: object) -> bool:
        """Write a line whose digits are so high; True if there is room for it."""
        rng = self.rng
        ink = float(settings.pop("darkness", rng.uniform(0.05, 0.55)))
        chosen = _CLEAN | {"margin": (0.05, 0.05), "side_margin": (0.1, 0.1), "ruled": 0.1, "underlined": 0.15}
        chosen |= {"slope": (slope - 0.02, slope + 0.02), "blur": (self.blur, self.blur), "ink": (ink, ink)}
        chosen |= {"digit_height": (size, size), "pen_width": (0.06, 0.13), "drawn": 1.0} | settings
        line = draw_line(settings=LineSettings(**chosen), seed=int(rng.integers(1 << 30)))
        rows, columns = line.image.shape
        row, column = round(top), round(left)
        if row < 0 or column < 0 or row + rows > self.height or column + columns > self.width:
            return False
        self.levels[row : row + rows, column : column + columns] *= line.image.astype(np.float32) / 255
        self.lines.append((line.raw, line.boxes + np.tile((column, row), 2)))
        return True

    def write_somewhere(self, size: float, area: tuple[float, float, float, float], **settings: object) -> None:
        """Write one line somewhere in an area (left, top, right, bottom)."""
        left, top, right, bottom = area
        for _ in range(60):
            at = self.rng.uniform(left, right), self.rng.uniform(top, bottom)
            if self.write(size, *at, **settings):
                return

    def rule(self, at: float, *, upright: bool, first: float = 0.0, last: float = 1.0, width: float = 1.5) -> None:
        """Print a line from one fraction of the side to another, a little slanted."""
        view = self.levels.T if upright else self.levels
        columns = np.arange(int(first * view.shape[1]), int(last * view.shape[1]))
        middle = at + self.rng.normal(0, 0.006) * (columns - columns.mean())
        rows = np.arange(view.shape[0])[:, None]
        cover = np.clip(width / 2 + 0.5 - np.abs(rows - middle), 0, 1)
        view[:, columns] *= 1 - cover * self.rng.uniform(0.3, 0.9)

    def print_words(self, left: float, top: float, size: float, count: int = 1) -> None:
        """Print words in Pillow's own type."""
        words = " ".join(
            "".join(self.rng.choice([*string.ascii_lowercase], self.rng.integers(3, 9))) for _ in range(count)
        ).capitalize()
        picture = Image.new("L", (self.width, self.height), 255)
        ImageDraw.Draw(picture).text((left, top), words, fill=0, font=ImageFont.load_default(max(7, size)))
        strength = self.rng.uniform(0.5, 0.95)
        self.levels *= 1 - strength * (1 - np.asarray(picture, np.float32) / 255)

    def scrawl(self, left: float, top: float, right: float, bottom: float) -> None:
        """Leave bits of other writing in a part of the picture."""
        picture = Image.new("L", (self.width, self.height), 255)
        drawing = ImageDraw.Draw(picture)
        for _ in range(self.rng.integers(1, 4)):
            points = self.rng.uniform((left, top), (max(right, left + 1), max(bottom, top + 1)), (4, 2))
            drawing.line([tuple(point) for point in points.tolist()], fill=0, width=int(self.rng.integers(1, 4)))
        self.levels *= 1 - self.rng.uniform(0.4, 0.9) * (1 - np.asarray(picture, np.float32) / 255)

    def border(self, side: str, width: float) -> None:
        """Blacken a side as a scanner does, with the edge of a book beside it now and then."""
        view = {"left": self.levels, "right": self.levels[:, ::-1], "top": self.levels.T}[side]
        width = round(width)
        edge = width + np.cumsum(self.rng.normal(0, 0.05, len(view))) + self.rng.normal(0, 0.01) * np.arange(len(view))
        columns = np.arange(view.shape[1])
        if self.rng.random() < 0.5:
            shade = self.rng.uniform(4, 14)
            view *= 1 - self.rng.uniform(0.2, 0.6) * np.clip(1 - (columns - edge[:, None]) / shade, 0, 1)
        view[columns < edge[:, None]] = self.rng.uniform(0, 0.2)

    def book_edge(self, left: float, right: float) -> None:
        """Show the edges of leaves beside a border: broken upright lines."""
        for at in np.arange(left, right, self.rng.uniform(2.5, 6)):
            start = 0.0
            while start < 1:
                end = start + self.rng.uniform(0.05, 0.5)
                self.rule(at, upright=True, first=start, last=min(end, 1.0), width=self.rng.uniform(1, 3))
                start = end + self.rng.uniform(0, 0.1)

    def shade(self) -> None:
        """Let the light fall off to one side."""
        rows, columns = np.mgrid[0 : 1 : self.height * 1j, 0 : 1 : self.width * 1j].astype(np.float32)
        towards = self.rng.uniform(-1, 1, 2)
        self.levels *= 1 - self.rng.uniform(0.1, 0.5) * np.clip(0.5 + towards[0] * rows + towards[1] * columns, 0, 1)

    def done(self) -> Scene:
        """Return the picture, photographed."""
        pixels = self.levels * 255
        if self.rng.random() < 0.3:
            pixels = np.minimum(pixels / np.median(pixels) * 250, 255)
        pixels = pixels + self.rng.normal(0, self.noise, pixels.shape)
        return Scene(picture=np.rint(pixels.clip(0, 255)).astype(np.uint8), lines=tuple(self.lines))


def _tight(rng: np.random.Generator) -> Scene:
    """Draw a field that holds little more than its number, as cut from a cheque."""
    settings = LineSettings(height=None, digit_height=(18, 70), empty=0, slope=(-0.06, 0.06))
    line = draw_line(settings=settings, seed=int(rng.integers(1 << 30)))
    return Scene(picture=line.image, lines=((line.raw, line.boxes),))


def _strip(rng: np.random.Generator) -> Scene:
    """Draw a wide strip, mostly empty."""
    size = rng.uniform(14, 45)
    canvas = _Canvas(rng, size * rng.uniform(2.5, 5), size * rng.uniform(12, 30))
    if rng.random() < 0.5:
        canvas.rule(canvas.height * rng.uniform(0.75, 0.98), upright=False)
    if rng.random() < 0.5:
        canvas.scrawl(0, 0, canvas.width, size * rng.uniform(0.1, 0.4))
    if rng.random() < 0.5:
        canvas.scrawl(0, canvas.height - size * rng.uniform(0.1, 0.4), canvas.width, canvas.height)
    left = 0.0
    if rng.random() < 0.4:
        left = canvas.width * rng.uniform(0.03, 0.3)
        canvas.border("left", left)
    if rng.random() < 0.3:
        canvas.border("right", canvas.width * 0.05)
    area = left + size, size * 0.4, canvas.width * 0.9, canvas.height - 1.4 * size
    canvas.write_somewhere(size, area, n_digits=(1, 6))
    if rng.random() < 0.5:
        canvas.shade()
    return canvas.done()


def _register(rng: np.random.Generator) -> Scene:
    """Draw a part of a register's first column: a small number, the scanner's border, rules, a printed foot."""
    scale = rng.uniform(1, 2.5)
    canvas = _Canvas(rng, scale * rng.uniform(115, 300), scale * rng.uniform(85, 160))
    height, width, size = canvas.height, canvas.width, scale * rng.uniform(11, 26)
    border = width * rng.uniform(0.03, 0.45)
    right = width * rng.uniform(0.9, 0.98)
    canvas.rule(right, upright=True, width=scale * rng.uniform(0.7, 2))
    if rng.random() < 0.7:
        canvas.rule(right - 3 * scale, upright=True, last=rng.uniform(0.6, 1), width=scale)
    for at in (rng.uniform(0.01, 0.05), rng.uniform(0.94, 0.99)):
        if rng.random() < 0.6:
            canvas.rule(at * height, upright=False, first=rng.uniform(0.3, 0.6), width=scale * rng.uniform(0.7, 2))
    if rng.random() < 0.4:
        canvas.print_words(width * rng.uniform(0.55, 0.7), height * 0.93, round(7 * scale), 3)
    if rng.random() < 0.4:
        at = rng.uniform(0.1, 0.9) * height
        canvas.scrawl(width * 0.95, at, width, at + size)
    if rng.random() < 0.3:
        canvas.scrawl(border + 10, height - 0.7 * size, width, height)
    if rng.random() < 0.3:
        for row in np.arange(size * 2, height, size * rng.uniform(1.5, 3)):
            view = canvas.levels[round(row) : round(row) + 1]
            view *= 0.93
    writing = {"n_digits": (1, 3), "signs": 0.3, "underlined": 0.3, "ruled": 0, "spacing": (0.0, 0.6)}
    writing |= {"slope": rng.uniform(-0.05, 0.05), "darkness": rng.uniform(0.05, 0.7)}
    area = border + 12 * scale, 0.06 * height, right - 1.2 * size, 0.9 * height - size
    canvas.write_somewhere(size, area, **writing)
    if rng.random() < 0.3 and canvas.lines:
        left, _, foot, below = (int(end) for end in canvas.lines[0][1].max(axis=0))
        canvas.scrawl(left, below + 0.3 * size, foot, below + 0.9 * size)
    if rng.random() < 0.3:
        canvas.scrawl(border + 12 * scale, 0, border + 12 * scale + size, 0.05 * height)
    if rng.random() < 0.3:
        canvas.book_edge(border, border + rng.uniform(4, 12) * scale)
    canvas.border("left", border)
    return canvas.done()


def _page(rng: np.random.Generator) -> Scene:
    """Draw several lines, all slanted alike, now and then on ruled paper."""
    size, slope = rng.uniform(16, 40), rng.uniform(-0.05, 0.05)
    count = int(rng.integers(2, 9))
    canvas = _Canvas(rng, size * (2.0 * count + 3), size * rng.uniform(12, 18))
    ruled = rng.random() < 0.4
    for index in range(count):
        top = size * (1.2 + 2.0 * index)
        canvas.write(size, size * rng.uniform(1, 3), top, slope=slope, n_digits=(2, 8), signs=0.2, ruled=0)
        if ruled:
            canvas.rule(top + size * 1.15, upright=False)
    if rng.random() < 0.5:
        canvas.shade()
    return canvas.done()


def _slanted(rng: np.random.Generator) -> Scene:
    """Draw one line, or three, up to 10 degrees aslant."""
    size, slope = rng.uniform(20, 50), rng.uniform(-0.17, 0.17)
    canvas = _Canvas(rng, size * 9, size * 14)
    for index in range(int(rng.choice([1, 3]))):
        canvas.write(size, size, size * (0.8 + 2.0 * index), slope=slope, n_digits=(4, 10), signs=0.2)
    return canvas.done()


def _form(rng: np.random.Generator) -> Scene:
    """Draw a field of a form: a printed label before or above the number, a frame or a line."""
    size = rng.uniform(18, 45)
    canvas = _Canvas(rng, size * rng.uniform(2.6, 4), size * rng.uniform(12, 18))
    before = rng.random() < 0.5
    row = canvas.height - 1.9 * size
    if before:
        canvas.print_words(size * 0.4, row + size * rng.uniform(0.2, 0.5), round(size * rng.uniform(0.35, 0.55)))
    else:
        canvas.print_words(size * 0.4, size * 0.1, round(size * rng.uniform(0.3, 0.45)), 3)
    if rng.random() < 0.5:
        canvas.rule(row + size * 1.25, upright=False, first=0.05, last=0.95)
    area = size * 5, row - 0.2 * size, canvas.width * 0.8, row + 0.1 * size
    canvas.write_somewhere(size, area, n_digits=(2, 6), ruled=0)
    return canvas.done()


def _table(rng: np.random.Generator) -> Scene:
    """Draw rows of a table with rules between: a short number, and another far to the right in some."""
    size = rng.uniform(16, 34)
    rows = int(rng.integers(2, 7))
    canvas = _Canvas(rng, size * (2.2 * rows + 0.6), size * 18)
    for index in range(rows + 1):
        canvas.rule(size * (0.3 + 2.2 * index), upright=False)
    for at in (0.4, 8.5, 17.5):
        canvas.rule(size * at, upright=True)
    for index in range(rows):
        top = size * (0.6 + 2.2 * index)
        plain = {"n_digits": (1, 5), "signs": 0, "ruled": 0, "underlined": 0}
        canvas.write(size, size * rng.uniform(1, 2), top, **plain)
        if rng.random() < 0.5:
            canvas.write(size, size * rng.uniform(9.5, 11), top, **plain)
    return canvas.done()


def _inverse(rng: np.random.Generator) -> Scene:
    """Draw any of the others, light on dark."""
    scene = (_tight, _strip, _page, _form)[int(rng.integers(4))](rng)
    return attrs.evolve(scene, picture=255 - scene.picture)


KINDS: dict[str, Callable[[np.random.Generator], Scene]] = {
    "tight": _tight,
    "strip": _strip,
    "register": _register,
    "page": _page,
    "slanted": _slanted,
    "form": _form,
    "table": _table,
    "inverse": _inverse,
}


def compose_scene(kind: str, seed: int) -> Scene:
    """Compose one picture of a kind, one of :data:`KINDS`."""
    return KINDS[kind](np.random.default_rng([list(KINDS).index(kind), seed]))


EMPTY = ("plain", "ruled", "dotted", "grid", "framed", "shadow", "noise", "pattern", "border", "table", "black")


def empty_paper(kind: str, seed: int) -> np.ndarray:
    """Return paper of a kind, one of :data:`EMPTY`, on which nothing is written: uint8 (height, width)."""
    rng = np.random.default_rng([99, EMPTY.index(kind), seed])
    height, width = (int(side) for side in rng.integers((40, 120), (400, 700)))
    number = int(rng.integers(1 << 20))
    if kind == "pattern":
        settings = LineSettings(height=None, digit_height=(40, 90), empty=1, patterned=1, neighboured=0, bordered=0)
        settings = attrs.evolve(settings, ruled=0, framed=0, stained=0.5, underlined=0)
        return draw_line("", settings=settings, seed=number).image
    if kind in ("border", "table"):
        canvas = _Canvas(rng, height, width)
        if kind == "border":
            canvas.border("left", width * rng.uniform(0.03, 0.4))
            canvas.border(str(rng.choice(["right", "top"])), 0.1 * width)
        for index in range(1, 6 if kind == "table" else 1):
            canvas.rule(index * height / 6, upright=False)
            canvas.rule(index * width / 6, upright=True)
        return canvas.done().picture
    if kind == "black":
        return np.full((height, width), rng.integers(0, 30), np.uint8)
    options = {"noise": 15.0} if kind == "noise" else {"shadow": rng.uniform(0.3, 0.7)} if kind == "shadow" else {}
    ruling = kind if kind in ("ruled", "dotted", "grid", "framed") else "plain"
    return draw_paper(height, width, ruling=ruling, pitch=float(rng.uniform(12, 50)), seed=number, **options)
