"""Tests for the commands that use a saved pipeline: ``predict``, ``verify``, ``info`` and ``export``."""

import csv
import hashlib
import inspect
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pandas as pd
import PIL.Image
import pytest

from lenetkit import Pipeline
from lenetkit.bundle import read_bundle, write_bundle
from lenetkit.cli import export as export_command
from lenetkit.cli import predict as predict_command
from lenetkit.exceptions import SettingError
from lenetkit.exporting import FORMATS, MAX_DROP, TOLERANCE
from lenetkit.synthesis import draw_digits

# Reads 4 x 4 pixels as drei, eins or zwölf; made with a plug-in's model that is not installed.
SAMPLE = Path(__file__).parents[1] / "data" / "format_1.lenet"

Run = Callable[..., Any]


def probabilities_of(paths: list[Path]) -> np.ndarray:
    pipe = Pipeline.load(SAMPLE)
    return np.concatenate([pipe.predict_proba(path) for path in paths])


def changed_sample(path: Path, **changes: Any) -> Path:
    return write_bundle(path, attrs.evolve(read_bundle(SAMPLE), **changes))


# predict


def test_text_has_path_label_and_probability(run: Run, pictures: Path) -> None:
    """Between tabs, one line for each picture, in the order they were named."""
    paths = [pictures / "b.png", pictures / "a.png"]
    answer = run("predict", SAMPLE, *paths)
    assert (answer.returncode, answer.stderr) == (0, "")
    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    best = probabilities_of(paths).max(axis=1)
    assert [row[0] for row in rows] == list(map(str, paths))
    assert [row[1] for row in rows] == Pipeline.load(SAMPLE).predict(paths).tolist()
    assert [row[2] for row in rows] == [f"{probability:.4f}" for probability in best]


def test_json_lines_hold_labels_and_exact_probabilities(run: Run, pictures: Path) -> None:
    """As many as were asked for, the most probable first; more than there are classes are all of them."""
    paths = [pictures / "a.png", pictures / "b.png"]
    expected = probabilities_of(paths)
    for top, count in ((1, 0), (2, 2), (7, 3)):
        answer = run("predict", SAMPLE, *paths, "--format", "json", "--top", top)
        for line, path, row in zip(answer.stdout.splitlines(), paths, expected, strict=True):
            found = json.loads(line)
            assert found["image"] == str(path)
            ranked = found.get("top", [])
            assert len(ranked) == count
            best = [*ranked, found][0]
            assert (found["label"], found["probability"]) == (best["label"], best["probability"])
            given = [np.float32(entry["probability"]) for entry in ranked or [found]]
            assert given == sorted(row, reverse=True)[: len(given)]


def test_csv_is_a_table_with_one_row_for_each_picture(run: Run, pictures: Path) -> None:
    """Commas and quotes in names included."""
    answer = run("predict", SAMPLE, pictures, "--format", "csv", "--top", "2")
    header, *rows = csv.reader(answer.stdout.splitlines())
    assert header == ["image", "label", "probability", "label_2", "probability_2"]
    assert [os.path.basename(row[0]) for row in rows] == ["a.png", "b.png", 'c, "d".bmp']
    assert {len(row) for row in rows} == {5}
    assert all(float(row[2]) >= float(row[4]) for row in rows)


def test_a_table_of_pixels_has_an_answer_for_each_row(run: Run, pictures: Path, tmp_path: Path) -> None:
    """As CSV if nothing else is asked for; with or without a header, labels and gzip; beside pictures, too."""
    images = draw_digits(20, seed=3)
    rows = images.images.reshape(20, -1)
    expected = list(map(str, Pipeline.pretrained().predict(images.images).tolist()))
    plain, labelled = tmp_path / "test.csv", tmp_path / "train.csv.gz"
    np.savetxt(plain, rows, "%d", ",")
    pd.DataFrame(rows).add_prefix("pixel").assign(label=images.labels).to_csv(labelled, index=False)
    for path in (plain, labelled):
        answer = run("predict", path)
        assert (answer.returncode, answer.stderr) == (0, "")
        header, *found = csv.reader(answer.stdout.splitlines())
        assert header == ["image", "label", "probability"]
        assert [row[0] for row in found] == [f"{path}[{index}]" for index in range(20)]
        assert [row[1] for row in found] == expected
    answer = run("predict", plain, pictures, "--format", "json", "--reject", "0.01")
    assert answer.returncode == 0
    assert len(answer.stdout.splitlines()) == 23


def test_a_table_that_cannot_be_read_stops_nothing_else(run: Run, pictures: Path, tmp_path: Path) -> None:
    """It is named, on standard error; so is what was assumed of another one, once and without source."""
    (tmp_path / "bad.csv").write_text("5,2,3\n")
    labelled = tmp_path / "x.csv"
    np.savetxt(labelled, np.random.default_rng(0).integers(0, 256, (3, 17)), "%d", ",")
    answer = run("predict", SAMPLE, tmp_path / "bad.csv", tmp_path / "none.csv", labelled, labelled)
    assert answer.returncode == 2
    assert len(answer.stdout.splitlines()) == 1 + 6
    first, second, third = answer.stderr.splitlines()
    assert first.startswith(f"error: {tmp_path / 'bad.csv'} must have a header line")
    assert second == f"error: {tmp_path / 'none.csv'} cannot be read: No such file or directory."
    assert third.startswith(f"note: {labelled} has no header line: the first of its 17 columns is read as the label")


def test_labels_keep_their_type_in_json(run: Run, pictures: Path) -> None:
    """Integers stay integers."""
    found = json.loads(run("predict", pictures / "a.png", "--format", "json").stdout)
    assert type(found["label"]) is int


def test_the_pipeline_is_named_by_the_option_or_before_the_images(run: Run, pictures: Path) -> None:
    """The second is how version 0.1 spelled it; with the option every path is an image."""
    picture = pictures / "a.png"
    answer = run("predict", picture, "--pipeline", SAMPLE)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert run("predict", SAMPLE, picture).stdout == answer.stdout
    refused = run("predict", "--pipeline", SAMPLE, SAMPLE)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {SAMPLE} must be a picture")


@pytest.mark.parametrize("command", ["info", "verify"])
def test_a_command_on_a_file_takes_it_either_way_and_has_a_default(run: Run, command: str) -> None:
    """As an argument, by the option, or neither: the pretrained pipeline; never two."""
    assert run(command, SAMPLE).stdout == run(command, "--pipeline", SAMPLE).stdout
    assert str(SAMPLE) in run(command, SAMPLE).stdout
    pretrained = run(command)
    assert (pretrained.returncode, pretrained.stderr) == (0, "")
    assert "digits.lenet" in pretrained.stdout
    twice = run(command, SAMPLE, "--pipeline", SAMPLE)
    assert twice.returncode == 2
    assert "name one saved pipeline; got" in twice.stderr


def test_a_folder_stands_for_its_picture_files(run: Run, pictures: Path, tmp_path: Path) -> None:
    """In the order of their names; hidden files and others are passed over, and a folder without any is reported."""
    answer = run("predict", SAMPLE, pictures, tmp_path)
    assert [Path(line.split("\t")[0]).name for line in answer.stdout.splitlines()] == ["a.png", "b.png", 'c, "d".bmp']
    assert answer.stderr == f"error: {tmp_path} is a folder without image files.\n"
    assert answer.returncode == 2


def test_a_saved_pipeline_is_known_by_its_content(run: Run, pictures: Path, tmp_path: Path) -> None:
    """Whatever it is called."""
    other = tmp_path / "model.png"
    other.write_bytes(SAMPLE.read_bytes())
    assert run("predict", other, pictures / "a.png").stdout == run("predict", SAMPLE, pictures / "a.png").stdout


@pytest.mark.parametrize("content", [b"", b"x", b"\x7fK" + SAMPLE.read_bytes()[2:], SAMPLE.read_bytes()[:-1]])
def test_a_damaged_pipeline_is_not_taken_for_a_picture(
    run: Run, pictures: Path, tmp_path: Path, content: bytes
) -> None:
    """Its name says what it is meant to be; nothing else answers in its place."""
    damaged = tmp_path / "damaged.lenet"
    damaged.write_bytes(content)
    answer = run("predict", damaged, pictures / "a.png")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"error: cannot load {damaged}: ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.png"], "error: there is no file none.png"),
        ([SAMPLE, "a.png", "--reject", "0"], "Invalid value for '--reject'"),
        ([SAMPLE, "a.png", "--reject", "0.1", "--top", "2"], "--top and --reject cannot be combined"),
        ([SAMPLE], "error: there is nothing to read with"),
        (["none.lenet", "a.png"], "error: cannot load none.lenet: there is no such file"),
        ([SAMPLE, "a.png", "--top", "0"], "Invalid value for '--top'"),
        ([SAMPLE, "a.png", "--format", "xml"], "Invalid value for '--format'"),
    ],
)
def test_predict_says_what_is_missing(run: Run, arguments: list[Any], message: str) -> None:
    """One message, never a traceback."""
    answer = run("predict", *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr


def test_without_a_file_the_pretrained_pipeline_reads(run: Run, tmp_path: Path) -> None:
    """A picture, as it comes from a scanner, is all it takes."""
    drawn = draw_digits(10, styles="school", seed=6, size=120)
    paths = [tmp_path / f"scan_{label}.png" for label in drawn.labels]
    for path, image in zip(paths, drawn.images, strict=True):
        PIL.Image.fromarray(255 - image).save(path)
    answer = run("predict", *paths)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [line.split("\t")[1] for line in answer.stdout.splitlines()] == list("0123456789")


def test_what_is_no_digit_has_no_label(run: Run, tmp_path: Path) -> None:
    """In every form of output, with the reason."""
    digit, blank = tmp_path / "digit.png", tmp_path / "blank.png"
    PIL.Image.fromarray(np.asarray(draw_digits(4, styles="school", seed=6).images[3])).save(digit)
    PIL.Image.new("L", (50, 40), 200).save(blank)
    reason = "there is nothing in the picture."
    text, json_lines, table = (
        run("predict", digit, blank, "--reject", "0.05", "--format", form).stdout.splitlines()
        for form in ("text", "json", "csv")
    )
    assert [line.split("\t")[1] for line in text] == ["3", "-"]
    assert text[1].endswith(f"\t{reason}")
    found = [json.loads(line) for line in json_lines]
    assert [line["label"] for line in found] == [3, None]
    assert [(line["rejected"], line["reason"]) for line in found] == [(False, ""), (True, reason)]
    assert [row[1] for row in csv.reader(table)] == ["label", "3", ""]
    assert [row[3] for row in csv.reader(table)] == ["reason", "", reason]


def test_more_pictures_than_a_batch_are_answered_in_their_order(run: Run, tmp_path: Path) -> None:
    """Each as if it were alone, and around those that cannot be read."""
    rng = np.random.default_rng(1)
    paths = []
    for number in range(2 * predict_command._BATCH + 9):
        paths.append(tmp_path / f"{number:04}.pgm")
        PIL.Image.fromarray(rng.integers(0, 256, (5, 6), np.uint8)).save(paths[-1])
    bad = [paths.pop(place) for place in (300, 17, 0)]
    for path in bad:
        path.write_bytes(b"P5 nonsense")
    answer = run("predict", SAMPLE, tmp_path, "--format", "json")
    found = list(map(json.loads, answer.stdout.splitlines()))
    assert [line["image"] for line in found] == list(map(str, paths))
    assert np.array_equal([np.float32(line["probability"]) for line in found], probabilities_of(paths).max(axis=1))
    assert [line.split(" ")[1] for line in answer.stderr.splitlines()] == sorted(map(str, bad))
    assert answer.returncode == 2


def test_a_picture_that_does_not_fit_is_reported_and_the_others_are_answered(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    """Here nothing brings pictures to the size that the model takes."""
    strict = changed_sample(tmp_path / "strict.lenet", transforms=[{"name": "rescale", "settings": {}}])
    answer = run("predict", strict, pictures)
    assert [Path(line.split("\t")[0]).name for line in answer.stdout.splitlines()] == ['c, "d".bmp']
    first, second = answer.stderr.splitlines()
    assert first.startswith(f"error: {pictures / 'a.png'}: images must have shape (n, 4, 4, 1); got")
    assert second.startswith(f"error: {pictures / 'b.png'}: images must have shape (n, 4, 4, 1); got")
    assert answer.returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_names_that_are_no_text_are_printed(run: Run, pictures: Path, tmp_path: Path, form: str) -> None:
    """CSV and JSON give them back exactly; text shows what would steer a terminal by its code."""
    path = os.path.join(os.fsencode(tmp_path), b"7\xff\x1b[2J.png")
    with open(path, "wb") as file:
        file.write((pictures / "b.png").read_bytes())
    answer = run("predict", SAMPLE, os.fsdecode(path), "--format", form)
    assert (answer.returncode, answer.stderr) == (0, "")
    if form == "text":
        assert r"7\udcff\x1b[2J.png" in answer.stdout
    elif form == "csv":
        assert os.fsencode(list(csv.reader(answer.stdout.splitlines()))[1][0]) == path
    else:
        assert os.fsencode(json.loads(answer.stdout)["image"]) == path


def test_labels_that_the_terminal_cannot_show_do_not_stop_it(run_process: Run, pictures: Path) -> None:
    """They are shown by their code."""
    answer = run_process("predict", SAMPLE, pictures / "a.png", "--top", "3", PYTHONIOENCODING="cp1251", PYTHONUTF8="0")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert r"zw\xf6lf" in answer.stdout


WITHOUT_TENSORFLOW = """
import sys
from lenetkit.cli import main
sample, picture = sys.argv[1:]
for arguments in (["predict", sample, picture], ["verify", sample], ["info", sample], ["export", sample, "x.tflite"]):
    try:
        main(arguments)
    except SystemExit as stop:
        assert stop.code == 0, arguments
    heavy = {"tensorflow", "keras", "sklearn", "pandas", "scipy", "matplotlib", "rich"}
    print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_no_heavy_library_is_imported(pictures: Path, tmp_path: Path) -> None:
    """Answers come from LiteRT alone."""
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(SAMPLE), str(pictures / "a.png")]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert answer.stderr == "[]\n" * 4
    assert answer.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("count", [3, 300])
def test_many_pictures_show_a_bar_on_the_terminal_and_not_in_the_output(
    pictures: Path, tmp_path: Path, count: int
) -> None:
    """Answers go to a file, the bar to standard error; few pictures need none."""
    import pty

    folder, answers = tmp_path / "folder", tmp_path / "answers.tsv"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes((pictures / "b.png").read_bytes())
    (folder / "bad.png").write_bytes(b"x")
    terminal, stderr = pty.openpty()
    command = [sys.executable, "-m", "lenetkit", "predict", str(SAMPLE), str(folder)]
    with answers.open("wb") as stdout:
        child = subprocess.Popen(
            command, stdout=stdout, stderr=stderr, env={**os.environ, "TERM": "xterm", "COLUMNS": "200"}
        )
    os.close(stderr)
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert child.wait(timeout=300) == 2
    assert len(answers.read_bytes().splitlines()) == count
    assert b"\x1b" not in answers.read_bytes()
    assert (f"/{count + 1}".encode() in shown) == (count > predict_command._BATCH)
    assert b"bad.png" in shown


# verify


def test_verify_says_what_was_checked(run: Run) -> None:
    """And how near the answers are."""
    answer = run("verify", SAMPLE)
    assert (answer.returncode, answer.stderr) == (0, "")
    first, *rest = answer.stdout.splitlines()
    assert first == f"{SAMPLE} is sound"
    assert [line.split()[0] for line in rest] == [
        "container",
        "members",
        "weights",
        "transforms",
        "classes",
        "answers",
    ]
    assert re.search(r"answers +2 golden inputs, greatest difference \d", answer.stdout)


def test_verify_names_what_is_wrong(run: Run, tmp_path: Path) -> None:
    """A flipped bit, wrong answers, an unknown transform, an unusable model: one message and the exit code 2."""
    bundle = read_bundle(SAMPLE)
    flipped = bytearray(SAMPLE.read_bytes())
    flipped[2000] ^= 1
    (tmp_path / "flipped.lenet").write_bytes(flipped)
    wrong = bundle.golden_probabilities[::-1].copy()
    changed_sample(tmp_path / "answers.lenet", golden_probabilities=wrong)
    changed_sample(tmp_path / "transform.lenet", transforms=[{"name": "os.system", "settings": {}}])
    changed_sample(tmp_path / "model.lenet", tflite=b"\x1c\0\0\0TFL3" + bytes(100))
    for name, message in {
        "flipped": "cannot load .*flipped.lenet: the file is damaged: ",
        "answers": "answers.lenet does not pass: .* a probability is off by",
        "transform": "unknown transform 'os.system'",
        "model": "model.lenet does not pass: the LiteRT model cannot be used",
        "absent": "cannot load .*absent.lenet: there is no such file",
    }.items():
        answer = run("verify", tmp_path / f"{name}.lenet")
        assert (answer.returncode, answer.stdout) == (2, "")
        assert re.match(f"error: .*{message}", answer.stderr)
        assert len(answer.stderr.splitlines()) == 1


# info


def test_info_shows_what_is_inside(run: Run) -> None:
    """For people, without the plug-in that the model comes from."""
    answer = run("info", SAMPLE)
    assert (answer.returncode, answer.stderr) == (0, "")
    for line in (
        "a saved pipeline of format 1, 4,996 bytes",
        "made with   keras 3.15.1, lenetkit 0.1.0",
        "model       one_layer of lenetkit-example",
        'options     activation "softmax"',
        "input       4 x 4 x 1",
        "weights     51 in 2 arrays",
        "classes     3: drei, eins, zwölf",
        "transforms  grayscale\n              resize background null, size [4, 4]\n              rescale\n",
        "metrics     accuracy 0.975, n 120",
        "extras      temperature 1.25",
        "golden      2 inputs",
    ):
        assert line in answer.stdout
    with zipfile.ZipFile(SAMPLE) as archive:
        for entry in archive.infolist():
            digest = hashlib.sha256(archive.read(entry)).hexdigest()
            assert re.search(rf"    {digest} +{entry.file_size:,}  {entry.filename}\n", answer.stdout)


def test_info_as_json_holds_everything(run: Run) -> None:
    """For scripts."""
    found = json.loads(run("info", SAMPLE, "--json").stdout)
    bundle = read_bundle(SAMPLE)
    assert found["sha256"] == hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    assert found["size"] == SAMPLE.stat().st_size
    assert found["encoder"] == bundle.encoder
    assert found["transforms"] == list(bundle.transforms)
    assert found["model"]["options"] == bundle.model_options
    assert found["weights"]["output/kernel"] == {"shape": [16, 3], "dtype": "float32"}
    assert found["members"]["model.tflite"]["size"] == len(bundle.tflite)


def test_info_of_a_model_built_by_hand_says_so(run: Run, tmp_path: Path) -> None:
    """It has no name that would find it again."""
    path = changed_sample(tmp_path / "own.lenet", model=None, model_options={}, extras={})
    assert re.search(r"model +built by hand, no name in the registry\n +options +none", run("info", path).stdout)


def test_a_hostile_file_cannot_steer_the_terminal(run: Run, pictures: Path, tmp_path: Path) -> None:
    """Its class names and values are shown, not obeyed."""
    escape = "\x1b]0;owned\x07\x1b[2J\nerror: "
    path = changed_sample(
        tmp_path / "hostile.lenet",
        encoder={"kind": "str", "classes": [escape, "b", "c"], "fixed": False},
        data={escape: escape},
        versions={escape: escape},
        metrics={"x": [escape]},
    )
    for command in (["info", path], ["verify", path], ["predict", path, pictures / "a.png", "--top", "3"]):
        answer = run(*command)
        assert answer.returncode == 0
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", answer.stdout)
        assert "\nerror: " not in answer.stdout


@pytest.mark.parametrize("command", ["info", "verify", "export"])
def test_what_is_no_saved_pipeline_is_one_message(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Which names the file."""
    monkeypatch.chdir(tmp_path)
    for name in ("absent.lenet", "notes.txt", "."):
        answer = run(command, pictures / name, *(["x.tflite"] if command == "export" else []))
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr.startswith(f"error: cannot load {pictures / name}: ")
        assert len(answer.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


# export


def test_the_formats_on_the_command_line_are_those_of_the_library() -> None:
    """They are written out there, to keep the help fast."""
    assert list(FORMATS) == list(export_command._FORMATS)
    with pytest.raises(SettingError) as error:
        Pipeline.load(SAMPLE).export("a.tflite", quantize="none")
    assert all(repr(way) in str(error.value) for way in export_command._QUANTIZE)
    assert inspect.signature(Pipeline.export).parameters["max_drop"].default == MAX_DROP
    (option,) = (option for option in export_command.export.params if option.name == "max_drop")
    assert option.default == MAX_DROP


def test_export_takes_the_format_from_the_name(run: Run, tmp_path: Path) -> None:
    """And says what it wrote, and how nearly it answers."""
    path = tmp_path / "digits.tflite"
    answer = run("export", SAMPLE, path)
    assert (answer.returncode, answer.stderr) == (0, "")
    *written, last = answer.stdout.splitlines()
    assert written == [str(path), f"{path}.labels.txt", f"{path}.preprocessing.json"]
    assert all(Path(name).is_file() for name in written)
    assert path.read_bytes() == read_bundle(SAMPLE).tflite
    difference = re.fullmatch(r"checked with the runtime of litert: greatest difference (\S+) \(at most .*\)", last)
    assert difference
    assert float(difference[1]) <= TOLERANCE


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["digits"], 2, "does not tell the format: end it in .tflite, .onnx, .keras, .h, or give --format"),
        (["digits.onnx", "--format", "litert"], 2, "must end in '.tflite'; got"),
        (["none/digits.tflite"], 2, "there is no folder"),
        (["digits.tflite", "--batch", "0"], 2, "batch must be an integer from 1"),
        (["digits.keras", "--batch", "4"], 2, "not with format='keras'"),
        (["digits.tflite", "--format", "pickle"], 2, "Invalid value for '--format'"),
        (["digits.tflite", "--quantize", "int4"], 2, "Invalid value for '--quantize'"),
        (["digits.h", "--quantize", "float16"], 2, "quantize='float16' is not possible with format='c'"),
        (["digits.onnx", "--quantize", "int8"], 2, "quantize='int8' is not possible with format='onnx'"),
        (["digits.tflite", "--max-drop", "2"], 2, "Invalid value for '--max-drop'"),
    ],
)
def test_an_export_that_cannot_be_meant_is_refused(
    run: Run, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    """Nothing is written."""
    answer = run("export", SAMPLE, tmp_path / arguments[0], *arguments[1:])
    assert (answer.returncode, answer.stdout) == (code, "")
    assert message in answer.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_plug_in_that_is_missing_is_named(run: Run, tmp_path: Path) -> None:
    """The Keras model cannot be built without it; LiteRT's is in the file."""
    answer = run("export", SAMPLE, tmp_path / "digits.keras")
    assert answer.returncode == 1
    assert "pip install lenetkit-example" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["small.tflite", "small.h"])
def test_a_smaller_export_tells_what_it_costs(run: Run, tmp_path: Path, name: str) -> None:
    """Its size, and accuracy and agreement on the data that were named; too great a loss is an error without a file."""
    answer = run("export", tmp_path / name, "--quantize", "int8", "--data", "digits", "--calibration", "digits")
    if name == "small.h":
        assert (answer.returncode, answer.stdout) == (2, "")
        assert "calibration_images are for format='litert'" in answer.stderr
        answer = run("export", tmp_path / name, "--quantize", "int8", "--data", "digits")
    assert (answer.returncode, answer.stderr) == (0, "")
    *_, accuracies, costs, checked = answer.stdout.splitlines()
    assert re.fullmatch(r"accuracy \d\d\.\d\d%, the pipeline's \d\d\.\d\d%", accuracies)
    assert re.fullmatch(r"\d\d,\d{3} bytes; the pipeline's label for (?:9\d|100)\.\d\d% of 1,807 images", costs)
    assert "greatest difference" in checked


@pytest.mark.slow
@pytest.mark.tensorflow
def test_export_converts_without_chatter_in_a_process_of_its_own(run_process: Run, tmp_path: Path) -> None:
    """TensorFlow's remarks on the machine, when it starts, stay off the terminal; the default is the pretrained one."""
    path = tmp_path / "digits"
    answer = run_process("export", path, "--format", "saved_model", TF_CPP_MIN_LOG_LEVEL="0")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert (path / "saved_model.pb").is_file()
    assert "checked with the runtime of saved_model: greatest difference" in answer.stdout


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("form", ["onnx", "keras"])
def test_export_converts_without_chatter(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    """Also past Python's own streams."""
    if form == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    path = tmp_path / f"digits{FORMATS[form]}"
    answer = run("export", path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert path.is_file()
    assert f"checked with the runtime of {form}: greatest difference" in answer.stdout
    assert capfd.readouterr() == ("", "")
