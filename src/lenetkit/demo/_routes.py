"""Routes and answers that both pages have: files, constants, and errors in words."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lenetkit.demo._known import WrongKnowledgeError
from lenetkit.demo._workers import BusyError, LateError, VisitorGoneError
from lenetkit.exceptions import LenetkitError

__all__ = ["Handler", "create_constant_route", "create_file_routes", "explain_errors"]

Handler = Callable[[Request], Awaitable[Response]]

_ASSETS = Path(__file__).with_name("assets")
# Written out: systems differ in the types of file names' ends, and browsers run no script of another type.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_logger = logging.getLogger("lenetkit.demo")


def create_file_routes(page: str, *others: str) -> list[Route]:
    """Return routes for the files of a page, which is also at the root."""
    files = {"/": page, **{f"/{name}": name for name in (page, *others)}}
    return [
        create_constant_route(path, Response, (_ASSETS / name).read_bytes(), _TYPES[Path(name).suffix])
        for path, name in files.items()
    ]


def create_constant_route(path: str, kind: type[Response], content: Any, media_type: str) -> Route:
    """Return a route with the same content for everybody."""

    async def send(_: Request) -> Response:
        return kind(content, media_type=media_type)  # anew: middleware around may write a visitor's cookie into it

    return Route(path, send)


def explain_errors(handler: Handler) -> Handler:
    """Answer every error with a status and a sentence."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except HTTPException as error:
            return _error(error.status_code, error.detail, dict(error.headers or {}))
        except WrongKnowledgeError as error:
            return JSONResponse({"error": str(error), "about": "known"}, 422)
        except LenetkitError as error:
            return _error(422, str(error))
        except BusyError:
            return _error(503, "too many pictures are waiting. Try again in a moment.", {"Retry-After": "2"})
        except LateError:
            return _error(503, "the answer was not ready in time. Try again later.", {"Retry-After": "10"})
        except (ClientDisconnect, VisitorGoneError):
            return _error(400, "the picture did not arrive.")
        except Exception:
            _logger.exception("an image could not be answered; this is a bug in lenetkit, please report it")
            return _error(500, "something went wrong here: a bug in lenetkit. The server's log says more.")

    return handle


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
