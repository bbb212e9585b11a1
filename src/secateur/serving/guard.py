"""Who may ask, and what every answer tells a browser: pages of others neither read nor use this server."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN = ("localhost", "127.0.0.1", "::1")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:@/?#\\\s]+))(?::\d{1,5})?", re.IGNORECASE)


def guarded(app: ASGIApp, known: Callable[[str], bool]) -> ASGIApp:
    """`app`, asked under the names alone that `known` knows. A name that somebody else points at this machine is how a
    page of theirs would get to read its answers (DNS rebinding)."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        why = _refused(Headers(scope=scope), scope["method"], known)
        if why:
            await JSONResponse({"problem": why}, 403)(scope, receive, sent)
        else:
            await app(scope, receive, sent)

    return guard


def names(host: str) -> Callable[[str], bool]:
    """Whether a name, as `hostname` gives it, is one of a server that listens on `host`: that, and this machine's own.

    On all addresses ("0.0.0.0", "::") that is any address, which nobody can point elsewhere, and the machine's name.
    """
    address = _address(host)
    own = {*OWN, host.lower()}
    everywhere = address is not None and address.is_unspecified
    if everywhere:
        machine = socket.gethostname().lower()
        own |= {machine, f"{machine}.local"}
    return lambda name: name in own or (everywhere and _address(name) is not None)


def hostname(header: str) -> str:
    """The name in a Host header, in lower case, without its port and brackets; "" for what is none."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2]).lower() if found else ""


def _refused(headers: Headers, method: str, known: Callable[[str], bool]) -> str:
    """Why a request is turned down, in words; "" if it is not."""
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not known(hostname(hosts[0])):
        return "this server does not go by that name; use the address that it printed"
    origin = headers.get("origin")
    if method not in ("GET", "HEAD") and origin is not None and urlsplit(origin).netloc.lower() != hosts[0].lower():
        return "photos are taken from this server's own page, and from programs; not from other pages"
    return ""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
