"""Tests for ``lenetkit diagnose``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import PIL.Image
import pytest

from lenetkit.bundle import read_bundle, write_bundle
from lenetkit.diagnosis import compute_reference
from lenetkit.synthesis import draw_digits
from lenetkit.transforms import Grayscale, Rescale, Resize, transform_to_dict

# Reads 4 x 4 pixels as drei, eins or zwölf.
SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with saved pipelines and pictures, one of which is dark on light and one damaged."""
    folder = tmp_path_factory.mktemp("diagnose")
    digits = draw_digits(200, styles="american", seed=1).images
    reference = compute_reference(digits)
    steps = tuple(transform_to_dict(step) for step in (Grayscale(), Resize((28, 28)), Rescale()))
    sample = read_bundle(SAMPLE)
    write_bundle(folder / "large.lenet", attrs.evolve(sample, transforms=steps, extras={}, reference=reference))
    small = compute_reference(Resize((4, 4))(digits))
    write_bundle(folder / "small.lenet", attrs.evolve(sample, extras={}, reference=small))
    (folder / "pictures").mkdir()
    for name, image in {"dark.png": 255 - digits[0], "good.png": digits[0]}.items():
        PIL.Image.fromarray(image).save(folder / "pictures" / name)
    (folder / "bad.png").write_bytes(b"not a picture")
    return folder


def test_causes_and_cures_are_printed_by_picture(run: Run, folder: Path) -> None:
    """In the order they were named; a folder stands for its pictures."""
    answer = run("diagnose", folder / "large.lenet", folder / "pictures")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [
        str(folder / "pictures" / "dark.png"),
        "  polarity: the ink is dark on light; the model was trained on light on dark",
        "    -> use MnistNormalize(), or add Invert()",
        f"{folder / 'pictures' / 'good.png'}: nothing sets it apart from the training images",
    ]


def test_json_has_one_object_for_each_picture(run: Run, folder: Path) -> None:
    """What cannot be read is among them, and the exit code tells."""
    answer = run("diagnose", folder / "pictures", folder / "bad.png", "--pipeline", folder / "large.lenet", "--json")
    assert (answer.returncode, answer.stderr) == (2, "")
    dark, good, bad = map(json.loads, answer.stdout.splitlines())
    assert (good["ok"], good["findings"]) == (True, [])
    (finding,) = dark["findings"]
    assert set(finding) == {"problem", "cause", "cure", "measured", "expected"}
    assert finding["measured"] < 0 < finding["expected"][0]
    assert (bad["image"], bad["findings"][0]["problem"]) == (str(folder / "bad.png"), "unreadable")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_many_pictures_are_looked_at_beside_each_other(run: Run, folder: Path, tmp_path: Path, form: list[str]) -> None:
    """In their order, each with what is found in it alone; one that cannot be read stops none."""
    for index, image in enumerate(draw_digits(9, size=300, seed=2).images):
        PIL.Image.fromarray(255 - image if index % 2 else image).resize((900, 900)).save(tmp_path / f"{index}.png")
    (tmp_path / "3.png").write_bytes(b"not a picture")
    faint = PIL.Image.new("L", (20, 20), 2)
    faint.putpixel((0, 0), 0)
    faint.save(tmp_path / "6.png")
    options = ["--pipeline", folder / "large.lenet", *form]
    alone = [run("diagnose", path, *options) for path in sorted(tmp_path.iterdir())]
    assert [answer.returncode for answer in alone] == [0, 0, 0, 2, 0, 0, 0, 0, 0]
    assert len({answer.stdout.count("polarity") for answer in alone}) == 2
    for jobs in (1, 3):
        answer = run("diagnose", tmp_path, *options, "--jobs", jobs)
        assert (answer.returncode, answer.stderr) == (2, "")
        assert answer.stdout == "".join(answer.stdout for answer in alone)


def test_a_trace_is_printed_or_drawn(run: Run, folder: Path, tmp_path: Path) -> None:
    """Below the findings, or into a file."""
    picture = folder / "pictures" / "dark.png"
    printed = run("diagnose", folder / "small.lenet", picture, "--trace", "-")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert "as read                   Grayscale" in printed.stdout
    drawn = run("diagnose", folder / "small.lenet", picture, "--trace", tmp_path / "trace.png")
    assert (drawn.returncode, drawn.stderr) == (0, f"the trace is in {tmp_path / 'trace.png'}\n")
    with PIL.Image.open(tmp_path / "trace.png") as strip:
        assert strip.width > strip.height > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["large.lenet"], "there is nothing to diagnose with"),
        (["none.lenet", "bad.png"], "none.lenet: there is no such file"),
        (["large.lenet", "pictures", "--trace", "a.png"], "--trace is for one image, and not with --json; got 2"),
        (["large.lenet", "bad.png", "--trace", "a.png", "--json"], "--trace is for one image, and not with --json"),
        (
            ["small.lenet", "pictures/good.png", "--trace", "a.doc"],
            "--trace must end in .png, .jpg, .jpeg, .svg, .pdf; got",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_message(run: Run, folder: Path, arguments: list[str], message: str) -> None:
    """Never a traceback."""
    given = [name if name.startswith("-") else folder / name for name in arguments]
    answer = run("diagnose", *given)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert answer.stderr.startswith("error: ")
    assert len(answer.stderr.splitlines()) == 1


def test_a_pipeline_without_training_images_to_compare_with_says_so(run: Run, folder: Path) -> None:
    """The message tells what to do about it."""
    answer = run("diagnose", SAMPLE, folder / "pictures" / "good.png")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "Fit and save it again with this version of lenetkit" in answer.stderr
