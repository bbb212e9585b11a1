"""A socket, and a server on it until somebody ends it."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket

import uvicorn
from starlette.types import ASGIApp

from secateur.errors import UserError

LAST_SECONDS = 1  # that photos under way get when the server is ended


def listening(host: str, port: int) -> socket.socket:
    """A socket on `host` and `port`; 0: any that is free. Raises UserError: it is taken, not allowed, or nowhere."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(place[0]), port), family=family)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name that is none
        code = error.errno if isinstance(error, OSError) else None
        if code == errno.EADDRINUSE:
            raise UserError(
                f"port {port} of {host} is taken; name another one: --port 0 takes any that is free"
            ) from error
        words = (isinstance(error, OSError) and error.strerror) or "no such name"
        raise UserError(f"{host}, port {port}, cannot be served: {words}") from error


def address(host: str, listener: socket.socket) -> str:
    """Where a browser of this machine finds it."""
    port = listener.getsockname()[1]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if found.is_unspecified:
        return f"http://localhost:{port}/"
    return f"http://[{host}]:{port}/" if found.version == 6 else f"http://{host}:{port}/"


def is_public(listener: socket.socket) -> bool:
    """Whether others than this machine can reach it."""
    return not ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises KeyboardInterrupt then, once all is closed: uvicorn raises them again."""
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,  # a request may not say who sent it
        server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    server = uvicorn.Server(config)
    # A photo that is cut off because the server ends is no error.
    logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
    server.run([listener])
