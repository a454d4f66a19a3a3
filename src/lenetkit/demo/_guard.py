"""Protection around every answer: who may ask, and the headers that bind the browser."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

__all__ = ["Guard"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """Middleware that adds headers to every answer, and refuses requests that come from another site's page.

    A foreign site can make a browser ask this server in two ways: directly, which the browser states in a header, or by
    letting the site's own name point to this machine's address, which shows in the host name of the request.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    hosts : collection of str
        Names and addresses that the server may be called by; ``"*"`` for all.
    """

    def __init__(self, app: App, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        if "*" not in self._hosts and _get_host(headers) not in self._hosts:
            refusal = "unknown host name; use the address printed at start-up."
            await JSONResponse({"error": refusal}, 421)(scope, receive, send_guarded)
        elif scope["method"] == "POST" and _is_cross_site(headers):
            await JSONResponse({"error": "pages of other sites get no answer here."}, 403)(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)


def _get_host(headers: Headers) -> str:
    """Return the name that the server was called by, without the port; an IPv6 address without its brackets."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_cross_site(headers: Headers) -> bool:
    """Tell whether the browser states that the asking page is not this server's."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    # Only the host counts: a proxy in front may speak https.
    own: str = headers.get("host", "")
    try:
        return urlsplit(origin).netloc.lower() != own.lower()
    except ValueError:  # no address at all
        return True
