"""The web application: the files of the page, and the answers that it asks for."""

import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lenetkit.datasets import read_image
from lenetkit.demo._answer import answer, layers
from lenetkit.demo._guard import Guard
from lenetkit.demo._workers import BusyError, Workers
from lenetkit.exceptions import LenetkitError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["create_application"]

Handler = Callable[[Request], Awaitable[Response]]
Task = Callable[..., dict[str, Any]]

_ASSETS = Path(__file__).with_name("assets")
# Written out: systems differ in the types of file names' ends, and browsers run no script of another type.
_FILES = {
    "index.html": "text/html; charset=utf-8",
    "demo.css": "text/css; charset=utf-8",
    "demo.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_REJECT = "0.01"
# Two images at once; the rest of the visitors waits for some seconds at most.
_THREADS, _WAITING = 2, 16
# A browser shows an answer only after it has sent all of its image.
_MOST_DISCARDED = 20
_LONGEST_NAME = 80

_logger = logging.getLogger("lenetkit.demo")


def create_application(
    pipelines: "dict[str, Pipeline]", max_bytes: int, max_pixels: int, hosts: Collection[str]
) -> Starlette:
    """Return the application, see :func:`lenetkit.demo.create_app`; it owns the threads that answer."""
    offered = [
        {"name": name, "labels": [str(label) for label in pipeline.classes_]} for name, pipeline in pipelines.items()
    ]

    def prepare_answer(request: Request) -> Task:
        pipeline = _choose(pipelines, request)
        try:
            return partial(answer, pipeline, reject=float(request.query_params.get("reject", _REJECT)))
        except ValueError:
            raise HTTPException(400, "reject must be a fraction of errors, above 0 and up to 1.") from None

    def post(path: str, prepare: Callable[[Request], Task], n_threads: int) -> Route:
        workers = Workers(n_threads, _WAITING)

        async def work(request: Request) -> Response:
            task = prepare(request)
            data = await _receive(request, max_bytes)
            name = "".join(filter(str.isprintable, request.query_params.get("name", "")))[:_LONGEST_NAME]
            image = partial(read_image, data, name=name or "the picture", max_pixels=max_pixels)
            return JSONResponse(await workers.run(lambda: task(image())))

        return Route(path, _explain_errors(work), methods=["POST"])

    files = {**{f"/{name}": name for name in _FILES}, "/": "index.html"}
    return Starlette(
        routes=[
            *(_get(path, Response, (_ASSETS / name).read_bytes(), _FILES[name]) for path, name in files.items()),
            _get("/api/pipelines", JSONResponse, {"pipelines": offered, "max_bytes": max_bytes}, "application/json"),
            post("/api/read", prepare_answer, _THREADS),
            # TensorFlow is loaded by one thread, and the others go on answering.
            post("/api/layers", lambda request: partial(layers, _choose(pipelines, request)), 1),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
    )


def _choose(pipelines: "dict[str, Pipeline]", request: Request) -> "Pipeline":
    name = request.query_params.get("pipeline", next(iter(pipelines)))
    if name not in pipelines:
        raise HTTPException(404, f"there is no pipeline {name!r} here. Known are: {', '.join(pipelines)}.")
    return pipelines[name]


def _get(path: str, kind: type[Response], content: Any, media_type: str) -> Route:
    """Return a route with the same content for everybody."""

    async def send(_: Request) -> Response:
        return kind(content, media_type=media_type)  # anew: middleware around may write a visitor's cookie into it

    return Route(path, send)


async def _receive(request: Request, most: int) -> bytes:
    """Return the bytes that were sent; those above the limit are read, up to a limit of their own, but not kept."""
    kept, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            kept.append(chunk)
        elif size > _MOST_DISCARDED * most:
            break
    if size > most:
        raise HTTPException(413, f"the picture must have at most {most / 1e6:g} MB; scale it down or cut it.")
    if not size:
        raise HTTPException(400, "there is no picture: send a picture file as the request's body.")
    return b"".join(kept)


def _explain_errors(handler: Handler) -> Handler:
    """Answer every error with a status and a sentence."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except HTTPException as error:
            return _error(error.status_code, error.detail)
        except LenetkitError as error:
            return _error(422, str(error))
        except BusyError:
            return _error(503, "too many pictures are waiting. Try again in a moment.", {"Retry-After": "2"})
        except ClientDisconnect:
            return _error(400, "the picture did not arrive.")
        except Exception:
            _logger.exception("an image could not be answered; this is a bug in lenetkit, please report it")
            return _error(500, "something went wrong here: a bug in lenetkit. The server's log says more.")

    return handle


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
