"""The page to draw on, served by uvicorn."""

import contextlib
import errno
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lenetkit._utils.extras import require_extra
from lenetkit.demo._create import LOOPBACK, create_app, is_loopback
from lenetkit.exceptions import SettingError

if TYPE_CHECKING:
    from lenetkit.pipeline import Pipeline

__all__ = ["find_hosts", "listen", "run_server", "serve"]

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
        As for :func:`create_app`.
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
    require_extra("the demo", "demo", "starlette", "uvicorn")
    app = create_app(pipelines, max_upload=max_upload, hosts=find_hosts(host))
    with listen(host, port) as listener:
        run_server(app, listener, host, started)


def find_hosts(host: str) -> list[str]:
    """Return the names that requests may use where a server listens; ``"*"`` where others may come."""
    return [*LOOPBACK, host] if is_loopback(host) else ["*"]


def run_server(app: Any, listener: socket.socket, host: str, started: Callable[[str], object]) -> None:
    """Serve an application until Ctrl-C is pressed; `started` gets its address."""
    import uvicorn

    from lenetkit.demo._connections import DeadlineProtocol

    config = uvicorn.Config(
        app,
        http=DeadlineProtocol,
        ws="none",
        lifespan="off",
        # Errors are logged by the application; uvicorn would count visitors who are cut off at the end among them.
        log_level="critical",
        # uvicorn's own configuration would close the logging handlers of the program around.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    # uvicorn has closed everything when it hands Ctrl-C on.
    with contextlib.suppress(KeyboardInterrupt):
        # Whoever comes now waits in the socket's queue until the server runs.
        started(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/")
        uvicorn.Server(config).run([listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise SettingError if there can be none."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except ValueError:  # a name with a null character, or that has no encoding
        raise SettingError(f"host must be a name or address of this machine; got {host!r}.") from None
    except OverflowError:
        raise SettingError(f"port must be 0 to 65535; got {port}.") from None
    except OSError as error:
        code = errno.EADDRNOTAVAIL if isinstance(error, socket.gaierror) else error.errno
        messages: dict[int | None, str] = {
            errno.EADDRNOTAVAIL: f"host must be a name or address of this machine; got {host!r}.",
            errno.EADDRINUSE: f"port {port} on {host} is taken by another program. Choose another, or 0.",
            errno.EACCES: f"port {port} on {host} may not be used by you. Choose one from 1024 on.",
        }
        if code not in messages:
            raise
        raise SettingError(messages[code]) from error
