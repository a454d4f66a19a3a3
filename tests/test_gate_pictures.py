"""What the pretrained gate learns from, and the file that keeps the gate for the next run."""

import hashlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import ImageFont
from scipy import ndimage

from lenetkit import Pipeline
from lenetkit.exceptions import SettingError
from lenetkit.synthesis import draw_digits

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tools() -> Iterator[dict[str, ModuleType]]:
    """Return the modules of ``tools`` that are tested."""
    pytest.importorskip("matplotlib")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        names = ("gate_pictures", "handwriting_fonts", "other_writing", "train_pretrained")
        yield {name: import_module(name) for name in names}


@pytest.fixture
def fonts(tools: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which only the families that teach are there; no other can be installed."""
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    digest = hashlib.sha256(font.font_bytes).hexdigest()
    lines = ["family,script,use,licence,package,version,file,sha256"]
    for family, use in (("teacher", "train"), ("referee", "judge")):
        lines.append(f"{family},Ours,{use},OFL-1.1,@fonts/{family},1.0.0,{family}.ttf,{digest}")
    (tmp_path / "scripts.csv").write_text("\n".join(lines) + "\n", "utf-8")
    lines = ["family,licence,package,version,file,sha256"]
    lines += [f"hand {n},OFL-1.1,@fonts/hand{n},1.0.0,hand{n}.ttf,{digest}" for n in range(10)]
    (tmp_path / "hands.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/teacher", *(f"hand{n}" for n in range(9))):
        (tmp_path / f"{name}.ttf").write_bytes(font.font_bytes)
    monkeypatch.setattr(tools["other_writing"], "LIST", tmp_path / "scripts.csv")
    monkeypatch.setattr(tools["other_writing"], "SCRIPTS", {"Ours": "ASK"})
    monkeypatch.setattr(tools["other_writing"], "LOOK_ALIKES", {"Ours": {"S": 5}})
    monkeypatch.setattr(tools["handwriting_fonts"], "LIST", tmp_path / "hands.csv")
    monkeypatch.setattr("shutil.which", lambda name: None)
    return tmp_path


def shrink(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each source give few pictures."""
    few = {"AMERICAN": 20, "REDUCED": 20, "SCRIPT_HANDS": 4, "SIGN_HANDS": 1}
    few |= {"CUT": 20, "PAIRS": 6, "TEXTURES": 6}
    for name, n in few.items():
        monkeypatch.setattr(tool, name, n)
    monkeypatch.setattr(tool, "DRAWN", {name: (28, kinds) for name, (_, kinds) in tool.DRAWN.items()})
    monkeypatch.setattr(tool, "POOR", {"reduce": 14, "grain": 14})


@pytest.mark.slow  # processes of their own draw the poor pictures
def test_gate_learns_from_every_source_and_no_font_that_judges(
    tools: dict[str, ModuleType], fonts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tools["gate_pictures"]
    shrink(tool, monkeypatch)
    drawn = draw_digits(50, seed=3)
    labels = drawn.labels.astype(np.int64)
    sources = dict(tool.draw_sources(drawn.images, labels, fonts, seed=5, faces=()))
    # A, S and K by four hands, without the S, which is our 5; 32 letters and 16 signs by nine families.
    assert (len(sources["scripts"]), len(sources["signs"])) == (8, 9 * 48)
    assert (len(sources["pairs"]), len(sources["textures"]), len(sources["drawn"])) == (6, 6, 28)
    assert len(sources["parts"]) > 0
    poor = dict(tool.make_poor(sources, seed=5))
    assert set(poor) == {"reduce", "grain"}
    everything = tool.collect_others(drawn.images, labels, fonts, seed=5, faces=())
    np.testing.assert_array_equal(everything, np.concatenate([*sources.values(), *poor.values()]))
    assert everything.dtype == np.uint8
    assert everything.shape[1:] == (28, 28)


@pytest.mark.slow  # processes of their own draw the poor pictures
def test_digits_of_the_gate_are_those_of_the_classifier_and_more_mixed(
    tools: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tools["gate_pictures"]
    shrink(tool, monkeypatch)
    digits = draw_digits(50, seed=3).images
    found = tool.collect_gate_digits(digits, seed=5)
    np.testing.assert_array_equal(found, tool.collect_gate_digits(digits, seed=5))
    assert 50 + 20 < len(found) <= 50 + 20 + 20
    rows = [np.flatnonzero((found == digit).all(axis=(1, 2)))[0] for digit in digits]
    assert min(rows) >= 20, "the drawn ones come first: what is held back is like what the classifier learns from"
    assert rows != sorted(rows)


def test_pairs_are_two_digits_that_touch_or_nearly_do(tools: dict[str, ModuleType]) -> None:
    digits = np.zeros((2, 28, 28), np.uint8)
    digits[:, 4:24, 10:18] = 200
    pairs = tools["gate_pictures"].draw_pairs(digits, 40, np.random.default_rng(0))
    widths = [len(np.flatnonzero(pair.any(axis=0))) for pair in pairs]
    assert set(widths) == {13, 14, 15, 16}
    assert all(ndimage.label(pair)[1] == 1 for pair in pairs)


def test_textures_are_as_many_kinds_as_pictures(tools: dict[str, ModuleType]) -> None:
    patches = tools["gate_pictures"].draw_textures(20, np.random.default_rng(0))
    assert len(np.unique(patches, axis=0)) == 20
    assert (patches.std(axis=(1, 2)) > 0).all()


def test_kept_gate_is_read_back_and_answers_alike(tools: dict[str, ModuleType], tmp_path: Path) -> None:
    tool = tools["train_pretrained"]
    images = draw_digits(5, seed=1).images
    rejecting = Pipeline.pretrained("digits")._check_fitted().rejecting
    assert rejecting is not None
    gate = rejecting[1]
    tool.save_gate(tmp_path / "gate.npz", gate)
    tool.save_gate(tmp_path / "again.npz", gate)
    assert (tmp_path / "gate.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    # No data and no fonts are asked for where the gate is there.
    read = tool.train_or_load_gate(None, tmp_path / "gate.npz", None)
    assert (read.tflite, read.threshold) == (gate.tflite, gate.threshold)
    np.testing.assert_array_equal(
        read.digit_probability(images[..., np.newaxis]), gate.digit_probability(images[..., np.newaxis])
    )


def test_other_digits_are_those_that_are_asked_for(tools: dict[str, ModuleType]) -> None:
    """Of fonts only where they are wanted."""
    tool = tools["train_pretrained"]
    usual = tool.Others(continental=20, school=10, varied=0, printed=10, written=0, reduced=5)
    images, labels = tool.other_digits(None, usual)
    assert (images.shape, images.dtype, labels.shape) == ((40, 28, 28), np.uint8, (40,))
    assert np.bincount(labels, minlength=10).min() > 0
    with pytest.raises(SettingError, match="no folder of fonts was given"):
        tool.other_digits(None, usual._replace(written=10))


def test_training_a_gate_asks_for_the_fonts(
    tools: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["train_pretrained.py", "--data", str(tmp_path), "--gate", str(tmp_path / "new")])
    with pytest.raises(SystemExit):
        tools["train_pretrained"].main()
    assert "give --fonts FOLDER, or --gate FILE" in capsys.readouterr().err


def test_the_gate_is_trained_beside_lenet_5(
    tools: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the other network's instructions it would be another gate."""
    given = ["--data", str(tmp_path), "--fonts", str(tmp_path), "--name", "digits-accurate"]
    monkeypatch.setattr("sys.argv", ["train_pretrained.py", *given])
    with pytest.raises(SystemExit):
        tools["train_pretrained"].main()
    assert "give --gate FILE, from a run for digits" in capsys.readouterr().err
