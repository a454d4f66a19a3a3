"""Sheets: printed, filled in, photographed, and read as labelled images of numbered writers."""

import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.datasets.filled_sheets import alike, fill, photograph

from lenetkit import load_dataset
from lenetkit.cli import _commands
from lenetkit.datasets import draw_sheet, save_sheets
from lenetkit.datasets._sheets import find_sheet, read_sheet, sheet_layout
from lenetkit.exceptions import DataError, DataNotice, SettingError
from lenetkit.synthesis import draw_digits

DIGITS = draw_digits(300, seed=31)
EMPTY = frozenset({3, 44, 99})


def photo(number: int, seed: int, *, turn: int = 0, empty: frozenset[int] = frozenset()) -> tuple[bytes, list[int]]:
    rng = np.random.default_rng(seed)
    page, written = fill(DIGITS, number, rng, paper=("a4", "letter")[seed % 2], empty=empty)
    return photograph(page, rng, turn=turn), written


def test_photographs_of_sheets_are_a_data_set(tmp_path: Path) -> None:
    """From any side, on either paper: each box with its label and its writer, and the picture that stands in it."""
    expected: list[int] = []
    for index, number in enumerate((12, 5, 511, 12)):
        content, written = photo(number, index, turn=index)
        (tmp_path / f"IMG_{index}.jpg").write_bytes(content)
        expected += written
    found = load_dataset(tmp_path)
    assert found.labels.tolist() == [*np.repeat(np.arange(10), 10)] * 4
    assert found.groups is not None
    assert found.groups.tolist() == [*np.repeat((12, 5, 511, 12), 100)]
    assert found.images.shape == (400, 64, 64)
    right = [alike(box, DIGITS.images[index]) > 0.6 for box, index in zip(found.images, expected, strict=True)]
    assert np.mean(right) >= 0.99
    one = load_dataset(tmp_path / "IMG_2.jpg")
    assert np.array_equal(one.images, found.images[200:300])


@pytest.mark.parametrize("dots_per_inch", [100, 300])
def test_a_flat_scan_is_read(dots_per_inch: int) -> None:
    page = draw_sheet(88, dots_per_inch=dots_per_inch)
    sheet = find_sheet(page, "scan")
    assert sheet is not None
    assert sheet.number == 88
    boxes = read_sheet(page, sheet)
    assert (len(boxes.labels), boxes.n_empty, boxes.unreadable) == (0, 100, ())


def test_empty_and_unreadable_boxes_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    page, _ = fill(DIGITS, 4, rng, empty=EMPTY)
    scale = 150 / 25.4
    left, top = (np.array(page.shape[::-1]) / scale - (sheet_layout.WIDTH, sheet_layout.HEIGHT)) / 2
    x, y = (sheet_layout.box_places()[6, 1] + (left, top)) * scale
    page[round(y) - 35 : round(y) + 35, round(x) - 35 : round(x) + 35] = 30
    (tmp_path / "a.jpg").write_bytes(photograph(page, rng))
    with pytest.warns(DataNotice) as notices:
        found = load_dataset(tmp_path)
    said = "\n".join(str(notice.message) for notice in notices)
    assert "3 boxes of the sheets are empty" in said
    assert "a.jpg, row of 6, column 2" in said
    assert len(found) == 96
    assert np.bincount(found.labels).tolist() == [9, 10, 10, 10, 9, 10, 9, 10, 10, 9]


def test_other_pictures_are_no_sheets(tmp_path: Path) -> None:
    """Nor is a sheet without its cells, or with a wrong one."""
    rng = np.random.default_rng(0)
    assert find_sheet(rng.integers(0, 256, (900, 700), dtype=np.uint8), "noise") is None
    assert find_sheet(np.full((900, 700), 230, np.uint8), "blank") is None
    page = draw_sheet(9, dots_per_inch=100)
    scale = 100 / 25.4
    left, top = (np.array(page.shape[::-1]) / scale - (sheet_layout.WIDTH, sheet_layout.HEIGHT)) / 2
    for cell in (0, 7, 20):
        changed = page.copy()
        x, y = (sheet_layout.cell_places()[0, cell] + (left, top)) * scale
        part = changed[round(y) - 12 : round(y) + 12, round(x) - 12 : round(x) + 12]
        part[:] = 255 if part[12, 12] < 128 else 0
        assert find_sheet(changed, "a wrong cell") is None
    for label in range(4):
        (tmp_path / str(label)).mkdir()
        Image.fromarray(rng.integers(0, 256, (700, 700), dtype=np.uint8)).save(tmp_path / str(label) / "photo.png")
        Image.fromarray(rng.integers(0, 256, (700, 700), dtype=np.uint8)).save(tmp_path / f"{label}_photo.png")
    with pytest.warns(DataNotice, match="left out: 0_photo.png"):
        found = load_dataset(tmp_path)
    assert found.labels.tolist() == [0, 1, 2, 3]
    assert found.groups is None


def test_every_bad_photograph_is_named_with_what_to_do(tmp_path: Path) -> None:
    """A corner is missing, two sheets, none at all; the good one says which folder it is."""
    good, _ = photo(1, 0)
    (tmp_path / "0_good.jpg").write_bytes(good)
    page = draw_sheet(2, dots_per_inch=100)
    Image.fromarray(page[: -page.shape[0] // 8]).save(tmp_path / "1_low.png")
    cut = page.copy()
    cut[-200:, -200:] = 255
    Image.fromarray(cut).save(tmp_path / "2_corner.png")
    two = np.concatenate([draw_sheet(3, dots_per_inch=90), draw_sheet(4, dots_per_inch=90)], axis=1)
    Image.fromarray(two).save(tmp_path / "3_two.png")
    with pytest.raises(DataError) as caught:
        load_dataset(tmp_path)
    message = str(caught.value)
    assert "0_good.jpg" not in message
    assert "1_low.png shows no sheet with its four corner marks" in message
    assert "2_corner.png shows a sheet of which only three corner marks are seen" in message
    assert "3_two.png shows the sheets 3 and 4; photograph one sheet at a time" in message


def test_a_sheet_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet_layout.encode, "__defaults__", (3,))
    page = draw_sheet(6, dots_per_inch=100)
    monkeypatch.undo()
    Image.fromarray(page).save(tmp_path / "new.png")
    for path in (tmp_path, tmp_path / "new.png"):
        with pytest.raises(DataError, match=r"new.png shows a sheet of version 3, .* update lenetkit"):
            load_dataset(path)


def test_a_blank_sheet_has_nothing_to_learn(tmp_path: Path) -> None:
    save_sheets(tmp_path / "blank.png")
    with (
        pytest.warns(DataNotice, match="100 boxes"),
        pytest.raises(DataError, match="nothing is written on the sheets"),
    ):
        load_dataset(tmp_path)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 511])
def test_every_number_is_read_back(number: int) -> None:
    cells = sheet_layout.encode(number)
    assert sheet_layout.decode(np.stack([cells, ~cells])) == (number, sheet_layout.VERSION)
    for place in range(21):
        wrong = cells.copy()
        wrong[place] ^= True
        assert sheet_layout.decode(np.stack([wrong, ~wrong])) != (number, sheet_layout.VERSION)
        assert sheet_layout.decode(np.stack([wrong, ~cells])) is None


def test_no_row_of_cells_says_something_from_another_side() -> None:
    """Turned by half, the lower cells are above, from right to left: their start is no start."""
    for number in range(512):
        cells = sheet_layout.encode(number)
        turned = np.stack([~cells, cells])[:, ::-1]
        assert sheet_layout.decode(turned) is None


def test_sheets_are_saved_whole(tmp_path: Path) -> None:
    path = save_sheets(tmp_path / "class.pdf", sheets=3, first=9, paper="letter")
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page /") + content.count(b"/Type /Page>") >= 3 or (
        b"/Count 3" in content
    )
    with Image.open(save_sheets(tmp_path / "one.png", first=7)) as image:
        sheet = find_sheet(np.asarray(image), "one")
    assert sheet is not None
    assert sheet.number == 7
    for wrong, reason in (
        ({"path": tmp_path / "a.jpg"}, "saved as .pdf"),
        ({"path": tmp_path / "a.png", "sheets": 2}, "saved as .pdf"),
        ({"path": tmp_path / "a.pdf", "sheets": 0}, "sheets"),
        ({"path": tmp_path / "a.pdf", "first": 511, "sheets": 2}, "up to 511"),
        ({"path": tmp_path / "a.pdf", "paper": "a5"}, "a5"),
    ):
        with pytest.raises(SettingError, match=reason):
            save_sheets(**wrong)  # type: ignore[arg-type]
    assert {file.name for file in tmp_path.iterdir()} == {"class.pdf", "one.png"}


@pytest.mark.parametrize("wrong", [{"number": 512}, {"number": -1}, {"dots_per_inch": 10}, {"dots_per_inch": 5000}])
def test_a_sheet_that_cannot_be_drawn_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        draw_sheet(**wrong)


def test_the_command_prints_sheets_that_a_folder_of_photos_is_read_from(tmp_path: Path) -> None:
    run = CliRunner()
    done = run.invoke(_commands, ["sheet", "--output", str(tmp_path / "class.pdf"), "--sheets", "2", "--first", "30"])
    assert (done.exit_code, done.output) == (0, f"{tmp_path / 'class.pdf'}: sheets 30 to 31\n")
    done = run.invoke(_commands, ["sheet", "--output", str(tmp_path / "a.doc")])
    assert done.exit_code != 0
    assert ".pdf, .png" in str(done.exception)
    assert "lenetkit sheet --output sheet.pdf" in run.invoke(_commands, ["sheet", "--help"]).output


def test_large_and_coloured_photographs_are_read() -> None:
    """Twelve megapixels, as phones have."""
    content, written = photo(77, 6)
    with Image.open(io.BytesIO(content)) as image:
        large = np.asarray(
            image.resize((image.width * 3000 // max(image.size), image.height * 3000 // max(image.size)))
        )
    sheet = find_sheet(large, "large")
    assert sheet is not None
    assert sheet.number == 77
    assert len(read_sheet(large, sheet).labels) == len(written)
