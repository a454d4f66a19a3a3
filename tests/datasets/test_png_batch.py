"""Many small PNGs decoded together: the same pixels as one after the other, and the same refusals."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from lenetkit.datasets import read_image
from lenetkit.datasets._png_batch import _MOST_BYTES, decode_small
from lenetkit.exceptions import DataError

RANDOM = np.random.default_rng(0)


def as_png(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "png", **options)
    return stream.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def filtered_png(rows, channels=1, **changes):
    """Return a PNG whose rows begin with any kind of filter, worked out as the specification says."""
    height, stride = rows.shape
    header = {"bits": 8, "colours": 0 if channels == 1 else 2, "packing": 0, "filtering": 0, "interlaced": 0} | changes
    parts = struct.pack(">II5B", (stride - 1) // channels, height, *header.values())
    data = chunk(b"IDAT", zlib.compress(rows.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", parts) + data + chunk(b"IEND", b"")


@given(
    height=st.integers(1, 9), width=st.integers(1, 9), channels=st.sampled_from([1, 3]), seed=st.integers(0, 2**32 - 1)
)
@settings(max_examples=100, deadline=None)
def test_every_filter_is_undone_as_pillow_does(height, width, channels, seed):
    """Any bytes behind any of the five filters of each row; several pictures at once."""
    rows = np.random.default_rng(seed).integers(0, 256, (3, height, 1 + width * channels), np.uint8)
    rows[:, :, 0] %= 5
    files = [filtered_png(picture, channels) for picture in rows]
    for data, found in zip(files, decode_small(files), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        grey = pixels.ndim == 3 and (pixels == pixels[..., :1]).all()
        assert np.array_equal(found, pixels[..., 0] if grey else pixels)


def test_a_pixel_worked_out_by_hand():
    """Paeth of left 10, above 20, corner 5: guess 25, nearest is above, 20; 20 + 7 = 27."""
    rows = np.array([[0, 5, 20], [4, 5, 7]], np.uint8)
    (found,) = decode_small([filtered_png(rows)])
    assert found.tolist() == [[5, 20], [10, 27]]


def test_what_is_not_plain_is_left_to_the_reader_of_all_kinds():
    """Transparency, palettes, bits, interlacing, animations, a turned camera, remarks of other programs."""
    grey = RANDOM.integers(0, 256, (6, 5), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    remark = PngImagePlugin.PngInfo()
    remark.add_text("Raw profile type exif", "x")
    files = [
        as_png(grey, transparency=3),
        as_png(np.dstack([grey, grey])),
        as_png(grey.astype(np.uint16) * 257),
        as_png(grey > 99),
        as_png(grey, exif=exif.tobytes()),
        as_png(grey, pnginfo=remark),
        filtered_png(np.zeros((2, 3), np.uint8), interlaced=1),
        as_png(grey)[:-20],
        as_png(grey).replace(b"IDAT", b"IDOT"),
        as_png(np.zeros((200, 200), np.uint8)),
        filtered_png(np.array([[5, 1, 2]], np.uint8)),
        filtered_png(np.zeros((3, 4), np.uint8)).replace(b"\0\0\0\x03\x08", b"\0\0\0\x04\x08"),
        b"",
        b"GIF89a",
    ]
    assert decode_small(files) == [None] * len(files)
    assert decode_small([as_png(grey), *files])[0].tolist() == grey.tolist()


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_damage_is_found_as_it_is_in_one_picture(place, value):
    """A byte changed anywhere: what is decoded here is what read_image reads."""
    data = bytearray(as_png(np.random.default_rng(1).integers(0, 256, (6, 5), np.uint8)))
    data[place % len(data)] = value
    (found,) = decode_small([bytes(data)])
    if found is not None:
        assert np.array_equal(found, read_image(bytes(data)))


# HEIC, AVIF, JPEG XL


@pytest.mark.parametrize("kind", ["heif", "avif", "jxl"])
def test_modern_pictures_are_read(kind):
    """Written by the library of each; lossless or nearly."""
    if kind == "heif":
        pytest.importorskip("pillow_heif").register_heif_opener()
    elif kind == "jxl":
        pytest.importorskip("pillow_jxl")
    else:
        pytest.importorskip("PIL.AvifImagePlugin")
    picture = np.zeros((32, 48), np.uint8)
    picture[4:12, 30:40] = 200
    stream = io.BytesIO()
    try:
        Image.fromarray(picture).convert("RGB").save(stream, kind, quality=95)
    except (KeyError, OSError) as error:
        pytest.skip(f"cannot be written here: {error}")
    pixels = read_image(stream.getvalue())
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    assert grey.shape == (32, 48)
    assert abs(int(grey[8, 35]) - 200) < 8
    assert grey[20, 10] < 8
    with pytest.raises(DataError, match="must have 1 to 100 pixels; it has 48 x 32"):
        read_image(stream.getvalue(), max_pixels=100)
    with pytest.raises(DataError):
        read_image(stream.getvalue()[:60])


@pytest.mark.parametrize(
    ("start", "module", "message"),
    [
        (b"\0\0\0\x18ftypheic", "pillow_heif.as_plugin", r"is a HEIC picture.*lenetkit\[formats\]"),
        (b"\xff\x0a", "pillow_jxl.JpegXLImagePlugin", r"is a JPEG XL picture.*lenetkit\[formats\]"),
        (b"\0\0\0\x18ftypavif", "PIL.AvifImagePlugin", r"is an AVIF picture.*pillow>=11\.3"),
    ],
)
def test_a_missing_library_is_named(start, module, message, monkeypatch):
    """With what to install, as one picture's error."""
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(DataError, match=message):
        read_image(start + bytes(100), name="7.pic")


def test_more_pixels_than_are_decoded_at_once() -> None:
    """Each file gets its own, in their order."""
    pictures = np.random.default_rng(3).integers(0, 256, (70, 100, 120, 3), dtype=np.uint8)
    assert pictures.nbytes > _MOST_BYTES
    found = decode_small([as_png(picture) for picture in pictures])
    for picture, pixels in zip(pictures, found, strict=True):
        np.testing.assert_array_equal(pixels, picture)
