"""The application: four files of the page, and what it asks for."""

import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
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

__all__ = ["Demo"]

Handler = Callable[[Request], Awaitable[Response]]

_PAGE = Path(__file__).with_name("assets")
# Said here: what a system believes about the ends of file names may differ, and browsers run no script of another type.
_FILES = {
    "index.html": "text/html; charset=utf-8",
    "demo.css": "text/css; charset=utf-8",
    "demo.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_REJECT = "0.01"
# Two pictures at once; the rest of the visitors waits for some seconds at most.
_THREADS, _WAITING = 2, 16
# A browser shows an answer only after it has sent all of its picture.
_MOST_DISCARDED = 20
_LONGEST_NAME = 80

_logger = logging.getLogger("lenetkit.demo")


class _RefusedError(Exception):
    """A request that cannot be answered: status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class Demo:
    """The page's state: pipelines, limits and workers.

    Parameters
    ----------
    pipelines : dict from str to Pipeline
        Fitted.
    max_bytes, max_pixels : int
        Limits of a picture.
    hosts : collection of str
        Names that this server may be called by.
    """

    def __init__(
        self, pipelines: "dict[str, Pipeline]", max_bytes: int, max_pixels: int, hosts: Collection[str]
    ) -> None:
        self._pipelines, self._max_bytes, self._max_pixels = pipelines, max_bytes, max_pixels
        self._offered = [
            {"name": name, "labels": [str(label) for label in pipeline.classes_]}
            for name, pipeline in pipelines.items()
        ]
        self._workers = Workers(_THREADS, _WAITING)
        # TensorFlow is loaded by one thread, and the others go on answering.
        self._inspectors = Workers(1, _WAITING)
        self.app = Starlette(
            routes=[
                *(Route(f"/{name}", _file(name, kind)) for name, kind in _FILES.items()),
                Route("/", _file("index.html", _FILES["index.html"])),
                Route("/api/pipelines", self._list),
                Route("/api/read", _in_words(self._read), methods=["POST"]),
                Route("/api/layers", _in_words(self._look_inside), methods=["POST"]),
            ],
            middleware=[Middleware(Guard, hosts=hosts)],
        )

    async def _list(self, _: Request) -> Response:
        return JSONResponse({"pipelines": self._offered, "max_bytes": self._max_bytes})

    async def _read(self, request: Request) -> Response:
        pipeline = self._pipeline(request)
        try:
            reject = float(request.query_params.get("reject", _REJECT))
        except ValueError:
            raise _RefusedError(400, "reject must be a share of errors, above 0 and up to 1.") from None
        return await self._work(self._workers, request, partial(answer, pipeline, reject=reject))

    async def _look_inside(self, request: Request) -> Response:
        return await self._work(self._inspectors, request, partial(layers, self._pipeline(request)))

    async def _work(self, workers: Workers, request: Request, look: Callable[..., dict[str, Any]]) -> Response:
        data = await _body(request, self._max_bytes)
        name = "".join(filter(str.isprintable, request.query_params.get("name", "")))[:_LONGEST_NAME]
        read = partial(read_image, data, name=name or "the picture", max_pixels=self._max_pixels)
        found = await workers.run(lambda: look(picture=read()))
        return JSONResponse(found)

    def _pipeline(self, request: Request) -> "Pipeline":
        name = request.query_params.get("pipeline", next(iter(self._pipelines)))
        try:
            return self._pipelines[name]
        except KeyError:
            known = ", ".join(self._pipelines)
            raise _RefusedError(404, f"there is no pipeline {name!r} here. Known are: {known}.") from None


def _file(name: str, kind: str) -> Handler:
    content = (_PAGE / name).read_bytes()

    async def send(_: Request) -> Response:
        return Response(content, media_type=kind)

    return send


async def _body(request: Request, most: int) -> bytes:
    """Return the bytes that were sent; what is too much is taken off the line, up to a limit, but not kept."""
    kept, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            kept.append(chunk)
        elif size > _MOST_DISCARDED * most:
            break
    if size > most:
        raise _RefusedError(413, f"the picture must have at most {most / 1e6:g} MB; scale it down or cut it.")
    if not size:
        raise _RefusedError(400, "there is no picture: send a picture file as the request's body.")
    return b"".join(kept)


def _in_words(handler: Handler) -> Handler:
    """Answer whatever goes wrong with a status and a sentence."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except _RefusedError as error:
            return _error(error.status, str(error))
        except LenetkitError as error:
            return _error(422, str(error))
        except BusyError:
            return _error(503, "too many pictures are waiting. Try again in a moment.", {"Retry-After": "2"})
        except ClientDisconnect:
            return _error(400, "the picture did not arrive.")
        except Exception:
            _logger.exception("a picture could not be answered; this is a bug in lenetkit, please report it")
            return _error(500, "something went wrong here: a bug in lenetkit. The server's log says more.")

    return handle


def _error(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": words}, status, headers)
