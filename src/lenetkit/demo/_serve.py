"""The page on a server of its own."""

import contextlib
import errno
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lenetkit.demo._create import LOOPBACK, create_app, missing_extra
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["serve"]

# More connections than a classroom needs.
_MOST_CONNECTIONS = 200
_SECONDS_TO_FINISH = 3


def serve(
    pipelines: "Mapping[str, Pipeline] | None" = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    max_upload: float = 10,
    started: Callable[[str], object] = print,
) -> None:
    """Serve the page to draw on until Ctrl-C is pressed.

    Parameters
    ----------
    pipelines : mapping from str to Pipeline, optional
        As for :func:`create_app`.
    host : str, default "127.0.0.1"
        Name or address of this machine to listen at. Anything but a loopback address lets others in.
    port : int, default 8000
        0 takes any that is free.
    max_upload : float, default 10
        Megabytes that a picture file may have.
    started : callable, default print
        Called once with the page's address, when it can be opened.

    Raises
    ------
    MissingExtraError
        If Starlette or uvicorn is not installed.
    SettingError
        If the host is not this machine's, the port is taken or not allowed, or `create_app` refuses the settings.
    NotFittedError
        If a pipeline is not fitted.

    Examples
    --------
    As if Ctrl-C were pressed when the page can be opened:

    >>> from lenetkit.demo import serve
    >>> def stop(address):
    ...     print(address.rpartition(":")[0])
    ...     raise KeyboardInterrupt
    >>> serve(port=0, started=stop)
    http://127.0.0.1
    """
    try:
        import uvicorn
    except ImportError as error:
        raise missing_extra("uvicorn", error) from error
    app = create_app(pipelines, max_upload=max_upload, hosts=[*LOOPBACK, host] if is_loopback(host) else ["*"])
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        # What goes wrong is logged by the application; uvicorn would call those who are cut off at the end errors.
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    # uvicorn has closed everything when it hands Ctrl-C on.
    with _listen(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        # Whoever comes now waits in the socket's queue until the server runs.
        started(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/")
        uvicorn.Server(config).run([listener])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host's name or address."""
    return host in LOOPBACK or host.startswith("127.")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except socket.gaierror as error:
        raise SettingError(f"host must be a name or address of this machine; got {host!r}.") from error
    except OverflowError:
        raise SettingError(f"port must be 0 to 65535; got {port}.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"port {port} on {host} is taken by another program. Choose another, or 0 for any that is free."
            ) from error
        if error.errno == errno.EACCES:
            raise SettingError(f"port {port} on {host} may not be used by you. Choose one from 1024 on.") from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingError(f"host must be a name or address of this machine; got {host!r}.") from error
        raise
