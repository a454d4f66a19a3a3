"""Descriptions of transforms for other languages: complete, plain, and right: a port written by them agrees."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenetkit.exceptions import SettingError
from lenetkit.synthesis import draw_digits
from lenetkit.transforms import (
    Compose,
    Grayscale,
    MnistNormalize,
    Pad,
    Resize,
    Standardize,
    create_transform,
    describe_transform,
    list_transforms,
    register_transform,
    transform_from_dict,
    transform_to_dict,
)

PORT = Path(__file__).parents[2] / "docs" / "use" / "normalize_port.py"


@pytest.fixture(scope="module")
def port() -> ModuleType:
    """Return the program of the documentation's page on other languages."""
    if not PORT.exists():
        pytest.skip("the documentation is not here")
    found = importlib.util.spec_from_file_location("normalize_port", PORT)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", list_transforms())
def test_every_transform_says_its_steps_in_plain_values(name: str) -> None:
    """And with what is needed to make it again."""
    transform = create_transform(name)
    if name == "standardize":
        transform.fit(np.arange(8, dtype=np.uint8).reshape(2, 2, 2))
    described = describe_transform(transform)
    assert described["steps"] or name == "compose"  # of none
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    steps = described.pop("steps")
    assert described == transform_to_dict(transform)
    assert repr(transform_from_dict(described)) == repr(transform)
    for step in steps:
        assert isinstance(step, str) or step.get("name") or (step["stage"] and step["steps"])


def test_steps_inside_of_steps_are_described_too() -> None:
    """However deep."""
    nested = Compose([Compose([Grayscale(), Pad(1)]), Pad(2)])
    inner, last = describe_transform(nested)["steps"]
    assert inner["steps"] == [describe_transform(Grayscale()), describe_transform(Pad(1))]
    assert last == describe_transform(Pad(2))


def test_settings_stand_in_the_sentences() -> None:
    """Not the defaults."""
    assert "3 rows above, 4 below, 5 columns on the left and 6 on the right, of the level 128" in str(
        describe_transform(Pad((3, 4, 5, 6), background=0.5))
    )
    assert "middle of 20 x 30" in str(describe_transform(Resize((20, 30))))
    stages = [stage["stage"] for stage in describe_transform(MnistNormalize(stroke=False))["steps"]]
    assert "stroke" not in stages
    assert stages[-1] == "centre"


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_the_formula_of_grey_is_what_is_computed(red: int, green: int, blue: int) -> None:
    """For any colour."""
    (step,) = describe_transform(Grayscale())["steps"]
    formula = step.partition(": ")[2].partition(";")[0]
    for name, level in {"red": red, "green": green, "blue": blue}.items():
        formula = formula.replace(f" {name}", f" * {level}")
    grey = Grayscale()(np.array([[[[red, green, blue]]]], np.uint8))
    assert int(grey[0, 0, 0]) == eval(formula)


@pytest.mark.parametrize("per_channel", [False, True])
def test_the_formula_of_standardize_is_what_is_computed(per_channel: bool) -> None:
    """With what was learnt; to the last bits of float32."""
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    transform = Standardize(per_channel=per_channel).fit(images)
    steps = describe_transform(transform)["steps"]
    assert len(steps) == (3 if per_channel else 1)
    for channel, step in enumerate(steps):
        formula = step.partition("out = ")[2].partition(",")[0].replace("in", "images[..., channel]")
        expected = transform(images)[..., channel]
        np.testing.assert_allclose(eval(formula), expected, atol=1e-5)


def test_a_transform_of_a_plug_in_may_describe_itself_or_not() -> None:
    """Without the method the first line of its docstring must do."""

    @register_transform("test_silent", replace=True)
    @attrs.frozen(kw_only=True)
    class Silent:
        """Do nothing.

        At length.
        """

        def __call__(self, images: Any) -> Any:
            return images

    @register_transform("test_talking", replace=True)
    @attrs.frozen(kw_only=True)
    class Talking(Silent):
        def describe_steps(self) -> list[dict[str, int]]:
            return [{"nothing": 0}]

    assert describe_transform(Silent())["steps"] == ["Do nothing."]
    assert describe_transform(Talking())["steps"] == [{"nothing": 0}]


@pytest.mark.parametrize("given", [[float("nan")], [object()], 3, None, lambda: 1 / 0])
def test_a_description_that_is_none_is_named(given: Any) -> None:
    """Before a file is written that no other program could read."""

    @register_transform("test_wrong", replace=True)
    @attrs.frozen(kw_only=True)
    class Wrong:
        def __call__(self, images: Any) -> Any:
            return images

        def describe_steps(self) -> Any:
            return given() if callable(given) else given

    with pytest.raises(SettingError, match=r"Wrong\(\) cannot be described: its method describe_steps\(\) must return"):
        describe_transform(Wrong())


def assert_agree(port: ModuleType, picture: np.ndarray) -> None:
    expected = MnistNormalize()([picture])[0].astype(int)
    found = port.normalise(picture).astype(int)
    # Matrix products may be summed in another order elsewhere.
    assert np.abs(found - expected).max() <= 1


def test_the_program_of_the_docs_gives_the_images_of_mnist_normalize(port: ModuleType) -> None:
    """On its own test pictures, and on a page without ink."""
    for picture in port.pictures().values():
        assert port.normalise(picture).any()
        assert_agree(port, picture)
    for blank in (np.full((40, 30), 200, np.uint8), np.full((3, 3), 9, np.uint8)):
        assert_agree(port, blank)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.sampled_from([28, 40, 64, 90]), st.booleans(), st.integers(0, 40), st.integers(120, 215))
def test_a_port_by_the_description_agrees_on_drawn_digits(
    port: ModuleType, seed: int, side: int, inverted: bool, ink: int, contrast: int
) -> None:
    """Of any size and polarity, on plain paper."""
    from PIL import Image

    digit = Image.fromarray(draw_digits(1, seed=seed).images[0]).resize((side, side))
    picture = np.pad((ink + np.asarray(digit) * (contrast / 255)).astype(np.uint8), ((5, 9), (7, 4)), mode="edge")
    assert_agree(port, 255 - picture if inverted else picture)


def test_the_program_runs_alone(port: ModuleType) -> None:
    """It needs nothing of the library."""
    assert "lenetkit" not in {name for name in port.__dict__ if not name.startswith("_")}
    assert "import lenetkit" not in PORT.read_text()
    assert sys.modules.get("normalize_port") is None


def test_the_formula_of_colour_is_what_is_computed() -> None:
    """A yellow pen on bluish paper, small enough not to be shrunk."""
    rng = np.random.default_rng(2)
    picture = np.broadcast_to(np.array([200, 210, 235]), (50, 61, 3)) + rng.integers(-6, 7, (50, 61, 3))
    picture[10:40, 28:33] = (225, 205, 60)
    levels = picture.astype(np.uint8).astype(np.int64)
    size = max(3, 61 // 8 | 1)
    mirrored = np.pad(levels, ((size // 2,) * 2, (size // 2,) * 2, (0, 0)), mode="symmetric")
    rows = sum(mirrored[k : k + 50] for k in range(size)) // size
    details = levels - sum(rows[:, k : k + 61] for k in range(size)) // size
    products = np.einsum("hwc,hwd->cd", details, details) + 0.001
    v = np.linalg.eigh(products)[1][:, -1]
    w = v * np.sign(v.sum()) / np.abs(v).sum()
    grey = np.rint(np.clip(levels @ w - 255 * np.minimum(w, 0).sum(), 0, 255))
    found = MnistNormalize().steps(picture.astype(np.uint8))["grey"]
    assert np.abs(grey - found).max() <= 1
    assert (grey != found).mean() < 0.01
