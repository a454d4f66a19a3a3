"""Tests for ``diagnosis``: what sets images apart from the training images, and every stage of one image."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import lenetkit
from lenetkit import Pipeline
from lenetkit.bundle import read_bundle, write_bundle
from lenetkit.diagnosis import Diagnosis, Finding, compute_reference, describe_images, diagnose, trace
from lenetkit.diagnosis._pictures import FittedPipeline
from lenetkit.exceptions import DataError, NotFittedError, SettingError
from lenetkit.plotting import plot_trace
from lenetkit.synthesis import draw_digits
from lenetkit.transforms import Compose, Grayscale, Invert, Look, Rescale, Resize

# Reads 4 x 4 pixels as drei, eins or zwölf.
SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """Return drawn digits, bright on black, as MNIST's are."""
    return draw_digits(400, styles="american", seed=1).images


@pytest.fixture(scope="module")
def reference(digits: np.ndarray) -> dict[str, Any]:
    """Return what a pipeline trained on such digits would keep."""
    return compute_reference(digits)


@pytest.fixture(scope="module")
def pipe() -> FittedPipeline:
    """Return a fitted pipeline for pictures of any size, grey or in colours."""
    return with_steps(Grayscale(), Resize((28, 28)), Rescale())


@attrs.frozen
class Sample:
    """The sample with other transforms. Diagnosis does not ask the model, which takes 4 x 4 pixels."""

    transforms_: Compose
    classes_: np.ndarray = attrs.field(factory=lambda: Pipeline.load(SAMPLE).classes_)

    def predict_proba(self, images: Any) -> np.ndarray:
        return Pipeline.load(SAMPLE).predict_proba(images)

    def looks(self, images: Any) -> list[tuple[Look, ...]]:
        return [(Look(done="", image=image, sureness=1.0, taken=True),) for image in self.transforms_(images)]


def with_steps(*steps: Any) -> FittedPipeline:
    return Sample(Compose(steps))


def bar(height: int = 28, width: int = 28, box: tuple[int, int, int, int] = (4, 24, 12, 16)) -> np.ndarray:
    """Return one image with a white box (top, bottom, left, right) on black."""
    image = np.zeros((1, height, width), np.uint8)
    image[:, box[0] : box[1], box[2] : box[3]] = 255
    return image


# describe_images


def test_a_bar_is_measured() -> None:
    """A stroke of 4 x 20 pixels in the middle of 28 x 28."""
    found = {name: values[0] for name, values in describe_images(bar()).items()}
    assert (found["contrast"], found["paper"], found["light"], found["noise"]) == (1, 0, 0, 0)
    assert found["ink_share"] == 4 * 20 / 28**2
    assert found["size"] == 20 / 28
    assert found["width"] == 4 / 20
    assert found["centre"] == pytest.approx(0, abs=1e-6)
    assert found["stroke"] == pytest.approx(2 * 80 / 48, rel=0.03)
    assert (found["border"], found["pieces"], found["second_piece"]) == (0, 1, 0)


@pytest.mark.parametrize(
    ("box", "measure", "value"),
    [
        ((4, 24, 20, 24), "centre", 8 / 28),
        ((0, 24, 12, 16), "border", 4 / 108),
        ((4, 24, 8, 20), "stroke", 2 * 240 / 64),
        ((12, 16, 12, 16), "size", 4 / 28),
    ],
)
def test_other_bars_are_told_apart(box: tuple[int, int, int, int], measure: str, value: float) -> None:
    """By where they are, how wide and how large."""
    assert describe_images(bar(box=box))[measure][0] == pytest.approx(value, rel=0.03)


def test_pieces_touch_at_corners_and_are_compared_by_area() -> None:
    """Three pieces, the second half as large as the first; what touches at a corner is one."""
    image = bar(box=(2, 12, 2, 6))
    image[0, 12:14, 6:8] = 255
    image[0, 2:12, 20:22] = 255
    image[0, 25, 25] = 255
    found = describe_images(image)
    assert found["pieces"].tolist() == [3]
    assert found["second_piece"][0] == pytest.approx(20 / 44)


def test_a_shadow_and_noise_are_seen_on_the_paper() -> None:
    """The right half of the paper is brighter by 0.2; another paper has steps of 0.1 everywhere."""
    shadow = bar()[0] / 255.0
    shadow[:, 14:] = np.maximum(shadow[:, 14:], 0.2)
    noisy = np.maximum(bar()[0] / 255.0, np.indices((28, 28)).sum(axis=0) % 2 * 0.1)
    found = describe_images(np.stack([shadow, noisy]))
    assert found["light"] == pytest.approx([0.2, 0], abs=1e-6)
    assert found["noise"][0] < 0.01
    assert found["noise"][1] == pytest.approx(0.1)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_of_a_blank_picture_only_the_paper_is_known(level: int) -> None:
    """There is no ink to measure."""
    found = describe_images(np.full((1, 9, 7), level, np.uint8))
    assert found["paper"][0] == pytest.approx(level / 255)
    assert abs(found["contrast"][0]) < 1e-6
    assert all(np.isnan(found[name][0]) for name in ("ink_share", "size", "centre", "stroke", "border", "pieces"))


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_inverting_changes_the_contrasts_sign_and_the_paper_only(seed: int) -> None:
    """All other measures ask for ink, of whatever colour."""
    images = draw_digits(3, seed=seed).images
    there, back = describe_images(images), describe_images(255 - images)
    assert np.allclose(there.pop("contrast"), -back.pop("contrast"), atol=1e-6)
    assert np.allclose(there.pop("paper"), 1 - back.pop("paper"), atol=1e-6)
    for name, values in there.items():
        assert np.allclose(values, back[name], atol=1e-4), name


def test_company_type_and_channels_do_not_matter(digits: np.ndarray) -> None:
    """Each image is measured by itself, as uint8 or float, with one channel or three alike."""
    expected = describe_images(digits)
    for name in expected:
        alone = [describe_images(image[np.newaxis])[name][0] for image in digits[:20]]
        assert np.allclose(alone, expected[name][:20], atol=1e-6), name
        for other in (digits / 255, digits[..., np.newaxis], np.repeat(digits[..., np.newaxis], 3, axis=3)):
            assert np.allclose(describe_images(other[:20])[name], expected[name][:20], atol=1e-4), name


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28), np.uint8), r"numbers of shape .*; got uint8 of \(28, 28\)"),
        (np.zeros((0, 28, 28), np.uint8), r"at least one pixel; got uint8 of \(0, 28, 28\)"),
        (np.zeros((1, 2, 2), bool), "numbers of shape .*; got bool"),
        (np.full((1, 2, 2), np.nan), "finite numbers only; got NaN or infinity"),
    ],
)
def test_what_cannot_be_measured_is_refused(images: np.ndarray, message: str) -> None:
    """With the shape or value that was found."""
    with pytest.raises(DataError, match=message):
        describe_images(images)


# compute_reference


def test_the_old_name_of_compute_reference_works_for_one_minor_release() -> None:
    """And says where the name is now."""
    with pytest.warns(DeprecationWarning, match=r"use lenetkit\.diagnosis\.compute_reference"):
        old: object = lenetkit.diagnosis.reference_of
    assert old is compute_reference


def test_a_reference_is_plain_and_depends_on_no_order(digits: np.ndarray, reference: dict[str, Any]) -> None:
    """JSON gives it back, and the same images in another order give it again."""
    assert json.loads(json.dumps(reference, allow_nan=False)) == reference
    assert compute_reference(digits[::-1]) == reference
    assert (reference["n"], reference["shape"], reference["bright_ink"]) == (400, [28, 28], 1.0)
    assert all(low <= middle <= high for low, middle, high in reference["measures"].values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "of version 1; got version 2. Make it again"),
        ({"measures": {}}, "its measures are others than contrast, "),
        ({"shape": [28]}, "its shape is invalid"),
        ({"shape": "xx"}, "its shape is invalid"),
        ({"bright_ink": float("nan")}, "its bright_ink is invalid"),
    ],
)
def test_a_damaged_reference_is_refused(
    pipe: FittedPipeline, reference: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    """It may come from a stranger's file."""
    with pytest.raises(DataError, match=message):
        diagnose(bar(), pipe, reference={**reference, **changes})
    with pytest.raises(DataError, match="returns; got int"):
        diagnose(bar(), pipe, reference=5)  # type: ignore[arg-type]
    worse = {**reference["measures"], "size": [1, 2, None]}
    with pytest.raises(DataError, match="its size is invalid"):
        diagnose(bar(), pipe, reference={**reference, "measures": worse})


# diagnose


def test_images_like_the_training_images_are_passed(pipe: FittedPipeline, reference: dict[str, Any]) -> None:
    """Digits by the same pen that were not among them."""
    others = draw_digits(400, styles="american", seed=2).images
    diagnosis = diagnose(others, pipe, reference=reference)
    assert len({finding.image for finding in diagnosis.findings}) <= 12, diagnosis.problems


def shaded(images: np.ndarray) -> np.ndarray:
    slope = np.linspace(0, 0.5, 28)
    return (255 * np.maximum(images / 255, slope)).astype(np.uint8)


def grey_noise(images: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.12, images.shape)
    return (255 * (0.25 + images / 255 * 0.75 + noise).clip(0, 1)).astype(np.uint8)


def on_canvas(images: np.ndarray, top: int, left: int) -> np.ndarray:
    canvas = np.zeros((len(images), 84, 84), np.uint8)
    canvas[:, top : top + 28, left : left + 28] = images
    return canvas


def in_green_on_red(images: np.ndarray) -> np.ndarray:
    ink = images[..., np.newaxis] > 127
    return np.where(ink, np.array([255, 20, 0], np.uint8), np.array([0, 150, 0], np.uint8))


def with_specks(images: np.ndarray) -> np.ndarray:
    out = images.copy()
    out[:, 1:28:4, 1:28:4] = 255
    return out


DISEASES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str, str, str]] = {
    "inverted": (lambda x: 255 - x, "polarity", "dark on light; the model was trained on light on dark", r"Invert\(\)"),
    "faint": (lambda x: x // 3, "contrast", "faint: it stands out from the paper by 3. %", "darker pen"),
    "grey paper": (lambda x: np.maximum(x, 90), "paper", "not plain: its level is 35 %", "even and plain"),
    "grey scan": (lambda x: 255 - np.maximum(x, 90), "paper", "its level is 35 % once inverted", "even and plain"),
    "shadow": (shaded, "light", "uneven: the paper's level differs by", "light the paper evenly"),
    "noise": (grey_noise, "noise", "neighbouring pixels differ by", "more light"),
    "small": (lambda x: on_canvas(x, 28, 28), "size", "small: it fills 2. %", "cut the picture to the digit"),
    "large": (lambda x: x[:, 4:24, 4:24], "size", "large: it fills", "margin"),
    "off": (lambda x: np.roll(x, 4, axis=2), "centre", "off the middle by", "to the middle"),
    "two": (
        lambda x: bar(box=(4, 24, 8, 12)) | bar(box=(4, 24, 16, 20)),
        "two pieces",
        "the second has 100 %",
        "one digit",
    ),
    "number": (lambda x: np.concatenate([x, np.roll(x, 1, axis=0)], axis=2), "wide", "times as wide as high", "number"),
    "specks": (with_specks, "pieces", r"in \d\d pieces", "remove specks"),
    "edge": (lambda x: np.where(np.arange(28) < 2, 255, x).astype(np.uint8), "border", "touches", "frames"),
    "blank": (lambda x: np.full_like(x, 200), "blank", "the picture is blank", "the picture that was meant"),
    "mask": (lambda x: x // 255, "range", r"the brightest is at 0.39 % of white", "0..255"),
    "twice": (lambda x: x / 255 / 255, "range", r"the brightest is at 0.39 % of white", "divided twice"),
    "colours": (in_green_on_red, "blank", "ink and paper differ in colour only", "dark pen"),
    "dot": (lambda x: np.zeros((1, 1, 1), np.uint8), "blank", "the picture is blank", "meant"),
    "line": (lambda x: np.zeros((1, 1, 500), np.uint8), "blank", "the picture is blank", "meant"),
}


@pytest.mark.parametrize("disease", DISEASES)
def test_each_disease_has_its_name_cause_and_cure(
    disease: str, pipe: FittedPipeline, digits: np.ndarray, reference: dict[str, Any]
) -> None:
    """One that all digits have is found in nearly all of them."""
    spoil, problem, cause, cure = DISEASES[disease]
    plain = [image for image in digits[:60] if diagnose(image[np.newaxis], pipe, reference=reference).ok]
    images = spoil(np.stack(plain))
    diagnosis = diagnose(images, pipe, reference=reference)
    assert diagnosis.problems.get(problem, 0) >= 0.9 * len(images), str(diagnosis)
    finding = next(finding for finding in diagnosis.findings if finding.problem == problem)
    assert re.search(cause, finding.cause), finding.cause
    assert re.search(cure, finding.cure), finding.cure


def test_a_finding_holds_what_was_measured_and_what_was_expected(
    pipe: FittedPipeline, digits: np.ndarray, reference: dict[str, Any]
) -> None:
    """In numbers, beside the sentences."""
    (finding,) = diagnose(255 - digits[:1], pipe, reference=reference).findings
    low, _, high = reference["measures"]["contrast"]
    assert (finding.image, finding.problem, finding.expected) == (0, "polarity", (low, high))
    assert finding.measured == pytest.approx(describe_images(255 - digits[:1])["contrast"][0])


@pytest.mark.parametrize(
    ("steps", "cure"),
    [
        ([], "use MnistNormalize(), or add Invert()"),
        ([Invert()], "use MnistNormalize(), or leave out Invert()"),
        ([Compose([Invert()])], "use MnistNormalize(), or leave out Invert()"),
    ],
)
def test_the_cure_looks_at_the_transforms_that_there_are(
    digits: np.ndarray, reference: dict[str, Any], steps: list[Any], cure: str
) -> None:
    """What is there already is not advised."""
    images = digits[:1] if steps else 255 - digits[:1]
    (finding,) = diagnose(images, with_steps(*steps, Rescale()), reference=reference).findings
    assert finding.cure == cure


def test_mnist_normalize_is_no_cure_for_a_model_of_other_pictures(digits: np.ndarray) -> None:
    """It makes images such as MNIST's; this model was trained on dark ink."""
    (finding,) = diagnose(digits[:1], with_steps(Rescale()), reference=compute_reference(255 - digits)).findings
    assert finding.cause == "the ink is light on dark; the model was trained on dark on light"
    assert finding.cure == "add Invert()"


def test_the_images_are_judged_after_the_transforms(digits: np.ndarray, reference: dict[str, Any]) -> None:
    """What the transforms put right is no problem."""
    scans = 255 - digits[:60]
    assert diagnose(scans, with_steps(Rescale()), reference=reference).problems["polarity"] == 60
    assert "polarity" not in diagnose(scans, with_steps(Invert(), Rescale()), reference=reference).problems


def test_what_cannot_be_read_stops_none_of_the_others(
    pipe: FittedPipeline, digits: np.ndarray, reference: dict[str, Any], tmp_path: Path
) -> None:
    """Paths, PIL images and arrays together; each finding has its image, in their order."""
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.fromarray(digits[0]).save(good)
    bad.write_bytes(good.read_bytes()[:60])
    images = [str(bad), good, Image.fromarray(255 - digits[0]), digits[0].astype(np.int64), tmp_path / "none.png"]
    diagnosis = diagnose(images, pipe, reference=reference)
    assert diagnosis.names == (str(bad), str(good), "images[2]", "images[3]", str(tmp_path / "none.png"))
    found = [(finding.image, finding.problem) for finding in diagnosis.findings]
    assert found == [(0, "unreadable"), (2, "polarity"), (3, "unreadable"), (4, "unreadable")]
    causes = [finding.cause for finding in diagnosis.findings]
    assert "bad.png is damaged" in causes[0]
    assert "got int64" in causes[2]
    assert causes[3].startswith("there is no file")


@pytest.mark.parametrize(
    ("value", "cause", "cure"),
    [
        (np.nan, r"images\[1\] holds nan", "missing values"),
        (np.inf, r"images\[1\] holds inf", "division by zero"),
        (255.0, r"images\[1\] holds 255", r"float in 0\.\.1"),
    ],
)
def test_one_bad_image_of_an_array_is_found(
    pipe: FittedPipeline, digits: np.ndarray, reference: dict[str, Any], value: float, cause: str, cure: str
) -> None:
    """The others are compared all the same."""
    images = np.stack([digits[0], digits[1], 255 - digits[0]]) / 255
    images[1, 3, 4] = value
    first, second = diagnose(images, pipe, reference=reference).findings
    assert (first.image, first.problem, second.image, second.problem) == (1, "unreadable", 2, "polarity")
    assert re.search(cause, first.cause)
    assert re.search(cure, first.cure)


def test_a_transform_that_breaks_is_a_finding(digits: np.ndarray, reference: dict[str, Any]) -> None:
    """It may be anybody's function."""

    def picky(images: np.ndarray) -> np.ndarray:
        if images.max() > 200:
            raise IndexError("too bright")
        return images

    (finding,) = diagnose(digits[:1], with_steps(picky), reference=reference).findings
    assert finding.problem == "unreadable"
    assert finding.cause == "a transform stopped at it: IndexError: too bright"


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (lambda images: images / 0.0, "after the transforms the image holds nan or inf"),
        (lambda images: images[:0], "a transform stopped at it: ValueError: "),
        (lambda images: images > 0, "after the transforms the image holds bool"),
    ],
)
def test_a_transform_that_makes_nonsense_is_told(
    digits: np.ndarray, reference: dict[str, Any], step: Any, cause: str
) -> None:
    """Nothing is compared with that."""
    with np.errstate(all="ignore"):
        findings = diagnose(digits[:2], with_steps(step), reference=reference).findings
    assert [finding.problem for finding in findings] == ["unreadable"] * 2
    assert all(finding.cause.startswith(cause) for finding in findings)


@attrs.frozen
class Named:
    """Has a method that is called as Compose's field."""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images

    def steps(self, image: np.ndarray) -> dict[str, np.ndarray]:
        return {"result": image}


def test_a_step_may_have_steps_of_its_own(pipe: FittedPipeline, digits: np.ndarray, reference: dict[str, Any]) -> None:
    """Only those of a Compose are steps of the pipeline."""
    image = digits[0]
    assert diagnose(255 - image[None], with_steps(Named()), reference=reference).problems == {"polarity": 1}
    assert [name for name, _ in trace(np.zeros((4, 4)), with_steps(Named())).stages] == ["as read", "Named"]


@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ((1, 30, 20), r"add Resize\(\(28, 28\)\)"),
        ((1, 28, 28, 3), r"put Grayscale\(\) before"),
        ((1, 28, 28, 2), r"put Grayscale\(\) before"),
    ],
)
def test_another_shape_than_the_models_says_what_is_missing(
    reference: dict[str, Any], shape: tuple[int, ...], cure: str
) -> None:
    """Instead of a comparison that means nothing."""
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (finding,) = diagnose(images, with_steps(Rescale()), reference=reference).findings
    assert finding.problem == "shape"
    assert f"shape {shape[1:]}; the model was trained on (28, 28)" in finding.cause
    assert re.search(cure, finding.cure)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((5, 784), np.uint8), r"got shape \(5, 784\)\. Pass images\.reshape\(-1, 28, 28\)"),
        (np.zeros((0, 28, 28), np.uint8), r"at least one pixel; got no image: shape \(0, 28, 28\)"),
        ([], "there are no images: got an empty list"),
        (5, "a list of these; got int"),
    ],
)
def test_what_is_no_images_at_all_is_refused(
    pipe: FittedPipeline, reference: dict[str, Any], images: Any, message: str
) -> None:
    """As the pipeline itself does."""
    with pytest.raises(DataError, match=message):
        diagnose(images, pipe, reference=reference)


def test_without_training_images_to_compare_with_there_is_no_diagnosis(pipe: FittedPipeline) -> None:
    """The message says what to do."""
    with pytest.raises(SettingError, match=r"does not say what its training images look like.* pass reference="):
        diagnose(bar(), pipe)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        diagnose(bar(), Pipeline())


@settings(max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40), st.sampled_from([None, 1, 3, 4])),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64, np.int16]),
    values=st.lists(st.sampled_from([0, 1e-9, 0.003, 0.5, 1, 2, 200, 255, -1, np.nan, np.inf]), min_size=1, max_size=3),
    seed=st.integers(0, 9),
)
def test_no_pixels_are_a_crash(
    pipe: FittedPipeline,
    reference: dict[str, Any],
    shape: tuple[Any, ...],
    dtype: Any,
    values: list[float],
    seed: int,
) -> None:
    """Whatever their number, kind and values: a diagnosis comes back that can be printed and saved."""
    pixels = np.random.default_rng(seed).choice(values, [side for side in shape if side is not None])
    if np.issubdtype(dtype, np.integer):
        pixels = np.nan_to_num(pixels).clip(0, 255)
    images = pixels.astype(dtype)
    diagnosis = diagnose(images, pipe, reference=reference)
    assert len(diagnosis.names) == len(images)
    assert str(diagnosis)
    json.dumps(diagnosis.to_dict(), allow_nan=False)


# Diagnosis


def test_a_diagnosis_is_a_table_plain_values_and_text(
    pipe: FittedPipeline, digits: np.ndarray, reference: dict[str, Any]
) -> None:
    """All three say the same."""
    diagnosis = diagnose([255 - digits[0], digits[0], np.zeros((5, 5))], pipe, reference=reference)
    table = diagnosis.to_frame()
    assert table[["image", "name", "problem"]].to_numpy().tolist() == [
        [0, "images[0]", "polarity"],
        [2, "images[2]", "blank"],
    ]
    assert table.loc[0, "low"] > 0 > table.loc[0, "measured"]
    plain = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert (plain["n"], plain["ok"], plain["problems"]) == (3, False, {"polarity": 1, "blank": 1})
    assert [finding["name"] for finding in plain["findings"]] == ["images[0]", "images[2]"]
    first, _, name, problem, cure, *_ = str(diagnosis).splitlines()
    assert first == "2 of 3 images differ from what the model was trained on: polarity (1), blank (1)"
    assert (name, problem[:12], cure[:7]) == ("images[0]", "  polarity: ", "    -> ")


def test_a_diagnosis_without_findings_is_ok() -> None:
    """Its table has its columns all the same."""
    for names, text in ((("a",), "the image looks"), (("a", "b"), "all 2 images look")):
        diagnosis = Diagnosis(names=names, findings=())
        assert diagnosis.ok
        assert str(diagnosis) == f"{text} like what the model was trained on."
        assert list(diagnosis.to_frame().columns)[:3] == ["image", "name", "problem"]


def test_of_many_images_the_first_are_printed_and_all_are_counted() -> None:
    """A terminal has few lines."""
    findings = tuple(Finding(image=place, problem="blank", cause="a", cure="b") for place in range(50))
    text = str(Diagnosis(names=tuple(map(str, range(50))), findings=findings))
    assert "blank (50)" in text
    assert text.endswith("... and 30 more; to_frame() has them all.")
    assert text.count("blank: a") == 20


# trace


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Return a picture in colours."""
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)


def test_a_trace_has_a_picture_of_each_stage(picture: np.ndarray) -> None:
    """From the picture as it was read to what the model sees, and the answer."""
    pipe = Pipeline.load(SAMPLE)
    found = trace(picture, pipe)
    names = [name for name, _ in found.stages]
    assert names == ["as read", *(type(step).__name__ for step in pipe.transforms_.steps)]
    assert np.array_equal(found.stages[0][1], picture)
    assert np.array_equal(found.stages[-1][1], pipe.transforms_(picture[np.newaxis])[0])
    assert np.array_equal(found.probabilities, pipe.predict_proba(picture[np.newaxis])[0])
    assert found.label == pipe.predict(picture[np.newaxis])[0]
    assert found.probability == found.probabilities.max()


def test_a_path_an_open_picture_and_an_array_have_the_same_trace(picture: np.ndarray, tmp_path: Path) -> None:
    """The name tells where it came from."""
    path = tmp_path / "seven.png"
    Image.fromarray(picture).save(path)
    pipe = Pipeline.load(SAMPLE)
    traces = [trace(source, pipe) for source in (path, [str(path)], Image.fromarray(picture), picture, picture[None])]
    assert [found.name for found in traces] == [str(path), str(path), "the image", "the image", "the image"]
    for found in traces[1:]:
        assert np.array_equal(found.probabilities, traces[0].probabilities)
        for (name, stage), (other_name, other) in zip(found.stages, traces[0].stages, strict=True):
            assert name == other_name
            assert np.array_equal(stage, other)


@attrs.frozen
class InTwoSteps:
    """Shows what it does inside."""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        *_, (_, last) = self.stages(images)
        return last

    def stages(self, images: np.ndarray) -> Any:
        yield "darker", images // 2
        yield "darkest", images // 4


def test_a_transform_may_show_what_it_does_inside() -> None:
    """Its result is not shown twice; a step without stages is one stage, functions by their names."""

    def brighter(images: np.ndarray) -> np.ndarray:
        return images * 2

    found = trace(bar(4, 4, (0, 2, 0, 2)), with_steps(Compose([InTwoSteps()]), brighter))
    assert [(name, stage.max()) for name, stage in found.stages] == [
        ("as read", 255),
        ("InTwoSteps: darker", 127),
        ("InTwoSteps: darkest", 63),
        ("brighter", 126),
    ]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 28, 28), np.uint8), r"one image must have .*got \(2, 28, 28\)\. Of several images choose one"),
        (np.zeros((28,), np.uint8), r"one image must have .*got \(28,\)"),
        (["a.png", "b.png"], "one image is expected; got 2"),
        ("none.png", "there is no file none.png"),
        (np.full((28, 28), np.nan), "holds nan"),
        (np.zeros((28, 28), np.int64), "got int64"),
        (np.zeros((0, 28), np.uint8), r"must have 1 to 200,000,000 pixels; it has 28 x 0"),
    ],
)
def test_what_is_not_one_image_has_no_trace(image: Any, message: str) -> None:
    """A clear error."""
    with pytest.raises(DataError, match=message):
        trace(image, Pipeline.load(SAMPLE))


def test_a_trace_is_printed_in_blocks(picture: np.ndarray) -> None:
    """Three stages in a line of at most 76 characters, bright pixels as full blocks; then the answers."""
    found = trace(np.kron([[0, 1], [1, 0]], np.full((24, 24), 255, np.uint8)).astype(np.uint8), Pipeline.load(SAMPLE))
    lines = str(found).splitlines()
    assert repr(found) == str(found)
    assert max(map(len, lines)) <= 76
    assert lines[2].split() == ["as", "read", "Grayscale", "Resize"]
    assert lines[3].startswith(" " * 12 + "█" * 12 + "  ")
    assert lines[14].startswith("█" * 12 + " ")
    assert re.fullmatch(rf" *{found.label}  0\.\d{{4}}  █*", lines[-3])
    assert all(line[:76].isprintable() for line in lines)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 700, 3)])
def test_pictures_of_odd_shapes_are_traced(shape: tuple[int, ...]) -> None:
    """However flat."""
    assert "as read" in str(trace(np.full(shape, 77, np.uint8), Pipeline.load(SAMPLE)))


def test_a_trace_as_plain_values_has_no_pixels(picture: np.ndarray) -> None:
    """Name, shape and range of each stage, and the probabilities by label."""
    found = trace(picture, Pipeline.load(SAMPLE))
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["label"] == found.label
    assert plain["stages"][0] == {"name": "as read", "shape": [30, 40, 3], "dtype": "uint8", "low": 0, "high": 255}
    assert [np.float32(value) for value in plain["probabilities"].values()] == found.probabilities.tolist()


def test_a_trace_is_drawn_as_a_strip(picture: np.ndarray) -> None:
    """A panel for each stage, and one for the probabilities; it can be saved."""
    from matplotlib.figure import Figure

    found = trace(picture, Pipeline.load(SAMPLE))
    display = found.plot(figure=Figure(figsize=(8, 3), layout="constrained"))
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == [*(name for name, _ in found.stages), "probabilities"]
    assert [label.get_text() for label in display.axes_[-1].get_yticklabels()] == [str(name) for name in found.classes]
    display.figure_.savefig(io.BytesIO(), format="png")


def test_long_strips_have_several_rows_and_many_classes_their_best() -> None:
    """Thirteen panels in rows of six; ten of a hundred classes, the most probable first."""
    from matplotlib.figure import Figure

    probabilities = np.arange(100) / 4950
    stages = [(f"step {place}", np.full((4, 4), place, np.float32)) for place in range(12)]
    display = plot_trace(stages, probabilities, figure=Figure(layout="constrained"))
    assert len(display.axes_) == 13
    assert len(display.figure_.axes) == 18
    assert [label.get_text() for label in display.axes_[-1].get_yticklabels()] == [str(n) for n in range(99, 89, -1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "at least one stage"),
        (([("a", np.zeros(4))],), r"images\[0\] must have shape"),
        (([("a", np.zeros((4, 4)))], [[0.5, 0.5]]), r"shape \(n_classes,\); got \(1, 2\)"),
        (([("a", np.zeros((4, 4)))], [0.5, 0.5], ["x"]), "one class per probability: expected 2; got 1"),
    ],
)
def test_what_cannot_be_drawn_as_a_strip_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    """With what was found."""
    with pytest.raises(DataError, match=message):
        plot_trace(*arguments)


# In a process of its own


def test_diagnosis_needs_no_heavy_library(tmp_path: Path, digits: np.ndarray) -> None:
    """Neither TensorFlow nor pandas, scikit-learn or matplotlib."""
    path = tmp_path / "sample.lenet"
    write_bundle(path, read_bundle(SAMPLE))
    code = f"""
import numpy, sys
from lenetkit import Pipeline
from lenetkit.diagnosis import diagnose, compute_reference, trace
pipe = Pipeline.load({str(path)!r})
images = numpy.random.default_rng(0).integers(0, 256, (9, 4, 4), numpy.uint8)
str(diagnose(images, pipe, reference=compute_reference(images)))
str(trace(images[0], pipe))
print([name for name in ("tensorflow", "keras", "pandas", "sklearn", "matplotlib") if name in sys.modules])
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (answer.stdout, answer.returncode) == ("[]\n", 0), answer.stderr


# Real pictures


@pytest.mark.slow
def test_mnists_test_digits_are_hardly_ever_unusual(shared_data: Path, pipe: FittedPipeline) -> None:
    """At most 1 %, when compared with 2,000 of the training images."""
    from lenetkit import load_dataset

    train = load_dataset(shared_data / "mnist", subset="train")
    test = load_dataset(shared_data / "mnist", subset="test")
    rows = np.random.default_rng(0).choice(len(train), 2000, replace=False)
    diagnosis = diagnose(np.asarray(test.images[:]), pipe, reference=compute_reference(np.asarray(train.images[rows])))
    assert len({finding.image for finding in diagnosis.findings}) <= 0.01 * len(test), diagnosis.problems


@pytest.mark.slow
def test_the_polarity_of_real_pictures_is_told(
    shared_data: Path, pipe: FittedPipeline, reference: dict[str, Any]
) -> None:
    """Of digits on paper, pasted and drawn."""
    import csv

    folder = shared_data / "wild" / "digits"
    with open(folder / "labels.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["group"] != "hwd1000"]
    diagnosis = diagnose([folder / row["file"] for row in rows], pipe, reference=reference)
    wrong = {finding.image for finding in diagnosis.findings if finding.problem == "polarity"}
    assert wrong == {place for place, row in enumerate(rows) if row["polarity"] == "dark_on_light"}


@pytest.mark.parametrize(("size", "width", "inset"), [(28, 1, 0), (50, 2, 1), (64, 3, 0), (100, 2, 0), (400, 8, 4)])
def test_a_line_along_the_border_is_named(size: int, width: int, inset: int) -> None:
    """In the image as it came, of any size and polarity; without the line nothing is found."""
    digit = draw_digits(10, styles="american", seed=4).images[6]
    digit = np.kron(digit, np.ones((max(1, size // 50),) * 2, np.uint8))
    start = (size - len(digit)) // 2
    clean = np.full((size, size), 255, np.uint8)
    clean[start : start + len(digit), start : start + len(digit)] -= digit
    cell = clean.copy()
    cell[inset : inset + width] = cell[:, inset : inset + width] = 40
    pipe = Pipeline.pretrained()
    for picture in (cell, 255 - cell):
        assert "line" in pipe.diagnose([picture]).problems
    assert "line" not in pipe.diagnose([clean, 255 - clean]).problems
