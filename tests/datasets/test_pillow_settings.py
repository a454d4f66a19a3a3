"""Settings of Pillow, which belong to the host program, have no say in how pictures are read, and stay as they were."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, ImageFile, PngImagePlugin
from tests.datasets.raw_pictures import RGB, colour, png, pnm

from lenetkit import Pipeline, load_dataset
from lenetkit.datasets import read_image
from lenetkit.exceptions import DataError
from lenetkit.synthesis import draw_digits

DIGIT = 255 - np.pad(draw_digits(8, seed=1).images[7], 4)
COLOURS = np.dstack([DIGIT] * 3)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


FILES = {
    "png": saved(Image.fromarray(DIGIT), "png"),
    "transparent png": png(COLOURS * np.int64(257), RGB, 16, transparent=colour([65535] * 3)),
    "jpeg": saved(Image.fromarray(DIGIT), "jpeg"),
    "progressive jpeg": saved(Image.fromarray(DIGIT), "jpeg", progressive=True),
    "gif": saved(Image.fromarray(DIGIT), "gif"),
    "transparent gif": saved(Image.fromarray(DIGIT), "gif", transparency=255),
    "bmp": saved(Image.fromarray(DIGIT), "bmp"),
    "tiff": saved(Image.fromarray(DIGIT), "tiff"),
    "lzw tiff": saved(Image.fromarray(DIGIT), "tiff", compression="tiff_lzw"),
    "webp": saved(Image.fromarray(DIGIT).convert("RGB"), "webp", lossless=True),
    "pgm": pnm(DIGIT, 255),
    "16-bit ppm": pnm(COLOURS * np.int64(257), 65535),
}

SETTINGS: dict[str, tuple[object, str, object]] = {
    "a limit of one pixel": (Image, "MAX_IMAGE_PIXELS", 1),
    "a limit that half of the pixels pass": (Image, "MAX_IMAGE_PIXELS", DIGIT.size // 2 - 1),
    "a limit with a warning": (Image, "MAX_IMAGE_PIXELS", DIGIT.size - 1),
    "no limit": (Image, "MAX_IMAGE_PIXELS", None),
    "truncated pictures": (ImageFile, "LOAD_TRUNCATED_IMAGES", True),
    "gif as colours": (GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_ALWAYS),
    "no room for texts": (PngImagePlugin, "MAX_TEXT_CHUNK", 10),
}


@pytest.fixture(params=SETTINGS)
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Change a setting of Pillow, and return what tells its value."""
    where, name, value = SETTINGS[request.param]
    monkeypatch.setattr(where, name, value)
    return lambda: (getattr(where, name), value)


def test_pictures_are_what_they_are(setting: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every format; warnings are errors in these tests."""
    found = {kind: read_image(content) for kind, content in FILES.items()}
    now, before = setting()
    assert now == before
    monkeypatch.undo()
    for kind, content in FILES.items():
        np.testing.assert_array_equal(found[kind], read_image(content), err_msg=kind)


def test_a_folder_is_read_as_it_is(setting: Callable[[], object], tmp_path: Path) -> None:
    """With the size of its pictures, not one of a single pixel; EXIF's orientation, anywhere in a PNG, included."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for label in "01":
        (tmp_path / label).mkdir()
        for index in range(3):
            stored = Image.fromarray(np.rot90(DIGIT[:, 2:-2]))
            stored.save(tmp_path / label / f"{index}.png", exif=exif)
    images = load_dataset(tmp_path).images
    assert images.shape == (6, *DIGIT[:, 2:-2].shape)
    np.testing.assert_array_equal(images[0], DIGIT[:, 2:-2])
    now, before = setting()
    assert now == before


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp", "pgm"])
def test_half_a_picture_is_damaged_however_patient_pillow_is(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that takes truncated pictures itself gets no grey halves read as digits."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    content = FILES[kind]
    with pytest.raises(DataError, match="is damaged"):
        read_image(content[: len(content) * 2 // 3])


def test_our_own_limit_holds_where_pillow_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 million pixels, and what a caller says."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(DataError, match=r"must have 1 to 200,000,000 pixels; it has 20,000 x 10,001"):
        read_image(b"P5 20000 10001 255\n")
    with pytest.raises(DataError, match=r"must have 1 to 300 pixels"):
        read_image(FILES["png"], max_pixels=300)


def test_large_scans_of_a_folder_keep_their_size(tmp_path: Path) -> None:
    """185 million pixels pass twice Pillow's limit; what their header says is enough to know the size of a data set."""
    from lenetkit.datasets._images import measure_image

    (tmp_path / "scan.png").write_bytes(png(np.zeros((1, 1), int), 0, 1, size=(20_000, 9_250)))
    (tmp_path / "scan.pgm").write_bytes(b"P4 20000 9250\n")
    for path in tmp_path.iterdir():
        assert measure_image(path.read_bytes(), str(path)) == (9_250, 20_000)


def test_the_pipeline_answers_the_same(setting: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every method that reads a picture."""
    pipeline = Pipeline.pretrained()

    def answers() -> list[object]:
        return [
            pipeline.predict_proba(FILES["transparent png"]).tobytes(),
            pipeline.trace(FILES["webp"]).probabilities.tobytes(),
            pipeline.read_number(FILES["gif"]).text,
            str(pipeline.diagnose(FILES["lzw tiff"])),
        ]

    found = answers()
    monkeypatch.undo()
    assert found == answers()
