"""Words in, words or JSON out; no arithmetic. One file a command, each imported when it is called."""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from types import FrameType

import typer

from secateur.cli.common import STOP, is_closed_pipe, nobody_reads
from secateur.cli.helped import Grouped
from secateur.cli.interrupted import left
from secateur.errors import SecateurError, UserError
from secateur.outputs import FULL

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
    groups = [group.typer_instance for group in made.registered_groups if group.typer_instance]
    for command in (c for owner in (made, *groups) for c in owner.registered_commands):
        command.cls = Grouped
    return made


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit: 0 done, 1 a step failed, 2 the user's mistake, 130 interrupted."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGINT, _as_interrupt)
    sys.unraisablehook = _but_for_interrupts
    _any_character()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # of strange photos: what is wrong with one stands in its row
    code = _run(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):  # all is done: nothing is to be raised in callbacks at exit
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    """The exit code, once whatever went wrong was said in a line."""
    try:
        code = app()(arguments, standalone_mode=False)
        sys.stdout.flush()  # here its errors have an answer; at the interpreter's end they have none
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
    except SystemExit as ended:
        if isinstance(ended.__context__, OSError) and is_closed_pipe(ended.__context__):  # typer ends with 1 then
            nobody_reads()
            return 0
        raise
    except OSError as error:
        if is_closed_pipe(error):
            nobody_reads()
            return 0
        if error.errno in FULL:
            _say(f"{error.filename or 'what was to be written'}: {error.strerror}; nothing that was whole is lost")
            nobody_reads()
            return EXIT_USER
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
        kept = left(sys.argv[1:] if arguments is None else arguments)
        _say("interrupted" + (f"; {kept}" if kept else ""))
    return code if isinstance(code, int) else 0


def _any_character() -> None:
    """Output that goes to a file or a pipe is in the language of the machine on Windows, which has no "×": there it is
    UTF-8. Where somebody chose otherwise, what cannot be written is written as its number."""
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        chosen = os.environ.get("PYTHONIOENCODING")
        if os.name == "nt" and not stream.isatty() and not chosen:
            stream.reconfigure(encoding="utf-8")
        stream.reconfigure(errors="backslashreplace")


def _say(words: str) -> None:
    print(f"secateur: {' '.join(words.split())}", file=sys.stderr)


def _but_for_interrupts(seen: sys.UnraisableHookArgs) -> None:
    """What an interrupt met inside a callback that may raise nothing: STOP is set, and is all that is needed."""
    if not (STOP.is_set() and issubclass(seen.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(seen)


def _as_interrupt(signum: int, frame: FrameType | None) -> None:
    STOP.set()  # an exception raised inside somebody's callback or import may be swallowed; this is not
    raise KeyboardInterrupt
