"""A saved pipeline behind HTTP: POST an image, get its label.

The saved file is all that a service needs, and one pipeline serves any number of threads at once. ``application`` is a
WSGI application for any Python web server; the one used here is Python's own.

    python examples/save_and_serve.py                      trains on the bundled digits, serves them, tests itself
    python examples/save_and_serve.py --file digits.lenet  serves your file until Ctrl-C
    curl --data-binary @photo.png http://127.0.0.1:8000
"""

import argparse
import http.client
import io
import json
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import numpy as np
from PIL import Image

from lenetkit import Pipeline, Trainer, load_dataset
from lenetkit.datasets import read_image
from lenetkit.exceptions import DataError

MOST_BYTES = 10_000_000


def application(file: str | Path) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application that classifies images with a saved pipeline."""
    pipe = Pipeline.load(file)  # once; no TensorFlow

    def respond(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, answer = answer_to(pipe, environ)
        body = json.dumps(answer).encode() + b"\n"
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return respond


def answer_to(pipe: Pipeline, environ: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    length = environ.get("CONTENT_LENGTH") or ""
    if environ["REQUEST_METHOD"] != "POST" or not length.isdecimal():
        return "400 Bad Request", {"error": "POST a picture."}
    if int(length) > MOST_BYTES:
        return "413 Content Too Large", {"error": f"A picture may have {MOST_BYTES:,} bytes."}
    try:
        probabilities = pipe.predict_proba([read_image(environ["wsgi.input"].read(int(length)))])[0]
    except DataError as error:
        return "400 Bad Request", {"error": str(error)}
    best = probabilities.argmax()
    return "200 OK", {"label": pipe.classes_[best].item(), "probability": float(probabilities[best])}


class Server(ThreadingMixIn, WSGIServer):
    """Python's own server, with one thread per request."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """Python's own handler without its log line per request."""

    def log_message(self, *_: Any) -> None:
        """Do nothing."""


def serve(file: Path, port: int) -> None:
    with make_server("127.0.0.1", port, application(file), server_class=Server) as server:
        print(f"reading pictures with {file} at http://127.0.0.1:{port}; Ctrl-C ends it")
        server.serve_forever()


def train_and_ask(file: Path) -> None:
    """Train, save, serve the file on a free port, and send it the test images."""
    digits = load_dataset("digits")
    train, test = digits.split(test_size=0.10, seed=0)
    pipe = Pipeline(trainer=Trainer(epochs=digits.epochs, verbose=0)).fit(train.images, train.labels)
    pipe.save(file)
    print(pipe.evaluate(test.images, test.labels).summary_line)

    with make_server("127.0.0.1", 0, application(file), server_class=Server, handler_class=QuietHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda image: post(server.server_port, png(image)), test.images))
        agree = np.mean([answer["label"] for answer in answers] == pipe.predict(test.images))
        print(f"sent {len(answers)} pictures, 8 at once: {agree:.0%} of the answers are those of pipe.predict")
        print("the first:", answers[0], "and it is", test.labels[0])
        print("no picture at all:", post(server.server_port, b"hello"))
        server.shutdown()


def post(port: int, content: bytes) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/", content)
    with connection.getresponse() as response:
        return json.load(response)


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "png")
    return file.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a saved pipeline over HTTP.")
    parser.add_argument("--file", type=Path, help="a saved pipeline; default: one trained on the embedded digits")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000")
    given = parser.parse_args()
    if given.file is not None:
        serve(given.file, given.port)
    else:
        with tempfile.TemporaryDirectory() as folder:
            train_and_ask(Path(folder) / "digits.lenet")
