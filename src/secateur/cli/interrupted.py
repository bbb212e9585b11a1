"""What is there after Ctrl-C, in the words of each command: not all of them go on where they were."""

from __future__ import annotations

from collections.abc import Sequence

ANEW = "the same command begins anew"
KEPT = {
    "study": "nothing finished is lost: the same command goes on from here",
    "scan": "the same command reads only the photos that are left",
    "predict": f"copies that were made stay: {ANEW}, and makes only the others",
    "evaluate": ANEW,
    "bench": f"no time is kept: {ANEW}",
    "report": "the run's results are untouched: the same command draws them anew",
    "export": f"no folder was made: {ANEW}",
    "import": f"no folder was made: {ANEW}",
    "fetch": f"nothing was put in place: {ANEW}",
    "pack": f"no file was made: {ANEW}",
    "gc": "the same command frees what is left",
}
WRITES = ("--csv", "--out")  # files that are there whole, or as they were


def left(arguments: Sequence[str]) -> str:
    """Of a command line that was interrupted; "" for a command that makes nothing."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    said = KEPT.get(command, "")
    if command == "predict" and not any(word.startswith(("--copy-to", "--link-to")) for word in arguments):
        said = ANEW
    asked = next((option for option in WRITES if any(word.startswith(option) for word in arguments)), "")
    if asked and command in ("scan", "predict", "evaluate", "bench"):
        said += f"; nothing was written to {asked}"
    return said
