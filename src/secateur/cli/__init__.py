"""Words in, words or JSON out; no arithmetic. One file a command, each imported when it is called."""

from __future__ import annotations

import io
import signal
import sys
from types import FrameType

import typer

from secateur.cli.common import STOP
from secateur.cli.helped import Grouped
from secateur.errors import SecateurError, UserError

TRAINING = ("torch", "safetensors", "onnx", "onnxscript")  # of the extra `train`
EXIT_STEP_FAILED, EXIT_USER, EXIT_INTERRUPTED = 1, 2, 130


def app() -> typer.Typer:
    """The command with all its subcommands."""
    from secateur import __version__
    from secateur.cli import bench, evaluate, export, imports, methods, model, pack, photos, predict, runs, serve, study

    made = typer.Typer(
        name="secateur",
        help="A folder of labelled photos in; trained, pruned, measured and exported classifiers out, "
        "with one honest report that says which to deploy, or that pruning is not worth it.",
        epilog="Begin with:  secateur study FOLDER",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def version(value: bool) -> None:
        if value:
            typer.echo(f"secateur {__version__}")
            raise typer.Exit()

    @made.callback()
    def main(version: bool = typer.Option(False, "--version", callback=version, is_eager=True, help="Say it.")) -> None:
        pass

    for module in (photos, study, runs, serve, predict, evaluate, pack, export, model, bench, imports, methods):
        module.add(made)
    for command in made.registered_commands:
        command.cls = Grouped
    return made


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit: 0 done, 1 a step failed, 2 the user's mistake, 130 interrupted."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGINT, _as_interrupt)
    sys.unraisablehook = _but_for_interrupts
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")  # a character that a terminal has not got ends no command
    code = _run(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):  # all is done: nothing is to be raised in callbacks at exit
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """The exit code, once whatever went wrong was said in a line."""
    try:
        code = app()(arguments, standalone_mode=False)
    except UserError as error:
        _say(str(error))
        return EXIT_USER
    except ModuleNotFoundError as error:
        if error.name not in TRAINING:
            raise
        _say(
            f"this needs {error.name}, which is not installed: pip install 'secateur[train]' (see the README for torch)"
        )
        return EXIT_USER
    except SecateurError as error:
        _say(str(error))
        return EXIT_STEP_FAILED
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away, as `| head` does
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        _say(f"{error.filename}: {error.strerror or type(error).__name__}")
        return EXIT_USER
    except typer.TyperException as error:
        _say(error.format_message())
        return EXIT_USER
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    if code == EXIT_INTERRUPTED:  # typer turns Ctrl-C into this number
        _say("interrupted; nothing finished is lost: the same command goes on from here")
    return code if isinstance(code, int) else 0


def _say(words: str) -> None:
    print(f"secateur: {' '.join(words.split())}", file=sys.stderr)


def _but_for_interrupts(seen: sys.UnraisableHookArgs) -> None:
    """What an interrupt met inside a callback that may raise nothing: STOP is set, and is all that is needed."""
    if not (STOP.is_set() and issubclass(seen.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(seen)


def _as_interrupt(signum: int, frame: FrameType | None) -> None:
    STOP.set()  # an exception raised inside somebody's callback or import may be swallowed; this is not
    raise KeyboardInterrupt
