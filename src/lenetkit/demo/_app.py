"""The web application: the files of the page, and the answers that it asks for."""

import asyncio
import math
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lenetkit._utils.budget import BudgetError
from lenetkit.datasets import measure_picture, read_image
from lenetkit.demo._answer import answer, layers
from lenetkit.demo._guard import Guard
from lenetkit.demo._known import MOST_NUMBERS, parse_known
from lenetkit.demo._routes import create_constant_route, create_file_routes, explain_errors
from lenetkit.demo._uploads import Room, receive, wait_until_gone
from lenetkit.demo._workers import Workers

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["create_application"]

Task = Callable[..., dict[str, Any]]
Prepared = tuple[Task, Sequence[Workers]]

_REJECT = "0.01"
# Drawings have a thread of their own, and of a picture's budget a part that takes a fraction of a second. What needs
# more, and whatever is larger than a drawing, goes one by one in another thread. The rest of the visitors waits.
_WAITING = 17
_DRAWING_BYTES, _DRAWING_PIXELS, _DRAWING_FRACTION = 2**18, 640 * 480, 0.05
_SECONDS_TO_ANSWER = 60.0
# TensorFlow is loaded in this time, too.
_SECONDS_FOR_LAYERS = 120.0
# Bytes of all pictures at once, and of the largest pictures at least so many.
_ROOM, _LARGEST = 40_000_000, 2
_LONGEST_NAME = 80


def create_application(
    pipelines: "dict[str, Pipeline]", max_bytes: int, max_pixels: int, hosts: Collection[str]
) -> Starlette:
    """Return the application, see :func:`lenetkit.demo.create_app`; it owns the threads that answer."""
    offered = [
        {"name": name, "labels": [str(label) for label in pipeline.classes_]} for name, pipeline in pipelines.items()
    ]

    limits = {"max_bytes": max_bytes, "max_known": MOST_NUMBERS}
    drawings = Workers(1, _WAITING, fraction=_DRAWING_FRACTION)
    others, inside = (Workers(1, _WAITING, after=drawings) for _ in range(2))
    room = Room(max(_ROOM, _LARGEST * max_bytes))

    def prepare_answer(request: Request) -> Prepared:
        pipeline, query = _choose(pipelines, request), request.query_params
        known = parse_known(query)
        try:
            reject = float(query.get("reject", _REJECT))
        except ValueError:
            raise HTTPException(400, "reject must be a fraction of errors, above 0 and up to 1.") from None
        # The search for a number that follows rules may take seconds, which no budget counts.
        return partial(answer, pipeline, reject=reject, known=known), (others,) if known else (drawings, others)

    def prepare_layers(request: Request) -> Prepared:
        # TensorFlow is loaded by one thread, and the others go on answering.
        return partial(layers, _choose(pipelines, request)), (inside,)

    def post(path: str, prepare: Callable[[Request], Prepared], seconds: float) -> Route:
        async def work(request: Request) -> Response:
            task, lanes = prepare(request)
            with room.open() as seat:
                data = await receive(request, max_bytes, seat)
                name = "".join(filter(str.isprintable, request.query_params.get("name", "")))[:_LONGEST_NAME]
                read = partial(read_image, data, name=name or "the picture", max_pixels=max_pixels)
                gone = asyncio.ensure_future(wait_until_gone(request))
                try:
                    return JSONResponse(await _run(lambda: task(read()), data, lanes, seconds, gone))
                finally:
                    gone.cancel()

        return Route(path, explain_errors(work), methods=["POST"])

    return Starlette(
        routes=[
            *create_file_routes("index.html", "demo.css", "demo.js", "icon.svg"),
            create_constant_route("/api/pipelines", JSONResponse, {"pipelines": offered, **limits}, "application/json"),
            post("/api/read", prepare_answer, _SECONDS_TO_ANSWER),
            post("/api/layers", prepare_layers, _SECONDS_FOR_LAYERS),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
    )


def _choose(pipelines: "dict[str, Pipeline]", request: Request) -> "Pipeline":
    name = request.query_params.get("pipeline", next(iter(pipelines)))
    if name not in pipelines:
        raise HTTPException(404, f"there is no pipeline {name!r} here. Known are: {', '.join(pipelines)}.")
    return pipelines[name]


async def _run(
    function: Callable[[], dict[str, Any]],
    data: bytes,
    lanes: Sequence[Workers],
    seconds: float,
    gone: "asyncio.Future[None]",
) -> dict[str, Any]:
    """Run a function in the first lane if the picture is as small as a drawing, and in the last one if that fails."""
    first, *last = lanes
    begun = time.monotonic()
    if not last or _count_pixels(data) <= _DRAWING_PIXELS:
        try:
            # What there is to see in a picture shows in the bytes that it takes.
            return await first.run(function, price=len(data), seconds=seconds, gone=gone)
        except BudgetError:
            if not last:
                raise
    left = seconds - (time.monotonic() - begun)
    return await last[0].run(function, price=0, seconds=left, gone=gone)


def _count_pixels(data: bytes) -> float:
    """Return the pixels of a picture whose file is as small as a drawing's; what cannot be read is soon refused."""
    if len(data) > _DRAWING_BYTES:
        return math.inf
    try:
        return math.prod(measure_picture(data, "the picture"))
    except Exception:  # Pillow raises many kinds for a damaged header
        return 0
