"""MnistNormalize written again without the library, for one grey picture: to be translated to other languages.

It leaves out what is called rare in ``preprocessing.json`` (grid lines, bands, ruled lines, frames), and the pieces
that light, paper edges and blur leave: a drawing, or the scan of a digit on plain paper, does not have them. Only
NumPy's elementwise arithmetic, sorting and sums are used; every loop is one that a C program would write, too.

    python normalize_port.py 7.png     prints the 28 x 28 levels
"""

import math
import sys

import numpy as np


def normalise(grey):
    """Return 28 x 28 levels, uint8, of a grey picture, uint8 (height, width), of at most 512 pixels a side."""
    if is_like_mnist(grey):
        return grey
    ink = ink_map(grey if is_dark_on_light(grey) else 255 - grey)
    paper, full, noise = measure(ink)
    level = {part: paper + max(part * (full - paper), 3.5 * noise, 2) for part in (0.35, 0.5)}
    if full - paper < max(8, 6 * noise) or min(ink.shape) < 4:
        return np.zeros((28, 28), np.uint8)
    digit = choose_pieces(ink > level[0.35], ink > level[0.5])
    if not digit.any():
        return np.zeros((28, 28), np.uint8)
    canvas = cut_out(full_ink(ink, digit, paper))
    for _ in range(2):
        canvas = even_stroke(canvas)
    return centre(fit_box(canvas))


def is_like_mnist(grey):
    if grey.shape != (28, 28) or grey.max() < 250:
        return False
    for sums in (grey.sum(axis=1, dtype=int), grey.sum(axis=0, dtype=int)):
        if not 14 < sum((i + 0.5) * mass for i, mass in enumerate(sums)) / sums.sum() <= 15:
            return False
    top, bottom, left, right = box_around(grey > 0)
    return max(bottom - top, right - left) == 20


def border_of(grey):
    border = np.sort(np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]).astype(int))
    middle, low, high = border[(len(border) - 1) // 2], int(grey.min()), int(grey.max())
    span = max(high - low, 1)
    return (2 * middle - low - high) / span, np.mean(np.abs(border - middle) * 8 <= span)


def is_dark_on_light(grey):
    if max(grey.shape) < 64:
        return border_of(grey)[0] >= 0
    small = smooth(shrink(grey, 128))
    steep, votes = slope(small), []
    for width in (0.2, 0.1):
        size = round(width * max(small.shape))
        dark, bright = (int((steep * (close(x, size).astype(int) - x)).sum()) for x in (small, 255 - small))
        votes.append((dark - bright) / max(dark + bright, 1))
    border, even = border_of(shrink(shrink(grey, 128), 64))
    weight = 0.45 * max(2 * even - 1, 0)
    return (1 - weight) * np.mean(votes) + weight * border >= 0


def shrink(grey, side):
    """Average blocks; those at the right and lower border may be cut off."""
    f = -(-max(grey.shape) // side)
    if f == 1:
        return grey
    height, width = (-(-length // f) for length in grey.shape)
    blocks = [[grey[f * y : f * y + f, f * x : f * x + f] for x in range(width)] for y in range(height)]
    return np.array([[(int(b.sum()) + b.size // 2) // b.size for b in row] for row in blocks], np.uint8)


def smooth(grey):
    x = np.pad(grey.astype(int), 1, mode="edge")
    x = x[:-2] + 2 * x[1:-1] + x[2:]
    return ((x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:] + 8) // 16).astype(np.uint8)


def slope(grey):
    x = np.pad(grey.astype(int), 1, mode="edge")
    return (x[2:, 1:-1] - x[:-2, 1:-1]) ** 2 + (x[1:-1, 2:] - x[1:-1, :-2]) ** 2


def close(grey, size):
    for extreme in (np.max, np.min):
        for axis in (0, 1):
            x = np.moveaxis(grey, axis, 0)
            half = min(size | 1, 2 * len(x) - 1) // 2
            padded = np.concatenate([x[:half][::-1], x, x[len(x) - half :][::-1]])
            grey = np.moveaxis(np.array([extreme(padded[i : i + 2 * half + 1], 0) for i in range(len(x))]), 0, axis)
    return grey


def ink_map(grey):
    if max(grey.shape) < 64:
        return darker_than_paper(grey, 0.4)
    noise, grey = measure_noise(grey), smooth(grey)
    for limit in (6, 15):
        grey = smooth(grey) if noise > limit else grey
    steep, noise = slope(grey), measure_noise(grey)
    steepness = np.sqrt(np.where(steep > 16 * noise * noise + 16, steep, 0))
    best = darker_than_paper(grey, 0.4)
    sharpness, inked = outline(best, steepness)
    for width in (0.2, 0.1):
        ink = darker_than_paper(grey, width)
        sharper, left = outline(ink, steepness)
        if sharper > 1.2 * sharpness and left > 0.5 * inked:
            best, sharpness, inked = ink, sharper, left
    return best


def darker_than_paper(grey, width):
    paper = close(grey, max(3, round(width * max(grey.shape)))).astype(np.float32)
    reference = np.maximum(np.maximum(paper, np.float32(0.35) * paper.max()), 1)
    return np.rint((paper - grey) * np.float32(255) / reference).astype(np.uint8)


def outline(ink, steepness):
    paper, full, noise = measure(ink)
    mask = ink > paper + max(0.5 * (full - paper), 3.5 * noise, 2)
    edge = mask & ~inner(mask)
    return steepness[edge].sum() / max(edge.sum(), 1), mask.mean()


def inner(mask):
    x = np.pad(mask, 1)
    return mask & x[:-2, 1:-1] & x[2:, 1:-1] & x[1:-1, :-2] & x[1:-1, 2:]


def measure_noise(ink):
    apart = min(4 if max(ink.shape) >= 64 else 1, ink.shape[1] - 1)
    if apart == 0 or max(ink.shape) < 16:
        return 0.0
    steps = np.sort(np.abs(ink[:, apart:].astype(int) - ink[:, :-apart]), axis=None)
    quarter, half = steps[len(steps) // 4], steps[len(steps) // 2]
    return (quarter / 0.3186 if quarter > 0 else min(half, 2) / 0.6745) / math.sqrt(2)


def measure(ink):
    """Return the levels of paper and ink, and the noise."""
    noise, paper, steep = measure_noise(ink), float(np.sort(ink, axis=None)[ink.size // 4]), slope(ink)
    steep = np.where(steep > 16 * noise * noise + 16, steep, 0)
    mean = (steep * ink.astype(int)).sum() / max(steep.sum(), 1)
    return paper, max(paper, 2 * mean - paper), noise


def choose_pieces(mask, sure):
    """Return the pixels of the main piece and of those that belong to it."""
    labels, n = np.zeros(mask.shape, int), 0
    for start in map(tuple, np.argwhere(mask)):
        if labels[start]:
            continue
        n, todo = n + 1, [start]
        labels[start] = n
        while todo:
            y, x = todo.pop()
            for place in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                inside = 0 <= place[0] < mask.shape[0] and 0 <= place[1] < mask.shape[1]
                if inside and mask[place] and not labels[place]:
                    labels[place] = n
                    todo.append(place)
    pieces, rim = [], mask & ~inner(mask)
    for label in range(1, n + 1):
        piece = labels == label
        top, bottom, left, right = box_around(piece)
        side, area = max(bottom - top, right - left), int(piece.sum())
        if (piece & sure).any():
            stroke = 2 * area / max(int((piece & rim).sum()), 1)
            pieces.append((area, side, stroke, (top, bottom, left, right), piece))
    large = [piece for piece in pieces if piece[1] >= max(4, 0.025 * max(mask.shape))]
    if not large:
        return np.zeros_like(mask)
    main = max(large, key=lambda piece: piece[0])
    chosen = main[4].copy()
    for _ in range(3):
        first, end, west, east = box_around(chosen)
        for area, side, _, (top, bottom, left, right), piece in pieces:
            gap = math.hypot(max(first - bottom, top - end, 0), max(west - right, left - east, 0))
            part, size = area / main[0], main[1]
            is_stroke = side >= 2 * main[2] and part >= 0.02 and gap <= 0.15 * size
            if is_stroke or (part >= 0.12 and gap <= 0.4 * size) or (part >= 0.35 and side >= 0.5 * size):
                chosen |= piece
    return chosen


def box_around(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, mask.shape[0], 0, mask.shape[1]
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def full_ink(ink, digit, paper):
    levels = np.sort(ink[digit])
    full = levels[math.ceil(0.9 * len(levels)) - 1]
    top, bottom, left, right = box_around(digit)
    gain = min(max(max(bottom - top, right - left) / 20, 1), 4)
    r = (ink - paper) / max(full - paper, 1)
    x = np.pad(digit, 1)
    height, width = digit.shape
    around = np.any([x[y : y + height, z : z + width] for y in range(3) for z in range(3)], axis=0)
    return np.where(around, np.rint(255 * np.clip(0.5 + (r - 0.5) * gain, 0, 1)), 0)


def cut_out(digit):
    digit = (digit / 255).astype(np.float32)
    if max(digit.shape) <= 40:
        return np.pad(digit, 3)
    top, bottom, left, right = box_around(digit > 0)
    scale = min(1, 80 / max(bottom - top, right - left))
    return np.pad(place(digit[top:bottom, left:right], (0, bottom - top, 0, right - left), scale, 80), 12)


def place(image, box, scale, size):
    """Scale what is in a box into the top left corner of size x size pixels."""
    top, bottom, left, right = box
    rows = weights(image.shape[0], top, bottom - top, scale, size)
    return rows @ image @ weights(image.shape[1], left, right - left, scale, size).T


def weights(n_sources, start, length, scale, size):
    """Return the area of each source pixel in each target pixel, linear when enlarging: (size, n_sources)."""
    out = np.zeros((size, n_sources), np.float32)
    wanted = np.float32(scale * length)
    step, n = np.float32(length) / wanted, math.ceil(wanted - 1e-4)
    for target in range(n):
        low = start + (target - (n - wanted) / 2) * step
        for source in range(n_sources):
            covered = min(low + step, source + 1) - max(low, source)
            near = 1 - abs((2 * low + step - 1) / 2 - source)
            out[target, source] = max(covered / step if step >= 1 else near, 0)
    return out


def even_stroke(canvas):
    top, bottom, left, right = box_around(canvas > 0.1)
    side = max(bottom - top, right - left)
    down, right = canvas[1:, :-1] - canvas[:-1, :-1], canvas[:-1, 1:] - canvas[:-1, :-1]
    width = 2 * canvas.sum() / max(np.sqrt(down**2 + right**2).sum(), 1e-6)
    wanted = min(max(width * 20 / side, 1.8), 3.6)
    radius = (wanted * side / 20 - width) / (2 * (1 - wanted / 20))
    if width == 0 or abs(radius) <= 0.02:
        return canvas
    extreme = np.max if radius > 0 else np.min
    for step in range(math.ceil(abs(radius))):
        x = np.pad(canvas, 1, mode="edge")
        places = [(y, z) for y in range(3) for z in range(3) if step % 2 == 1 or y == 1 or z == 1]
        reached = extreme([x[y : y + canvas.shape[0], z : z + canvas.shape[1]] for y, z in places], axis=0)
        canvas = canvas + (reached - canvas) * np.float32(min(abs(radius) - step, 1))
    return canvas


def fit_box(canvas):
    top, bottom, left, right = box_around(canvas > 0.1)
    box = place(canvas, (top, bottom, left, right), 20 / max(bottom - top, right - left), 20)
    levels = np.sort(box, axis=None)[::-1]
    white = levels[int((levels > 0.5 / 255).sum()) // 5]
    return np.rint(255 * np.clip(box / max(white, np.float32(1e-3)), 0, 1)).astype(np.uint8)


def centre(box):
    out = np.zeros((28, 28), np.uint8)
    _, rows, _, columns = box_around(box > 0)
    starts = []
    for sums, used in ((box.sum(axis=1, dtype=int), rows), (box.sum(axis=0, dtype=int), columns)):
        balance = sum((i + 0.5) * mass for i, mass in enumerate(sums)) / max(sums.sum(), 1)
        starts.append(min(max(math.floor(15 - balance), 0), 28 - used))
    out[starts[0] : starts[0] + rows, starts[1] : starts[1] + columns] = box[:rows, :columns]
    return out


def pictures():
    """Return three pictures to test a port with: narrow, small and bright on dark, large in uneven light."""
    y, x = np.mgrid[:60, :90]
    bar = np.where((y >= 10) & (y < 50) & (x >= 20) & (x < 26), 60, 230)
    y, x = np.mgrid[:36, :36]
    r = (x - 17) ** 2 + (y - 15) ** 2
    ring = np.where((r >= 49) & (r <= 121), 200, 90)
    y, x = np.mgrid[:150, :120]
    seven = (y >= 30) & (y < 42) & (x >= 30) & (x < 92)
    seven |= (y >= 42) & (y < 125) & (abs(2 * x + y - 210) <= 14)
    seven = np.where(seven, 90 - x // 4, 220 - x // 2)
    return {"bar": bar.astype(np.uint8), "ring": ring.astype(np.uint8), "seven": seven.astype(np.uint8)}


if __name__ == "__main__":
    from PIL import Image

    for line in normalise(np.asarray(Image.open(sys.argv[1]).convert("L"))):
        print(" ".join(f"{level:3d}" for level in line))
