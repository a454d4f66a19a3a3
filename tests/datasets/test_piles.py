"""Piles of pictures: the same answers with any number of threads, bounded memory, bad files, decoding at less size."""

import io
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from PIL import Image

from lenetkit import Pipeline, load_dataset
from lenetkit.bundle import read_bundle
from lenetkit.datasets import map_images, read_image
from lenetkit.datasets._piles import cut_piles
from lenetkit.exceptions import DataError, SettingError
from lenetkit.synthesis import draw_digits, draw_paper
from lenetkit.transforms import Grayscale, Rescale, Resize, Standardize, transform_to_dict

DIGITS = draw_digits(12, seed=8)


@pytest.fixture(scope="module")
def pipe() -> Pipeline:
    return Pipeline.pretrained()


def photo(index: int, side: int) -> np.ndarray:
    """Return a digit on lined paper, uint8 (side, side, 3)."""
    paper = draw_paper(side, side, ruling="dotted", shadow=0.3, seed=index).astype(float)
    ink = np.asarray(Image.fromarray(DIGITS.images[index]).resize((side // 2, side // 2), Image.Resampling.BICUBIC))
    paper[side // 4 : side // 4 + side // 2, side // 4 : side // 4 + side // 2] *= 1 - 0.8 * ink / 255
    return np.repeat(paper[..., None], 3, axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Photographs of several sizes in several formats, and small pictures."""
    folder = tmp_path_factory.mktemp("pile")
    paths = []
    for index, (side, suffix) in enumerate(
        zip((1400, 700, 513, 512, 300, 28), itertools.cycle((".jpg", ".png", ".webp")))
    ):
        paths.append(folder / f"{index}{suffix}")
        Image.fromarray(photo(index, side)).save(paths[-1])
    for index in range(6, 12):
        paths.append(folder / f"{index}.png")
        Image.fromarray(DIGITS.images[index]).save(paths[-1])
    return paths


def test_answers_are_the_same_with_any_number_of_threads(pipe: Pipeline, pile: list[Path]) -> None:
    """To the bit, and whether pictures come as paths, bytes, or one at a time."""
    alone = np.concatenate([pipe.predict_proba(path) for path in pile])
    for n_jobs in (None, 1, 2, 7):
        for kind in (list, iter, lambda paths: [path.read_bytes() for path in paths]):
            assert np.array_equal(pipe.predict_proba(kind(pile), n_jobs=n_jobs), alone)
    assert (pipe.predict(pile, n_jobs=3) == DIGITS.labels).mean() >= 0.9
    rejected = [pipe.predict(pile, reject=0.01, n_jobs=n_jobs) for n_jobs in (1, 3)]
    assert rejected[0] == rejected[1]
    diagnoses = [pipe.diagnose(pile, n_jobs=n_jobs).to_dict() for n_jobs in (1, 3)]
    assert diagnoses[0] == diagnoses[1]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_every_bad_picture_is_named_once(pipe: Pipeline, pile: list[Path], tmp_path: Path, n_jobs: int) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(pile[0].read_bytes()[:3000])
    mixed = [*pile[:2], bad, *pile[2:4], tmp_path / "none.png"]
    with pytest.raises(DataError, match="2 of 6 pictures cannot be read") as caught:
        pipe.predict(mixed, n_jobs=n_jobs)
    assert [name in str(caught.value) for name in ("images[2]", "bad.jpg", "images[5]", "none.png")] == [True] * 4
    with pytest.raises(DataError, match="none of 3 pictures"):
        pipe.predict([bad] * 3, n_jobs=n_jobs)


@attrs.frozen
class Watched(os.PathLike[str]):
    """A path that remembers the threads that asked for it."""

    path: Path
    threads: set[str]

    def __fspath__(self) -> str:
        self.threads.add(threading.current_thread().name)
        return str(self.path)


def with_transforms(pipe: Pipeline, folder: Path, *transforms: Any) -> Pipeline:
    """Return the pipeline with other transforms before its model."""
    pipe.save(folder / "pipe.lenet")
    steps = tuple(map(transform_to_dict, transforms))
    return Pipeline.from_bundle(attrs.evolve(read_bundle(folder / "pipe.lenet"), transforms=steps))


def test_any_transforms_of_this_package_work_beside_each_other(
    pipe: Pipeline, pile: list[Path], tmp_path: Path
) -> None:
    """To the same answers."""
    whole = with_transforms(pipe, tmp_path, Grayscale(), Resize((28, 28)), Rescale())
    alone = np.concatenate([whole.predict_proba(path) for path in pile])
    for n_jobs in (1, 3):
        threads: set[str] = set()
        assert np.array_equal(whole.predict_proba([Watched(path, threads) for path in pile], n_jobs=n_jobs), alone)
        assert any(name.startswith("lenetkit-work") for name in threads) == (n_jobs == 3)
    assert np.array_equal(whole.predict_proba([path.read_bytes() for path in pile]), alone)


def test_a_picture_that_a_transform_cannot_take_is_named_by_its_place_among_all(
    pipe: Pipeline, pile: list[Path], tmp_path: Path
) -> None:
    """Not by that in its pile; pictures that differ in shape and files that cannot be read are told of as ever."""
    coloured = tmp_path / "coloured.png"
    Image.new("RGB", (28, 28), "red").save(coloured)
    grey = with_transforms(pipe, tmp_path, Standardize(per_channel=True).fit(DIGITS.images), Resize((28, 28)))
    with pytest.raises(DataError, match=r"images\[600\]"):
        grey.predict([*[pile[6]] * 600, coloured], n_jobs=2)
    with pytest.raises(DataError, match="1 of 3 pictures cannot be read"):
        grey.predict([pile[6], tmp_path / "none.png", pile[7]], n_jobs=2)
    with pytest.raises(DataError, match="all images must have one shape"):
        with_transforms(pipe, tmp_path, Rescale()).predict(pile, n_jobs=2)


@pytest.mark.parametrize("wrong", [0, -2, 1.5, "all"])
@pytest.mark.parametrize(
    "call",
    [
        lambda pipe, pile, n_jobs: pipe.predict(pile, n_jobs=n_jobs),
        lambda pipe, pile, n_jobs: pipe.predict(pile, reject=0.01, n_jobs=n_jobs),
        lambda pipe, pile, n_jobs: pipe.predict_proba(pile, n_jobs=n_jobs),
        lambda pipe, pile, n_jobs: pipe.predict_proba(DIGITS.images, n_jobs=n_jobs),
        lambda pipe, pile, n_jobs: pipe.diagnose(pile, n_jobs=n_jobs),
        lambda pipe, pile, n_jobs: load_dataset(pile[0].parent, n_jobs=n_jobs),
    ],
)
def test_a_number_of_threads_is_positive(
    pipe: Pipeline, pile: list[Path], call: Callable[..., Any], wrong: Any
) -> None:
    with pytest.raises(SettingError, match="n_jobs"):
        call(pipe, pile, wrong)


def test_a_pile_is_read_a_few_at_a_time(pile: list[Path]) -> None:
    """Of an endless one, too."""
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        for path in itertools.cycle(pile[:1]):
            taken += 1
            yield path

    results = map_images(endless(), lambda pictures: [picture.shape for picture in pictures], n_jobs=2)
    first = [shape for found in itertools.islice(results, 5) for _, shape in found]
    assert set(first) == {(1400, 1400)}
    assert taken <= len(first) + 60
    results.close()


def test_many_photos_are_taken_more_and_more_at_a_time(pile: list[Path]) -> None:
    """The first few piles are small, so that a dozen photos keep all threads busy; all are read, in order."""
    path = pile[0]
    named = [(str(index), path) for index in range(20 * 2**21 // path.stat().st_size)]
    piles = list(cut_piles(iter(named)))
    sizes = [len(found) * path.stat().st_size for found in piles[:-1]]
    assert [source for found in piles for source in found] == named
    assert sizes == sorted(sizes)
    assert sizes[0] < 2**19 + 2 * path.stat().st_size
    assert 2**20 < sizes[-1] < 2**20 + 2 * path.stat().st_size


def test_a_failure_while_photos_are_prepared_lets_the_next_pile_go_on(pile: list[Path]) -> None:
    def fail(pictures: list[np.ndarray]) -> list[int]:
        raise RuntimeError("of a plug-in")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="of a plug-in"):
            list(map_images(pile[:1] * 9, fail, n_jobs=2))


def test_a_folder_is_loaded_the_same_with_any_number_of_threads(tmp_path: Path) -> None:
    for index, (image, label) in enumerate(zip(DIGITS.images, DIGITS.labels.tolist(), strict=True)):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image).resize((40 + index, 40)).save(tmp_path / str(label) / f"{index}.jpg")
    loaded = [load_dataset(tmp_path, n_jobs=n_jobs) for n_jobs in (1, 4)]
    assert np.array_equal(loaded[0].images, loaded[1].images)
    assert np.array_equal(loaded[0].labels, loaded[1].labels)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize(("size", "expected"), [((1281, 900), 4), ((1024, 512), 2), ((512, 512), 1), ((4097, 8), 16)])
def test_a_file_is_decoded_no_larger_than_needed(mode: str, size: tuple[int, int], expected: int) -> None:
    """As many halvings as bring it to the side that is asked for; the rest of a row or column counts, too."""
    rng = np.random.default_rng(0)
    low = Image.fromarray(rng.integers(60, 200, (9, 9), np.uint8)).resize(size, Image.Resampling.BICUBIC).convert(mode)
    for kind, most in (("PNG", 0.51), ("JPEG", 4)):
        file = io.BytesIO()
        low.save(file, kind, **({"quality": 95} if kind == "JPEG" else {}))
        found = read_image(file.getvalue(), side=512)
        whole = np.asarray(low.reduce(expected) if expected > 1 else low.convert("L"))
        whole = whole if whole.ndim == 2 else whole[..., 0]
        assert found.shape == whole.shape
        assert np.abs(found.astype(int) - whole).mean() <= most
    assert read_image(file.getvalue()).shape == size[::-1]


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_photo_is_upright_at_any_size(orientation: int) -> None:
    picture = Image.fromarray(np.pad(np.zeros((300, 1200), np.uint8), ((0, 700), (0, 0)), constant_values=255))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    whole, small = read_image(file.getvalue()), read_image(file.getvalue(), side=512)
    factor = max(whole.shape) / max(small.shape)
    assert factor == pytest.approx(4, abs=0.02)
    shrunk = np.asarray(Image.fromarray(whole).resize(small.shape[::-1], Image.Resampling.BOX))
    assert np.abs(shrunk.astype(int) - small).mean() < 3


def test_transparent_and_deep_pictures_stay_whole() -> None:
    """Their paper and their levels are found on all pixels."""
    for picture in (
        Image.fromarray(np.full((800, 800, 4), (0, 0, 0, 128), np.uint8)),
        Image.fromarray(np.full((800, 800), 40_000, np.uint16)),
    ):
        file = io.BytesIO()
        picture.save(file, "PNG")
        assert np.array_equal(read_image(file.getvalue(), side=512), read_image(file.getvalue()))


# Processes of their own

INTERRUPTED = """
import itertools, sys, threading
from lenetkit import Pipeline
pipe, begun = Pipeline.pretrained(), 0
def pile():
    global begun
    for begun in itertools.count(1):
        if begun == 40:
            print("running", flush=True)
        yield sys.argv[1]
try:
    pipe.predict(pile(), n_jobs=3)
except KeyboardInterrupt:
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("lenetkit-work")]
    print("interrupted", left, flush=True)
    print(pipe.predict([sys.argv[1]] * 4, n_jobs=3).tolist())
"""

FORKED = """
import os, sys
from lenetkit import Pipeline
from lenetkit.datasets import map_images
pipe, pile = Pipeline.pretrained(), sys.argv[1:]
expected = pipe.predict(pile, n_jobs=3).tolist()
begun = map_images(pile * 9, lambda pictures: pictures, n_jobs=3)
next(begun)
for _ in range(3):
    child = os.fork()
    if child == 0:
        answers = pipe.predict(pile, n_jobs=3).tolist()
        os._exit(0 if answers == expected else 1)
    print(os.waitpid(child, 0)[1])
begun.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
def test_ctrl_c_ends_an_endless_pile_and_leaves_no_thread(pile: list[Path]) -> None:
    """And the pipeline answers afterwards."""
    command = [sys.executable, "-c", INTERRUPTED, str(pile[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        try:
            told, errors = process.communicate(timeout=300)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert told.splitlines() == ["interrupted []", "[1, 1, 1, 1]"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_a_forked_child_answers_after_and_during_a_pile(pile: list[Path]) -> None:
    """None of the parent's threads lives on in it, and none of their locks."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, *map(str, pile)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stderr, done.stdout.split()) == (0, "", ["0", "0", "0"])
