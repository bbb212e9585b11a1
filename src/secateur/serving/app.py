"""The routes, all there are: the page and its two files, the models, and a photo's answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from secateur.serving import page
from secateur.serving.answering import answer
from secateur.serving.guard import guarded
from secateur.serving.models import Served
from secateur.serving.refusals import Refused
from secateur.serving.terms import Terms
from secateur.serving.uploads import received, refuse_declared

HELD = 4  # photos in memory at a time
WAITING = 64  # that wait for their turn, unread
WORDS = {
    404: "there is nothing at this address; there are /, /api/models and /api/predict",
    405: "this address is not asked in that way: GET /api/models, POST /api/predict",
}


def app(models: Sequence[Served], terms: Terms, known: Callable[[str], bool]) -> ASGIApp:
    """What answers. `known`: whether a host's name is one of this server's."""
    facts = {"run": terms.run, "max_upload_bytes": terms.max_upload, "models": [_facts(model) for model in models]}
    parts = page.parts(models, terms)

    async def listed(request: Request) -> Response:
        return JSONResponse(facts)

    async def predict(request: Request) -> Response:
        refuse_declared(request, terms.max_upload)
        held: anyio.Semaphore = request.state.held
        if held.statistics().tasks_waiting >= WAITING:
            raise Refused(429, "too many photos at once; try again in a moment")
        async with held:
            data = await received(request, terms.max_upload, terms.body_seconds)
            # One at a time: a decoded photo may take hundreds of megabytes, and times are of one photo alone.
            said = await anyio.to_thread.run_sync(answer, models, data, terms.top, limiter=request.state.one)
        return JSONResponse(said)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"held": anyio.Semaphore(HELD), "one": anyio.CapacityLimiter(1)}

    routes = [Route(path, _fixed(*part)) for path, part in parts.items()]
    routes += [Route("/api/models", listed), Route("/api/predict", predict, methods=["POST"])]
    made = Starlette(
        routes=routes,
        lifespan=life,
        exception_handlers={Refused: _refusal, HTTPException: _unrouted, Exception: _bug},
    )
    made.router.redirect_slashes = False
    return guarded(made, known)


def _facts(model: Served) -> dict[str, Any]:
    accuracy = asdict(model.test_accuracy) if model.test_accuracy else None
    about = {"name": model.name, "file": model.file, "size_bytes": model.size_bytes}
    about |= {"input_px": model.classifier.input_px, "classes": list(model.classifier.labels)}
    return about | {"test_accuracy": accuracy}


def _fixed(content: bytes, kind: str) -> Callable[[Request], Any]:
    async def send(request: Request) -> Response:
        return Response(content, media_type=kind)

    return send


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"problem": str(error)}, error.status)


async def _unrouted(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = WORDS.get(error.status_code, error.detail)
    return JSONResponse({"problem": words}, error.status_code, headers=error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    """The traceback goes to the terminal, not to whoever asked."""
    return JSONResponse({"problem": "Secateur made a mistake here; its terminal says more"}, 500)
