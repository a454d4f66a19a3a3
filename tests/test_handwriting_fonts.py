"""Handwriting fonts for training: the list, installing with a stand-in for npm, and the digits drawn from them."""

import hashlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import ImageFont

from lenetkit.exceptions import DataError, DownloadError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Return ``tools/handwriting_fonts.py``."""
    spec = importlib.util.spec_from_file_location("handwriting_fonts", ROOT / "tools" / "handwriting_fonts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fonts(tool: ModuleType) -> dict[str, ImageFont.FreeTypeFont]:
    """Return Pillow's own font under two names."""
    font = ImageFont.load_default(2 * tool.DRAWN_LONG)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return {"First": font, "Second": font}


@pytest.fixture(scope="module")
def hands(tool: ModuleType, fonts: dict[str, ImageFont.FreeTypeFont]) -> Any:
    return tool.render(fonts, seed=3)


@pytest.fixture
def listed(tool: ModuleType) -> Any:
    """Return a font of a list: the bytes ``of a font``."""
    return tool.Font(
        "A Hand", "OFL-1.1", "@fonts/a-hand", "1.2.3", "files/a.woff", hashlib.sha256(b"of a font").hexdigest()
    )


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a shell script in npm's place."""

    def _npm(script: str) -> None:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return _npm


def test_list_pins_each_font_with_free_licence(tool: ModuleType) -> None:
    fonts = tool.read_list()
    assert len(fonts) >= 60
    for column in ("family", "package", "sha256", "path"):
        values = [getattr(font, column) for font in fonts]
        assert len(set(values)) == len(values), column
    for font in fonts:
        assert font.licence in tool.LICENCES, font
        assert re.fullmatch(r"[0-9a-f]{64}", font.sha256), font
        assert re.fullmatch(r"\d+\.\d+\.\d+", font.version), font
        assert re.fullmatch(r"@[a-z-]+/[a-z-]+", font.package), font
        assert Path(font.file).suffix in {".woff", ".ttf"}, font
        assert ".." not in font.file, font
    assert [font.family for font in fonts] == sorted((font.family for font in fonts), key=str.lower)


def test_missing_fonts_are_installed_once_at_their_version(
    tool: ModuleType, listed: Any, npm: Callable[[str], None], tmp_path: Path
) -> None:
    npm(
        f'echo "$@" >> {tmp_path}/asked; mkdir -p node_modules/@fonts/a-hand/files; '
        "printf 'of a font' > node_modules/@fonts/a-hand/files/a.woff"
    )
    folder = tmp_path / "fonts"
    for _ in range(2):
        assert tool.fetch(folder, [listed]) == {"A Hand": folder / "a-hand.woff"}
    assert (folder / "a-hand.woff").read_bytes() == b"of a font"
    assert [path.name for path in folder.iterdir()] == ["a-hand.woff"]
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert len(asked) == 1
    assert asked[0].endswith(" @fonts/a-hand@1.2.3")
    assert "--ignore-scripts" in asked[0]


def test_installed_file_with_another_hash_is_refused_and_not_kept(
    tool: ModuleType, listed: Any, npm: Callable[[str], None], tmp_path: Path
) -> None:
    npm("mkdir -p node_modules/@fonts/a-hand/files; printf 'of another' > node_modules/@fonts/a-hand/files/a.woff")
    with pytest.raises(DataError, match=r"is not the font A Hand of @fonts/a-hand 1\.2\.3: its SHA-256 should be"):
        tool.fetch(tmp_path / "fonts", [listed])
    assert list((tmp_path / "fonts").iterdir()) == []


def test_changed_file_in_the_folder_is_refused(tool: ModuleType, listed: Any, tmp_path: Path) -> None:
    (tmp_path / "a-hand.woff").write_bytes(b"of another")
    found = hashlib.sha256(b"of another").hexdigest()
    with pytest.raises(DataError, match=rf"a-hand\.woff is not the font A Hand .* is {found}\. Delete it"):
        tool.fetch(tmp_path, [listed])


def test_failing_npm_is_reported_in_its_words(
    tool: ModuleType, listed: Any, npm: Callable[[str], None], tmp_path: Path
) -> None:
    npm("echo 'no such version' >&2; exit 1")
    with pytest.raises(DownloadError, match=r"npm could not install 1 fonts; it said:\nno such version"):
        tool.fetch(tmp_path / "fonts", [listed])


def test_package_without_the_file_is_reported(
    tool: ModuleType, listed: Any, npm: Callable[[str], None], tmp_path: Path
) -> None:
    npm("exit 0")
    with pytest.raises(DataError, match=r"A Hand of @fonts/a-hand 1\.2\.3 is not there: .* has no a\.woff"):
        tool.fetch(tmp_path / "fonts", [listed])


def test_missing_npm_is_reported(
    tool: ModuleType, listed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DownloadError, match=r"npm .* is not on the PATH"):
        tool.fetch(tmp_path / "fonts", [listed])


def test_each_font_gives_hands_with_all_digits(tool: ModuleType, hands: Any) -> None:
    count = 2 * tool.HANDS
    assert hands.images.shape == (count * 10 * tool.WRITINGS, tool.SIDE, tool.SIDE)
    assert hands.images.dtype == np.uint8
    assert list(hands.names) == ["First"] * tool.HANDS + ["Second"] * tool.HANDS
    datasets = hands.datasets()
    assert len(datasets) == count
    for dataset in datasets:
        assert np.bincount(dataset.labels).tolist() == [tool.WRITINGS] * 10
    frame = np.ones((tool.SIDE, tool.SIDE), bool)
    frame[1:-1, 1:-1] = False
    assert not hands.images[:, frame].any(), "a digit is cut off"
    assert (hands.images.max(axis=(1, 2)) > 200).all()


def test_hand_writes_a_digit_alike_and_no_two_are_the_same(tool: ModuleType, hands: Any) -> None:
    assert len(np.unique(hands.images.reshape(len(hands.images), -1), axis=0)) == len(hands.images)

    def _away(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
        return float(np.abs(first.astype(float).mean(axis=0) - second.astype(float).mean(axis=0)).mean())

    digits = hands.images.reshape(2 * tool.HANDS, 10, tool.WRITINGS, tool.SIDE, tool.SIDE)
    half = tool.WRITINGS // 2
    same = np.mean([_away(digit[:half], digit[half:]) for hand in digits for digit in hand])
    other = np.mean(
        [_away(digits[a, d, :half], digits[a - 1, d, half:]) for a in range(len(digits)) for d in range(10)]
    )
    assert same < 0.7 * other


def test_bytes_follow_from_seed_and_family_alone(
    tool: ModuleType, hands: Any, fonts: dict[str, ImageFont.FreeTypeFont]
) -> None:
    alone = tool.render({"Second": fonts["Second"]}, seed=3)
    np.testing.assert_array_equal(alone.images, hands.images[hands.names[hands.hands] == "Second"])
    other = tool.render({"Second": fonts["Second"]}, seed=4)
    assert (alone.images != other.images).any(axis=(1, 2)).all()


def make_boxes(path: Path, characters: str, *, right: int) -> None:
    """Save a font whose characters are boxes from 50 to `right`."""
    pytest.importorskip("fontTools")
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    def _box(width: int) -> Any:
        pen = TTGlyphPen(None)
        pen.moveTo((50, 0))
        for corner in ((50, 700), (width, 700), (width, 0)):
            pen.lineTo(corner)
        pen.closePath()
        return pen.glyph()

    names = {ord(character): f"character{index}" for index, character in enumerate(characters)}
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", *names.values()])
    builder.setupCharacterMap(names)
    builder.setupGlyf({".notdef": _box(300), **{name: _box(right) for name in names.values()}})
    builder.setupHorizontalMetrics(dict.fromkeys([".notdef", *names.values()], (600, 50)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)


def test_font_without_a_digit_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    make_boxes(tmp_path / "boxes.ttf", "012345689", right=500)
    with pytest.raises(DataError, match="the font Boxes has no character 7"):
        tool.render({"Boxes": tool.open_font(tmp_path / "boxes.ttf")})


def test_hairlines_are_drawn(tool: ModuleType, tmp_path: Path) -> None:
    """Their ink was lost, and with it the width of their strokes, so that rubbish was drawn."""
    make_boxes(tmp_path / "hairlines.ttf", "A", right=54)
    font = tool.open_font(tmp_path / "hairlines.ttf")
    (images,) = tool.write_hands(font, "Hairlines", "A", 1, 2, seed=0)
    assert images.max(axis=(1, 2)).min() > 150
    assert ((images > 100).mean(axis=(1, 2)) < 0.2).all()


def test_hands_are_kept_and_drawn_anew_for_another_seed(
    tool: ModuleType, fonts: dict[str, ImageFont.FreeTypeFont], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The folder holds the only font of a list of one.
    content = fonts["First"].font_bytes
    (tmp_path / "mine.ttf").write_bytes(content)
    listing = tmp_path / "list.csv"
    listing.write_text(
        "family,licence,package,version,file,sha256\n"
        f"Mine,OFL-1.1,@fonts/mine,1.0.0,mine.ttf,{hashlib.sha256(content).hexdigest()}\n",
        "utf-8",
    )
    monkeypatch.setattr(tool, "LIST", listing)
    first = tool.font_datasets(tmp_path, seed=1)
    stamp = (tmp_path / "hands.npz").stat().st_mtime_ns
    again = tool.font_datasets(tmp_path, seed=1)
    assert (tmp_path / "hands.npz").stat().st_mtime_ns == stamp
    assert [dataset.fingerprint for dataset in again] == [dataset.fingerprint for dataset in first]
    other = tool.font_datasets(tmp_path, seed=2)
    assert {dataset.fingerprint for dataset in other}.isdisjoint(dataset.fingerprint for dataset in first)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hands.npz", "list.csv", "mine.ttf"]
