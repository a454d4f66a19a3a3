"""Writing that shows none of our digits: the fonts of other scripts, what is drawn from them, and judging a gate."""

import csv
import hashlib
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import ImageFont

from lenetkit.exceptions import DataError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def scripts() -> Iterator[dict[str, ModuleType]]:
    """Return the modules of ``tools`` and ``benchmarks`` that are tested."""
    pytest.importorskip("matplotlib")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        patch.syspath_prepend(ROOT / "tools")
        yield {name: import_module(name) for name in ("handwriting_fonts", "other_writing", "gate")}


@pytest.fixture
def fonts(scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with Pillow's own font as two families of a script of three letters, of which S is our 5."""
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    lines = ["family,script,use,licence,package,version,file,sha256"]
    (tmp_path / "scripts").mkdir()
    for family, use in (("teacher", "train"), ("referee", "judge")):
        (tmp_path / "scripts" / f"{family}.ttf").write_bytes(font.font_bytes)
        digest = hashlib.sha256(font.font_bytes).hexdigest()
        lines.append(f"{family},Ours,{use},OFL-1.1,@fonts/{family},1.0.0,{family}.ttf,{digest}")
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n", "utf-8")
    tool = scripts["other_writing"]
    monkeypatch.setattr(tool, "LIST", tmp_path / "list.csv")
    monkeypatch.setattr(tool, "SCRIPTS", {"Ours": "ASK"})
    monkeypatch.setattr(tool, "LOOK_ALIKES", {"Ours": {"S": 5}})
    return tmp_path


def test_list_pins_each_font_with_free_licence(scripts: dict[str, ModuleType]) -> None:
    tool = scripts["other_writing"]
    with tool.LIST.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for column in ("family", "package", "file", "sha256"):
        values = [row[column] for row in rows]
        assert len(set(values)) == len(values), column
    for row in rows:
        assert row["licence"] in scripts["handwriting_fonts"].LICENCES, row
        assert re.fullmatch(r"[0-9a-f]{64}", row["sha256"]), row
        assert re.fullmatch(r"\d+\.\d+\.\d+", row["version"]), row
        assert re.fullmatch(r"@[a-z-]+/[a-z0-9-]+", row["package"]), row
    # No family of a script that judges may have taught.
    assert {row["script"] for row in rows} == set(tool.SCRIPTS)
    for script in tool.SCRIPTS:
        assert {row["use"] for row in rows if row["script"] == script} == {"train", "judge"}, script


def test_look_alikes_are_digits_of_their_script(scripts: dict[str, ModuleType]) -> None:
    tool = scripts["other_writing"]
    for script, these in tool.LOOK_ALIKES.items():
        assert set(these) <= set(tool.SCRIPTS[script]), script
        assert set(these.values()) <= set(range(10)), script


def test_scripts_are_drawn_from_the_families_of_one_use(scripts: dict[str, ModuleType], fonts: Path) -> None:
    tool = scripts["other_writing"]
    teaching, judging = (tool.draw_scripts(fonts, use, hands=4, seed=3) for use in ("train", "judge"))
    assert set(teaching.families) == {"teacher"}
    assert set(judging.families) == {"referee"}
    assert "".join(judging.characters) == "ASK" * 4
    assert "".join(judging.characters[judging.alike]) == "S" * 4
    assert judging.images.dtype == np.uint8
    assert len(np.unique(judging.images, axis=0)) == len(judging.images) == 12
    again = tool.draw_scripts(fonts, "judge", hands=4, seed=3)
    np.testing.assert_array_equal(again.images, judging.images)
    assert (teaching.images != judging.images).any(axis=(1, 2)).all()


def test_font_without_a_digit_of_its_script_is_refused(
    scripts: dict[str, ModuleType], fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts["other_writing"], "SCRIPTS", {"Ours": "A๓"})
    with pytest.raises(DataError, match="the font teacher has no character ๓"):
        scripts["other_writing"].draw_scripts(fonts, "train", hands=1)


def test_parts_are_halves_of_the_ink(scripts: dict[str, ModuleType]) -> None:
    images = np.zeros((3, 28, 28), np.uint8)
    images[:, 4:24, 10:18] = 200
    parts, names = scripts["other_writing"].cut_parts(images, np.array([0, 1, 8]))
    assert names.tolist() == ["0 upper", "0 lower", "8 left"]
    boxes = [np.argwhere(part) for part in parts]
    assert [(box.min(axis=0).tolist(), box.max(axis=0).tolist()) for box in boxes] == [
        ([4, 10], [13, 17]),
        ([14, 10], [23, 17]),
        ([4, 10], [23, 13]),
    ]
    assert (images.any(axis=(1, 2))).all(), "the images that were given stay whole"


def test_false_acceptance_is_taken_where_95_percent_of_digits_are_accepted(scripts: dict[str, ModuleType]) -> None:
    digits = np.arange(100.0)
    others = np.array([-1.0, 4.0, 5.0, 6.0])
    assert scripts["gate"].accepted_at(digits, others) == 0.5  # 5 and 6


def test_textures_show_no_two_alike(scripts: dict[str, ModuleType]) -> None:
    patches = scripts["gate"].draw_textures(20)
    assert len(np.unique(patches, axis=0)) == 20
    assert (patches.std(axis=(1, 2)) > 1).all()
