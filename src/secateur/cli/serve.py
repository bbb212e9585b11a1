"""`secateur serve`."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from pathlib import Path

import typer

from secateur.cli.common import RUNS, console
from secateur.drawing import run_of
from secateur.errors import UserError
from secateur.files import read
from secateur.quantities import in_bytes
from secateur.records import Results

SERVING = ("starlette", "uvicorn", "anyio")  # of the extra `serve`


def add(app: typer.Typer) -> None:
    """The command."""

    @app.command(epilog="Example:  secateur serve photos --port 0 --open")
    def serve(
        run: str = typer.Argument(..., help="A run's name, or its folder."),
        host: str = typer.Option(
            "127.0.0.1", "--host", help="The address to listen on: this machine alone; 0.0.0.0: the network, too."
        ),
        port: int = typer.Option(8000, "--port", min=0, max=65535, help="The port; 0: any that is free."),
        max_upload: str = typer.Option("20MB", "--max-upload", help="Such as 20MB: a larger file is refused."),
        top: int = typer.Option(5, "--top", min=1, help="So many classes a model."),
        show: bool | None = typer.Option(
            None, "--open/--no-open", help="Open the page in a browser; unset: where there is a terminal and a desktop."
        ),
        runs: Path = RUNS,
    ) -> None:
        """Open a page where a photo is dropped and every model of the run answers, side by side.

        Every .onnx and .packed in RUN/models answers as `secateur predict` does, without torch, with its size, its test
        accuracy, and its time for this photo, once, on this machine: no benchmark. Photos are answered from memory:
        nothing is written. JPEG, PNG, WebP, GIF, BMP and TIFF are read, up to 50 megapixels. Ctrl-C ends it.

        Programs ask the same addresses: GET /api/models; POST /api/predict with a photo's bytes as the body
        (curl --data-binary @PHOTO ADDRESS/api/predict). A refusal is JSON as well: {"problem": "..."}.
        """
        try:
            from secateur.serving import app as pages
            from secateur.serving import guard, models, server, terms
        except ModuleNotFoundError as error:
            if error.name not in SERVING:
                raise
            raise UserError(f"{error.name} is not installed, which this needs: pip install 'secateur[serve]'") from None
        limit = _limit(max_upload)
        home = run_of(run, runs)
        results = read(Results, home / "results.json")
        with server.listening(host, port) as listener:
            served = models.of_run(home / "models", results)
            agreed = terms.Terms(results.name, limit, top, results.data.synthetic)
            made = pages.app(served, agreed, guard.names(host))
            with suppress(KeyboardInterrupt):  # from here on Ctrl-C is how it ends
                where = server.address(host, listener)
                typer.echo(where)
                _say(len(served), host, server.is_public(listener))
                if _desktop() if show is None else show:
                    threading.Thread(target=webbrowser.open, args=(where,), daemon=True).start()
                server.run(made, listener)


def _limit(words: str) -> int:
    """Bytes. Raises UserError."""
    try:
        limit = in_bytes(words)
    except ValueError as error:
        raise UserError(f"--max-upload: {error}") from error
    if not limit:
        raise UserError("--max-upload: a size is needed, such as 20MB")
    return limit


def _say(models: int, host: str, public: bool) -> None:
    """For people, beside the address."""
    out = console()
    out.print(f"{models} model{'s' if models > 1 else ''}; Ctrl-C ends it")
    if public:
        out.print(f"anyone on the network who reaches {host} may send photos", markup=False)


def _desktop() -> bool:
    """Whether somebody looks, and a browser has somewhere to open: not over SSH, where it might take the terminal."""
    screen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.stdout.isatty() and bool(screen)
