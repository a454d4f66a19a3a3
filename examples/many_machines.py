"""Read many images on a cluster, and measure the speed-up with each further worker.

Needs ``pip install "lenetkit[distributed]"``. The cluster consists of processes on this machine; with ``--scheduler``
the same program uses a larger one.
"""

import argparse
import time

import dask.array as da
import numpy as np
from dask.distributed import Client, LocalCluster

from lenetkit import Pipeline, Trainer, load_dataset


def read(client, pipe, images):
    """Return the labels of all images, read in blocks, and the number of images per second."""
    blocks = da.from_array(images, chunks=(5_000, *images.shape[1:]))
    labels = blocks.map_blocks(pipe.predict, dtype=np.int64, drop_axis=[1, 2])
    # Workers create their interpreter at the first image; this is not timed.
    client.gather(client.map(pipe.predict, [images[:1]] * len(client.ncores()), workers=list(client.ncores())))
    began = time.perf_counter()
    answers = labels.compute()
    return answers, len(images) / (time.perf_counter() - began)


def main():
    """Train on one process, read on many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000, help="how many; 100000 is a pile")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="sizes of the cluster to try")
    parser.add_argument("--scheduler", help="address of a cluster that is there, such as tcp://10.0.0.1:8786")
    arguments = parser.parse_args()

    train, test = load_dataset("digits").split(test_size=0.2, seed=0)
    pipe = Pipeline(trainer=Trainer(epochs=15, batch_size=32, verbose=0)).fit(train.images, train.labels)
    copies = -(-arguments.images // len(test))
    images = np.concatenate([test.images] * copies)[: arguments.images]
    labels = np.concatenate([test.labels] * copies)[: arguments.images]

    alone = pipe.predict(images)
    print(f"accuracy {100 * (alone == labels).mean():.2f} % on {len(images):,} images")
    if arguments.scheduler:
        with Client(arguments.scheduler) as client:
            answers, per_second = read(client, pipe, images)
            print(f"{len(client.ncores())} workers: {per_second:,.0f} images per second")
        return
    for n_workers in arguments.workers:
        # Workers are single-threaded processes, as many as there are cores.
        options = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0"}
        with LocalCluster(n_workers=n_workers, **options) as cluster, Client(cluster) as client:
            answers, per_second = read(client, pipe, images)
            same = "the same answers as one process" if (answers == alone).all() else "OTHER ANSWERS"
            print(f"{n_workers} worker{'s' * (n_workers > 1)}: {per_second:,.0f} images per second, {same}")


if __name__ == "__main__":
    main()
