"""Picture files: every lossless way of saving a digit gives the same pixels, and nothing worse than a DataError."""

import io
import os
import re
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from lenetkit.datasets import iter_batches, read_image, read_images
from lenetkit.exceptions import DataError

GREY = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12))


@pytest.fixture
def digit():
    """Return a 7, bright on black, not square, with every grey level."""
    pixels = np.zeros((20, 14), np.uint8)
    pixels[3:5, 3:11] = 255
    pixels[5:17, 8:10] = np.linspace(20, 250, 24).reshape(12, 2)
    pixels[18, :] = np.linspace(0, 255, 14)
    return pixels


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def as_palette(pixels):
    """Return a palette image whose indices say nothing about the grey levels."""
    image = Image.fromarray(255 - pixels, "L").convert("P")
    image.putdata((255 - pixels).ravel().tolist())
    image.putpalette([255 - level for level in range(256) for _ in range(3)])
    return image


WAYS = {
    "grey png": lambda p: saved(Image.fromarray(p), "png"),
    "optimised png": lambda p: saved(Image.fromarray(p), "png", optimize=True),
    "rgb png": lambda p: saved(Image.fromarray(p).convert("RGB"), "png"),
    "rgba png": lambda p: saved(Image.fromarray(p).convert("RGBA"), "png"),
    "grey and alpha png": lambda p: saved(Image.fromarray(p).convert("LA"), "png"),
    "palette png": lambda p: saved(as_palette(p), "png"),
    "16-bit png": lambda p: saved(Image.fromarray(p.astype(np.uint16) * 257), "png"),
    "gif": lambda p: saved(Image.fromarray(p), "gif"),
    "bmp": lambda p: saved(Image.fromarray(p), "bmp"),
    "rgb bmp": lambda p: saved(Image.fromarray(p).convert("RGB"), "bmp"),
    "pgm": lambda p: saved(Image.fromarray(p), "ppm"),
    "ppm": lambda p: saved(Image.fromarray(p).convert("RGB"), "ppm"),
    "16-bit pgm": lambda p: b"P5 %d %d 65535\n" % p.shape[::-1] + (p.astype(">u2") * 257).tobytes(),
    "lossless webp": lambda p: saved(Image.fromarray(p).convert("RGB"), "webp", lossless=True),
    "tiff": lambda p: saved(Image.fromarray(p), "tiff"),
    "lzw tiff": lambda p: saved(Image.fromarray(p), "tiff", compression="tiff_lzw"),
    "deflate rgb tiff": lambda p: saved(Image.fromarray(p).convert("RGB"), "tiff", compression="tiff_adobe_deflate"),
    "cmyk tiff": lambda p: saved(Image.fromarray(p).convert("CMYK"), "tiff"),
    "cmyk from rgb tiff": lambda p: saved(Image.fromarray(p).convert("RGB").convert("CMYK"), "tiff"),
    "16-bit tiff": lambda p: saved(Image.fromarray(p.astype(np.uint16) * 257), "tiff"),
    "big-endian 16-bit tiff": lambda p: saved(
        Image.frombytes("I;16B", p.shape[::-1], (p.astype(">u2") * 257).tobytes()), "tiff"
    ),
    "32-bit tiff": lambda p: saved(Image.fromarray(p.astype(np.int32)), "tiff"),
    "float tiff": lambda p: saved(Image.fromarray((p / 255).astype(np.float32)), "tiff"),
    "white-is-zero tiff": lambda p: saved(Image.fromarray(p), "tiff", tiffinfo={262: 0}),
    "pil image": Image.fromarray,
    "pil palette image": as_palette,
    "pil float image": lambda p: Image.fromarray((p / 255).astype(np.float32)),
    "array": lambda p: p,
    "rgb array": lambda p: np.dstack([p, p, p]),
    "one-channel array": lambda p: p[..., np.newaxis],
    "float array": lambda p: p / 255,
}


@pytest.mark.parametrize("way", WAYS)
def test_any_lossless_way_of_saving_gives_the_same_array(way, digit):
    """Depth, palette, format and colour space are how a picture is stored, not what it shows."""
    pixels = read_image(WAYS[way](digit))
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, digit)


@given(pixels=GREY, way=st.sampled_from(sorted(WAYS)))
@settings(max_examples=100, deadline=None)
def test_any_picture_survives_any_lossless_way(pixels, way):
    """The law holds for every picture, whatever its size and levels."""
    assume(not 0 < pixels.max() <= 3)  # refused
    np.testing.assert_array_equal(read_image(WAYS[way](pixels)), pixels)


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm", "gif"])
def test_single_bits_become_black_and_white(kind, digit):
    """A one-bit scan has 0 and 255."""
    image = Image.fromarray(digit).point(lambda v: 255 * (v > 100)).convert("1")
    np.testing.assert_array_equal(read_image(saved(image, kind)), np.where(digit > 100, 255, 0))


def test_fax_compression_is_read(digit):
    """Scanners write one-bit TIFF in CCITT group 4."""
    image = Image.fromarray(digit).point(lambda v: 255 * (v > 100)).convert("1")
    pixels = read_image(saved(image, "tiff", compression="group4"))
    np.testing.assert_array_equal(pixels, np.where(digit > 100, 255, 0))


def test_sixteen_bits_are_scaled_not_clipped():
    """65535 is white and the middle stays in the middle."""
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    assert read_image(saved(Image.fromarray(values), "png")).tolist() == [[0, 0, 1, 128, 255]]


def test_colours_are_kept(digit):
    """What is not grey has three channels."""
    colours = np.dstack([digit, 255 - digit, digit // 2])
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(colours), "png")), colours)
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(colours), "tiff")), colours)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_black_ink_on_nothing_is_black_on_white(mode, kind, digit):
    """Transparent paper is white where the ink is black: not an all-black image."""
    image = Image.new("LA", digit.shape[::-1])
    image.putalpha(Image.fromarray(digit))
    np.testing.assert_array_equal(read_image(saved(image.convert(mode), kind)), 255 - digit)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_white_ink_on_nothing_is_white_on_black(mode, digit):
    """Transparent paper is black where the ink is white."""
    image = Image.new("LA", digit.shape[::-1], (255, 0))
    image.putalpha(Image.fromarray(digit))
    np.testing.assert_array_equal(read_image(saved(image.convert(mode), "png")), digit)


def test_a_transparent_palette_colour_is_paper(digit):
    """A GIF or palette PNG says by an index what can be seen through."""
    ink = digit > 100
    image = Image.fromarray(ink.astype(np.uint8)).convert("P")
    image.putdata(ink.ravel().astype(int).tolist())
    image.putpalette([90, 90, 90, 10, 10, 10])
    for kind in ("gif", "png"):
        np.testing.assert_array_equal(read_image(saved(image, kind, transparency=0)), np.where(ink, 10, 255))


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB"])
def test_a_transparent_grey_level_is_paper(mode, digit):
    """PNG can name one level as transparent in any of its types."""
    ink = np.where(digit > 100, 0, 255).astype(np.uint8)
    image = Image.fromarray(ink.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(ink).convert(mode)
    transparent = {"1": 1, "L": 255, "I;16": 65535, "RGB": (255, 255, 255)}[mode]
    np.testing.assert_array_equal(read_image(saved(image, "png", transparency=transparent)), ink)


def test_a_cut_out_photo_keeps_its_own_paper():
    """Round corners around white paper with dark ink are continued in white, whatever stands out more."""
    pixels = np.full((40, 40, 4), 255, np.uint8)
    pixels[15:25, 18:22, :3] = 0
    pixels[:3, :3] = 0
    expected = pixels[..., 0].copy()
    expected[:3, :3] = 255
    np.testing.assert_array_equal(read_image(pixels), expected)


def test_ink_with_frayed_edges_stays_visible(digit):
    """Half-transparent edges in another tone, as drawing programs leave them, do not hide the ink."""
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[4:16, 8:12] = (0, 0, 0, 255)
    pixels[4:16, [7, 12]] = (230, 230, 230, 90)
    read = read_image(pixels)
    assert read[0, 0] == 255
    assert read[8, 9] == 0


@pytest.mark.parametrize("ink", [0, 255])
def test_tightly_cropped_ink_stays_visible(ink):
    """A 1 that fills its picture has one tone, so the paper is the other one."""
    pixels = np.full((20, 5, 4), ink, np.uint8)
    pixels[..., 3] = 255
    pixels[:4, 0, 3] = 0
    expected = np.full((20, 5), ink)
    expected[:4, 0] = 255 - ink
    np.testing.assert_array_equal(read_image(pixels), expected)


def test_half_transparent_ink_is_mixed_with_the_paper():
    """The share that shines through is rounded to the nearest level."""
    pixels = np.array([[[10, 255], [10, 100], [10, 0]]], np.uint8)
    assert read_image(pixels).tolist() == [[10, round((10 * 100 + 255 * 155) / 255), 255]]


def test_a_picture_of_nothing_is_white_paper():
    """Complete transparency is a blank page."""
    assert (read_image(np.zeros((5, 5, 4), np.uint8)) == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tiff", "webp", "lzw"])
def test_exif_orientation_is_applied(orientation, kind, digit):
    """A camera that was held upright is read upright, as Pillow's own correction would show it."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = Image.fromarray(digit)
    stored = image.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"compression": "tiff_lzw"} if kind == "lzw" else {"lossless": True} if kind == "webp" else {}
    data = saved(stored, "tiff" if kind == "lzw" else kind, exif=exif, **options)
    np.testing.assert_array_equal(read_image(data), digit)
    with Image.open(io.BytesIO(data)) as opened:
        np.testing.assert_array_equal(read_image(opened), digit)


def test_jpeg_is_read_and_turned(digit):
    """Photos come as JPEG with an orientation."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = saved(Image.fromarray(digit), "jpeg", quality=100, exif=exif)
    pixels = read_image(data)
    assert pixels.shape == digit.shape[::-1]
    np.testing.assert_allclose(pixels, np.rot90(digit, -1).astype(int), atol=4)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_is_no_damage(digit):
    """Remarks that can't be read leave the picture readable."""
    data = saved(Image.fromarray(digit), "jpeg", quality=100, exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff broken")
    assert read_image(data).shape == digit.shape


def test_every_kind_of_source_gives_the_same(tmp_path, digit):
    """Path, text, bytes, open file and PIL image are one picture; an open file stays open."""
    path = tmp_path / "seven.png"
    Image.fromarray(digit).save(path)
    with path.open("rb") as file, Image.open(path) as image:
        sources = [path, str(path), path.read_bytes(), bytearray(path.read_bytes()), file, image]
        for pixels in read_images(sources):
            np.testing.assert_array_equal(pixels, digit)
        assert not file.closed


def test_a_name_without_the_right_ending_is_read(tmp_path, digit):
    """The content decides, not the name."""
    path = tmp_path / "seven.txt"
    path.write_bytes(saved(Image.fromarray(digit), "png"))
    np.testing.assert_array_equal(read_image(path), digit)


def test_reading_leaves_an_array_alone(digit):
    """A good array passes without being copied."""
    assert np.shares_memory(read_image(digit), digit)


def test_what_is_read_can_be_written_to(digit):
    """Pixels from a file belong to the caller."""
    assert read_image(saved(Image.fromarray(digit), "png")).flags.writeable


def animated(kind):
    frames = [Image.new("L", (8, 8), level) for level in (0, 128, 255)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "tiff"])
def test_several_frames_are_refused_and_one_can_be_chosen(kind):
    """Which frame or page is meant can't be guessed; the message says how to choose."""
    with pytest.raises(DataError, match=r"must hold one picture; it holds 3\. Choose one with PIL"):
        read_image(animated(kind))
    with Image.open(io.BytesIO(animated(kind))) as image:
        image.seek(2)
        assert (read_image(image) > 250).all()


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    idat = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", idat) + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20_000, 10_001), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1)])
def test_decompression_bombs_are_refused_by_their_header(size):
    """A few bytes that unpack to gigabytes are refused before anything is unpacked, without a warning."""
    # Warnings are errors in these tests.
    with pytest.raises(DataError, match=r"must have 1 to 200,000,000 pixels; it has"):
        read_image(huge_png(*size))


@pytest.mark.parametrize("size", [(65_535, 65_535), (10_000, 10_000)])
@pytest.mark.parametrize("n_frames", [1, 2])
@pytest.mark.parametrize("disposal", [0, 2, 3])
def test_gif_bombs_are_refused_by_their_header(size, n_frames, disposal):
    """Pillow prepares frames while it opens a GIF; a huge one is refused before that."""
    frame = b"\x21\xf9\x04" + bytes([disposal << 2]) + bytes(4) + b"," + struct.pack("<HHHH", 0, 0, *size) + bytes(1)
    data = b"GIF89a" + struct.pack("<HH", *size) + b"\x80\0\0\0\0\0\xff\xff\xff"
    data += (frame + b"\x02\x02\x44\x01\0") * n_frames + b";"
    with pytest.raises(DataError, match=r"must have 1 to 80,000,000 pixels; it has"):
        read_image(data)


def test_large_pictures_are_read_without_a_warning():
    """Pillow warns from 89 million pixels on; a scan may have more, and warnings are errors here."""
    data = saved(Image.new("1", (10_000, 9_000)), "png")
    assert read_image(data).shape == (9_000, 10_000)


@pytest.mark.parametrize("offset", [-8, 30], ids=["checksum", "pixels"])
def test_flipped_bits_are_found(offset, digit):
    """A PNG has checksums; they are looked at."""
    data = bytearray(saved(Image.fromarray(digit), "png", compress_level=0))
    data[data.index(b"IEND" if offset < 0 else b"IDAT") + offset] ^= 1
    with pytest.raises(DataError, match="damaged"):
        read_image(bytes(data))


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm"])
def test_truncated_files_are_refused(kind, digit):
    """Half a picture is no picture."""
    data = saved(Image.fromarray(np.tile(digit, (5, 5))), kind)
    with pytest.raises(DataError, match=r"the picture \(bytes\) is damaged"):
        read_image(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is empty"),
        (b"not a picture", r"must be a picture in PNG, .*begins with b'not a pictur'"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "must be a picture in PNG"),
        (b"%PDF-1.4", "must be a picture in PNG"),
        (b"GIF89a", "damaged"),
        (b"BMW", "damaged"),
        (b"RIFF1234WAVEfmt ", "damaged"),
    ],
)
def test_other_files_are_refused(tmp_path, data, message):
    """Each message names the file and what was expected."""
    path = tmp_path / "some.file"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no/such/file.png", r"there is no file no/such/file\.png"),
        ("bad\0name.png", "cannot be read|there is no file"),
        (3, "images must be an array, a path, a PIL image or a list of these; got int"),
        (None, "got NoneType"),
        (io.StringIO("text"), "must be open in binary mode"),
        (np.zeros((2, 3, 4, 5), np.uint8), r"must have shape .* got \(2, 3, 4, 5\)"),
        (np.zeros((2, 3, 7), np.uint8), r"must have shape .* got \(2, 3, 7\)"),
        (np.zeros((0, 3), np.uint8), "must have 1 to 200,000,000 pixels"),
        (np.zeros((2, 2), np.int64), r"must be uint8 in 0\.\.255 or float in 0\.\.1; got int64"),
        (np.zeros((2, 2), object), "got object"),
        (np.zeros((2, 2), complex), "got complex128"),
        (np.full((2, 2), 255.0), r"must lie in 0\.\.1; they lie in 255\.\.255"),
        (np.full((2, 2), np.nan), "they lie in nan"),
        (np.full((2, 2), -np.inf), "they lie in -inf"),
        (Image.new("L", (0, 5)), "must have 1 to 200,000,000 pixels"),
        (Image.fromarray(np.array([[70000]], np.int32)), "32-bit pixels, which must hold 0 to 255"),
        (Image.fromarray(np.array([[2.0]], np.float32)), r"floating pixels, which must lie in 0\.\.1"),
    ],
)
def test_what_is_no_picture_is_refused(source, message):
    """Every wrong source has its own sentence."""
    with pytest.raises(DataError, match=message):
        read_image(source)


def test_a_file_takes_no_more_memory_than_it_holds(tmp_path, digit):
    """Python sets aside what it is asked for, which was the 1 GiB that a file may have."""
    path = tmp_path / "seven.png"
    Image.fromarray(digit).save(path)
    tracemalloc.start()
    try:
        np.testing.assert_array_equal(read_image(path), digit)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="has no files that are longer than they say")
def test_a_file_that_is_longer_than_it_says_is_read_to_its_end():
    """As one that grows meanwhile."""
    assert os.stat("/proc/self/status").st_size == 0
    with pytest.raises(DataError, match=r"status must be a picture .* it begins with b'Name:\\t"):
        read_image("/proc/self/status")


def test_a_folder_is_refused(tmp_path):
    """A folder of pictures is a data set, not a picture."""
    with pytest.raises(DataError, match=f"{re.escape(str(tmp_path))} must be a picture file; it is a folder"):
        read_image(tmp_path)


def test_a_device_is_not_read():
    """A source without an end is refused before it is read."""
    if not Path("/dev/zero").exists():
        pytest.skip("this system has no /dev/zero")
    with pytest.raises(DataError, match="it is a device"):
        read_image("/dev/zero")


def test_sixteen_bit_tiff_with_white_as_zero_is_refused(digit):
    """Pillow would give the negative; a wrong polarity must not pass silently."""
    data = saved(Image.fromarray(digit.astype(np.uint16)), "tiff", tiffinfo={262: 0})
    with pytest.raises(DataError, match="0 means white"):
        read_image(data)


def test_all_bad_files_are_reported_at_once(tmp_path, digit):
    """Of k bad files exactly k are named, each with its reason."""
    good, bad, missing = tmp_path / "good.png", tmp_path / "bad.png", tmp_path / "missing.png"
    Image.fromarray(digit).save(good)
    bad.write_bytes(good.read_bytes()[:60])
    with pytest.raises(DataError, match="2 of 4 pictures cannot be read") as caught:
        read_images([good, bad, good, missing])
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 2
    assert lines[0].startswith(f"images[1]: {bad} is damaged")
    assert lines[1].startswith(f"images[3]: there is no file {missing}")


@pytest.mark.parametrize("images", [[], (), iter([]), pd.Series([], dtype=object)])
def test_no_images_are_an_error(images):
    """Nothing in, no empty answer out."""
    with pytest.raises(DataError, match=r"there are no images: got an empty (list|tuple|list_iterator)"):
        read_images(images)


def test_an_array_of_images_passes_untouched():
    """Whatever its values: the transforms check them."""
    images = np.linspace(0, 1, 24).reshape(2, 3, 4)
    assert read_images(images) is images


def test_batches_are_bounded_in_number_and_in_bytes(monkeypatch):
    """However many pictures there are, and however large."""
    many = iter_batches(np.zeros((600, 9, 7), np.uint8))
    assert [len(batch) for batch in many] == [256, 256, 88]
    monkeypatch.setattr("lenetkit.datasets._piles._BATCH_BYTES", 2 * 9 * 7)
    large = iter_batches(np.zeros((9, 7), np.uint8) for _ in range(7))
    assert [len(batch) for batch in large] == [3, 3, 1]


@given(
    data=st.binary(max_size=200), magic=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0", b"P5"])
)
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_a_picture_or_a_data_error(data, magic):
    """Nothing but DataError ever comes out of a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = read_image(magic + data)
    except DataError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim in (2, 3)


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7), way=st.sampled_from(sorted(WAYS)))
@settings(max_examples=100, deadline=None)
def test_any_flipped_bit_gives_a_picture_or_a_data_error(position, bit, way):
    """A damaged file is never worse than a DataError."""
    source = WAYS[way](np.arange(120, dtype=np.uint8).reshape(10, 12))
    if not isinstance(source, bytes):
        return
    data = bytearray(source)
    data[position % len(data)] ^= 1 << bit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert read_image(bytes(data)).dtype == np.uint8
    except DataError:
        pass
