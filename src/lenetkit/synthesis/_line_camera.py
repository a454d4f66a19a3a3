"""Traces of scanners, cameras, files and changes of size in the picture of a line.

In: levels of light, float32. Out: uint8 pixels. Next: a :class:`~lenetkit.synthesis.DrawnLine`.
"""

import io

import numpy as np
import numpy.typing as npt

from lenetkit.synthesis._line_settings import LineSettings

__all__ = ["photograph", "resized"]

# Below this standard deviation in pixels a blur changes nothing; what part of the paper's light bleaching makes white,
# and what part of the darkest level black. Small digits would be lost in a blur of more than this part of their height.
_MOST_BLUR = 0.07
_LEAST_BLUR, _WHITE, _BLACK = 0.3, (0.86, 1.05), (0.2, 1.0)


def photograph(
    levels: npt.NDArray[np.float32], paper: float, size: float, settings: LineSettings, rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Blur, bleach and quantise a picture, add noise, and save it as a JPEG file does.

    `paper` is the level of its paper, `size` the height of its digits in pixels.
    """
    blur, noise, quality = (rng.uniform(*range_) for range_ in (settings.blur, settings.noise, settings.quality))
    bleached, compressed = rng.random(2) < (settings.bleached, settings.compressed)
    blur = min(float(blur), _MOST_BLUR * size)
    if blur >= _LEAST_BLUR:
        levels = _blurred(levels, blur)
    if bleached:
        black = levels.min() * np.float32(rng.uniform(*_BLACK))
        levels = (levels - black) / np.float32(max(paper * rng.uniform(*_WHITE) - black, 0.05))
    pixels = levels * np.float32(255)
    pixels += np.float32(noise) * rng.standard_normal(levels.shape, np.float32)
    picture = np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)
    return _saved(picture, round(float(quality))) if compressed else picture


def _blurred(levels: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    reach = max(1, int(2.5 * sigma + 0.5))
    weights = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights /= 2 * weights.sum() - weights[0]
    for _ in range(2):  # along the rows, then turned
        padded = np.pad(levels, ((reach, reach), (0, 0)), mode="edge")
        parts = [padded[start : start + len(levels)] for start in range(2 * reach + 1)]
        blurred = np.float32(weights[0]) * parts[reach]
        for step in range(1, reach + 1):
            blurred += np.float32(weights[step]) * (parts[reach - step] + parts[reach + step])
        levels = blurred.T
    return levels


def _saved(picture: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(picture: npt.NDArray[np.uint8], height: int) -> npt.NDArray[np.uint8]:
    """Bring a picture to a height; the width follows."""
    from PIL import Image

    rows, columns = picture.shape
    width = max(1, round(columns * height / rows))
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
