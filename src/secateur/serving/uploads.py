"""A photo on its way in: held in memory, never more than is allowed, never for longer than is allowed."""

from __future__ import annotations

import anyio
from starlette.requests import ClientDisconnect, Request

from secateur.report.formats import size
from secateur.serving.refusals import Refused


def too_large(limit: int) -> str:
    """In words; `limit` in bytes."""
    return f"this file is larger than {size(limit)}, which is the most that is taken here (--max-upload)"


def refuse_declared(request: Request, limit: int) -> None:
    """Raises Refused, 413, for a body that says itself that it is larger than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise Refused(413, too_large(limit))


async def received(request: Request, limit: int, seconds: float) -> bytes:
    """The body, as it came. What it declares of its kind, its name or its encoding is not looked at.

    Raises Refused: 413 over `limit` bytes, 408 not whole after `seconds`, 400 broken off or empty.
    """
    held = bytearray()
    try:
        with anyio.fail_after(seconds):
            async for chunk in request.stream():
                held += chunk
                if len(held) > limit:
                    raise Refused(413, too_large(limit))
    except TimeoutError as error:
        raise Refused(408, f"the photo did not arrive within {seconds:g} seconds") from error
    except ClientDisconnect as error:
        raise Refused(400, "the connection ended before the photo was whole") from error
    if not held:
        raise Refused(400, "there is no photo in this request: its body is the photo's bytes, as they are")
    return bytes(held)
