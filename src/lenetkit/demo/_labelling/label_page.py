"""The web application of the page to correct on: its files, the pictures, and the decisions.

In: a queue of pictures in the order of doubt. Out: an ASGI application. Next: a person's browser.
"""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lenetkit._utils.system import describe_system_error
from lenetkit.datasets import read_image
from lenetkit.demo._guard import Guard
from lenetkit.demo._labelling.doubt_queue import DoubtQueue
from lenetkit.demo._labelling.label_table import NOTHING, SKIPPED, Decision
from lenetkit.demo._labelling.lessons import Lessons
from lenetkit.demo._routes import create_constant_route, create_file_routes, explain_errors
from lenetkit.demo._uploads import Room, receive
from lenetkit.plotting import as_uint8

__all__ = ["create_label_page"]

Work = Callable[[Request], Awaitable[dict[str, Any]]]

# A page of pictures, and the most that one request may ask for or decide.
_PAGE, _MOST = 24, 100
_LONGEST_LABEL, _MOST_BYTES = 200, 200_000
# The longer side of a picture as it is sent, and pictures that are unpacked at a time.
_LARGEST, _AT_ONCE = 640, 2
_MOST_PIXELS = 50_000_000


def create_label_page(
    queue: DoubtQueue,
    pictures: Mapping[str, Path],
    lessons: Lessons | None,
    settings: Mapping[str, Any],
    hosts: Collection[str],
) -> Starlette:
    """Return the application.

    Parameters
    ----------
    queue : DoubtQueue
        The pictures and the decisions about them.
    pictures : mapping from str to Path
        The files by their names in the queue: no others are sent.
    lessons : Lessons or None
        Learns from the decisions.
    settings : mapping
        Values that the page shows and does not change: ``folder``, ``table``, ``classes``, ``is_number``, ``left_out``.
    hosts : collection of str
        As for :func:`lenetkit.demo.create_app`.
    """
    page = _LabelPage(queue, pictures, lessons, bool(settings["is_number"]))

    def route(path: str, work: Work, method: str) -> Route:
        async def answer(request: Request) -> Response:
            return JSONResponse(await work(request))

        return Route(path, explain_errors(answer), methods=[method])

    return Starlette(
        routes=[
            *create_file_routes("label.html", "label.css", "label.js", "demo.css", "icon.svg"),
            create_constant_route("/api/settings", JSONResponse, dict(settings), "application/json"),
            route("/api/queue", page.send_queue, "GET"),
            Route("/api/picture", explain_errors(page.send_picture)),
            route("/api/decide", page.decide, "POST"),
            route("/api/undo", page.undo, "POST"),
            route("/api/again", page.ask_again, "POST"),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
    )


class _LabelPage:
    """Answers to the page's requests; work is done in threads, so that none waits for another."""

    def __init__(
        self, queue: DoubtQueue, pictures: Mapping[str, Path], lessons: Lessons | None, is_number: bool
    ) -> None:
        self._queue, self._pictures, self._lessons, self._is_number = queue, pictures, lessons, is_number
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._room = Room(_MOST_BYTES)

    async def send_queue(self, request: Request) -> dict[str, Any]:
        """Send the pictures that are to be asked about next, and how far one is."""
        count = _parse_count(request.query_params.get("count", str(_PAGE)))
        return await asyncio.to_thread(lambda: self._describe(pictures=self._queue.find_next(count)))

    async def send_picture(self, request: Request) -> Response:
        """Send one picture."""
        path = self._pictures.get(request.query_params.get("name", ""))
        if path is None:
            raise HTTPException(404, "there is no such picture.")
        async with self._turns:
            return Response(await asyncio.to_thread(_shrink, path), media_type="image/png")

    async def decide(self, request: Request) -> dict[str, Any]:
        """Keep decisions."""
        with self._room.open() as seat:
            decisions = _parse_decisions(
                await receive(request, _MOST_BYTES, seat), self._pictures, is_number=self._is_number
            )
        return await self._change(lambda: self._queue.decide(decisions))

    async def undo(self, _: Request) -> dict[str, Any]:
        """Take the last decisions back, and send their pictures."""
        undone: list[dict[str, Any]] = []
        return await self._change(lambda: undone.extend(self._queue.undo()), pictures=undone)

    async def ask_again(self, _: Request) -> dict[str, Any]:
        """Put the pictures that were skipped back."""
        return await self._change(self._queue.ask_skipped_again)

    async def _change(self, make: Callable[[], object], **more: Any) -> dict[str, Any]:
        try:
            await asyncio.to_thread(make)
        except OSError as error:
            words = describe_system_error(error)
            raise HTTPException(507, f"this was not kept, since the table cannot be written: {words}") from None
        if self._lessons is not None:
            self._lessons.notify()
        return await asyncio.to_thread(lambda: self._describe(**more))

    def _describe(self, **more: Any) -> dict[str, Any]:
        lessons = self._lessons.describe() if self._lessons is not None else None
        return {"progress": self._queue.count(), "lessons": lessons, **more}


def _parse_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 0 <= int(text) <= _MOST):
        raise HTTPException(400, f"count must be an integer from 0 to {_MOST}.")
    return int(text)


def _parse_decisions(data: bytes, pictures: Mapping[str, Path], *, is_number: bool) -> dict[str, Decision]:
    """Return the decisions in a request: ``[{"name": ..., "label": ...}, {"name": ..., "left_out": ...}]``."""
    try:
        rows = json.loads(data)
        found = {row["name"]: Decision(row.get("label", ""), row.get("left_out", "")) for row in rows}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise HTTPException(400, "the decisions must be a list of objects with name, and label or left_out.") from None
    if not 1 <= len(found) <= _MOST:
        raise HTTPException(400, f"there must be 1 to {_MOST} decisions; got {len(found)}.")
    return {name: _check_decision(name, decision, pictures, is_number) for name, decision in found.items()}


def _check_decision(name: Any, decision: Decision, pictures: Mapping[str, Path], is_number: bool) -> Decision:
    label, left_out = decision.label, decision.left_out
    if name not in pictures:
        raise HTTPException(404, f"there is no picture {str(name)[:80]!r} here. Load the page again.")
    if not isinstance(label, str) or len(label) > _LONGEST_LABEL or not label.isprintable():
        raise HTTPException(422, f"a label must have at most {_LONGEST_LABEL} characters, all of which show something.")
    label = " ".join(label.split())
    if is_number and not set(label) <= set("0123456789.,-/: "):
        raise HTTPException(422, f"a number must have digits, gaps and the signs . , - / : alone; got {label!r}.")
    if bool(label) == bool(left_out) or left_out not in ("", NOTHING, SKIPPED):
        raise HTTPException(422, f"a picture must have a label, or left_out {NOTHING!r} or {SKIPPED!r}.")
    return Decision(label, left_out)


def _shrink(path: Path) -> bytes:
    """Return a picture as the library sees it, as a PNG of bounded size."""
    pixels = as_uint8(read_image(path, max_pixels=_MOST_PIXELS))
    # Sub-sampled first: the box filter of a photograph of 48 megapixels takes seconds.
    step = -(-max(pixels.shape[:2]) // (8 * _LARGEST))
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    picture.thumbnail((_LARGEST, _LARGEST), PIL.Image.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, "png")
    return file.getvalue()
