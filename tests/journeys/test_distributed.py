"""Beyond one machine: a real cluster of processes on 127.0.0.1 gives the answers that one process gives."""

import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lenetkit import LeNetClassifier, Pipeline, Trainer, load_dataset

distributed = pytest.importorskip("distributed", reason="needs the extra 'distributed'")
dask = pytest.importorskip("dask")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    # A worker that is killed takes its connections with it.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

DIGITS = load_dataset("digits")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a client of two worker processes, which compute with as many threads as this process does."""
    settings = {
        "distributed.nanny.pre-spawn-environ": {},
        "distributed.worker.multiprocessing-method": "spawn",
        # Every two seconds Dask throws away spare copies of what no task waits for; these tests count copies.
        "distributed.scheduler.active-memory-manager.start": False,
        "temporary-directory": str(tmp_path_factory.mktemp("dask")),
    }
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture(scope="module")
def pipe() -> Pipeline:
    """Return a trained pipeline."""
    trainer = Trainer(epochs=3, batch_size=32, verbose=0)
    return Pipeline(trainer=trainer).fit(DIGITS.images[:600], DIGITS.labels[:600])


@pytest.fixture(scope="module")
def expected(pipe: Pipeline) -> bytes:
    """Return the probabilities that one process computes."""
    return pipe.predict_proba(DIGITS.images).tobytes()


def test_a_dask_array_is_read_block_by_block(client: Any, pipe: Pipeline, expected: bytes) -> None:
    """To the bit, however it is cut."""
    import dask.array as da

    images = da.from_array(DIGITS.images, chunks=(350, 8, 8))
    answers = images.map_blocks(
        pipe.predict_proba, dtype=np.float32, drop_axis=[1, 2], new_axis=1, chunks=(images.chunks[0], 10)
    )
    assert answers.shape == (1797, 10)
    assert answers.compute().tobytes() == expected


def test_a_bag_of_files_is_read_partition_by_partition(client: Any, pipe: Pipeline, tmp_path: Path) -> None:
    """The workers open the files themselves."""
    import dask.bag as db

    paths = [str(tmp_path / f"{number}.png") for number in range(60)]
    for path, image in zip(paths, DIGITS.images, strict=False):
        Image.fromarray(image).save(path)
    bag = db.from_sequence(paths, partition_size=25)
    answers = bag.map_partitions(lambda part: pipe.predict(list(part)).tolist()).compute()
    assert answers == pipe.predict(DIGITS.images[:60]).tolist()


def test_a_pipeline_is_sent_once(client: Any, pipe: Pipeline, expected: bytes) -> None:
    """Scattered, it waits in every worker; it arrives whole and small."""
    assert len(pickle.dumps(pipe)) < 2_000_000
    there = client.scatter(pipe, broadcast=True)
    parts = [DIGITS.images[start : start + 500] for start in range(0, len(DIGITS), 500)]
    futures = client.map(predict_and_identify, [there] * len(parts), parts)
    answers, seen = zip(*client.gather(futures), strict=True)
    assert np.concatenate(answers).tobytes() == expected
    assert len(set(seen)) == len({process for process, _ in seen}), "a process unpickled the pipeline more than once"
    assert len(client.who_has(there)[there.key]) == 2


def predict_and_identify(pipe: Pipeline, part: Any) -> tuple[Any, tuple[int, int]]:
    """Predict, and say which object in which process did it."""
    return pipe.predict_proba(part), (os.getpid(), id(pipe))


def predict_or_wait(pipe: Pipeline, part: Any, wait: bool) -> Any:
    """Predict, at once or when the event "killed" has come."""
    if wait and not distributed.Event("killed").wait(timeout=300):
        raise TimeoutError("The worker was not killed within 300 s.")
    return pipe.predict_proba(part)


def test_a_killed_worker_loses_nothing(client: Any, pipe: Pipeline, expected: bytes) -> None:
    """What it had done and what it was doing is done again by the others."""
    parts = [DIGITS.images[start : start + 150] for start in range(0, len(DIGITS), 150)]
    killed = distributed.Event("killed", client=client)
    futures = client.map(predict_or_wait, [pipe] * len(parts), parts, [n >= 3 for n in range(len(parts))], pure=False)
    distributed.wait(futures[:3], timeout=300)
    victim = sorted(client.run(os.getpid).items())[0][1]
    os.kill(victim, signal.SIGKILL)
    assert not any(future.done() for future in futures[3:])
    killed.set()
    assert np.concatenate(client.gather(futures)).tobytes() == expected
    client.wait_for_workers(2, timeout=300)
    assert victim not in client.run(os.getpid).values()


def fit(classifier: LeNetClassifier, rows: Any, labels: Any) -> LeNetClassifier:
    """Train in a worker."""
    return classifier.fit(rows, labels)


def test_a_grid_search_goes_over_the_cluster(client: Any) -> None:
    """It finds the best settings, and what was trained in a worker answers here with the worker's bits."""
    import joblib
    from sklearn.model_selection import GridSearchCV

    rows, labels = DIGITS.images[:300].reshape(300, 64), DIGITS.labels[:300]
    classifier = LeNetClassifier("mlp", image_shape=(8, 8), batch_size=32, random_state=0)
    grid = {"epochs": [1, 4]}
    with joblib.parallel_backend("dask"):
        search = GridSearchCV(classifier, grid, cv=2, error_score="raise").fit(rows, labels)
    assert search.best_params_ == {"epochs": 4}
    assert search.best_score_ > 0.5
    with joblib.parallel_backend("sequential"):
        here = GridSearchCV(classifier, grid, cv=2, error_score="raise").fit(rows, labels)
    assert here.cv_results_["mean_test_score"].tolist() == search.cv_results_["mean_test_score"].tolist()
    assert here.predict_proba(rows).tobytes() == search.predict_proba(rows).tobytes()
    trained = client.submit(fit, search.best_estimator_, rows, labels).result()
    there = client.submit(lambda classifier: classifier.predict_proba(rows), trained).result()
    assert trained.predict_proba(rows).tobytes() == there.tobytes()
