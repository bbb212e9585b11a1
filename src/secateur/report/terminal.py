"""The answer of a report as a terminal shows it: its headline, ten rows at most, its doubts; from the story alone, so
that the terminal and the page cannot disagree. Nothing is judged here. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from secateur.report.formats import NARROW, interval, milliseconds, percent, plural, size

Story = dict[str, Any]
MOST_ROWS, MOST_DOUBTS = 10, 8
NOT_RUN = "Not run: "


@dataclass(frozen=True, slots=True)
class Told:
    """What is printed, and what --json holds: words as they are printed, and the same figures as numbers."""

    headlines: tuple[str, ...]
    columns: tuple[str, ...]  # the first is of words, others of figures
    rows: tuple[tuple[str, ...], ...]
    figures: tuple[dict[str, Any], ...]  # of each row
    left: int  # rows that are not shown
    legend: tuple[str, ...]  # what a column says, and of what
    doubts: tuple[str, ...]
    notes: tuple[str, ...] = ()


def study(story: Story) -> Told:
    """Of a study: what to use and what that is held against, as the page's table of networks has them."""
    shown, places = _shown(story), _times(story)
    columns = ["network", "test accuracy", "file", *(["time"] if places else []), "verdict"]
    used = ({answer["use"] for answer in story["answers"]} | {pick["config"] for pick in story["within"]}) - {""}
    rows = []
    for row in shown:
        cells = [("→ " if row["config"] in used else "") + row["name"], _accuracy(row), size(row["sizes"]["onnx"])]
        cells += [milliseconds(places[row["config"]]) if row["config"] in places else "–"] if places else []
        rows.append((*cells, _verdict(row)))
    return Told(
        headlines=tuple(plain(line) for line in _headlines(story)),
        columns=tuple(columns),
        rows=tuple(tuple(plain(cell) for cell in row) for row in rows),
        figures=tuple(_figures(row, places) for row in shown),
        left=len(story["models"]) - len(shown),
        legend=tuple(plain(line) for line in _legend(story, shown, bool(places))),
        doubts=tuple(plain(line) for line in _doubts(story)),
        notes=tuple(plain(note) for note in story["notes"]),
    )


def plain(text: str) -> str:
    """For any terminal and any program that reads lines: ordinary spaces, nothing that steers."""
    return "".join(c if c.isprintable() else " " for c in text.replace(NARROW, " "))


def _headlines(story: Story) -> list[str]:
    """The page's first lines, in its order."""
    lines = [pick["headline"] for pick in story["within"]]
    several = len(story["answers"]) > 1
    return lines + [(f"{a['backbone']}: " if several else "") + a["headline"] for a in story["answers"]]


def _shown(story: Story) -> list[dict[str, Any]]:
    use = [a["use"] for a in story["answers"]] + [pick["config"] for pick in story["within"]]
    return deciding(story["models"], use, [c["config"] for a in story["answers"] for c in a["candidates"]])


def deciding(rows: list[dict[str, Any]], use: Sequence[str], candidates: Sequence[str]) -> list[dict[str, Any]]:
    """Ten networks at most, in the order of the page: what to use, what it was held against, what else was chosen.

    `rows`: of the page's table; `use` and `candidates`: configurations, of which some may be none of the rows.
    """
    if len(rows) <= MOST_ROWS:
        return rows
    by_config = {row["config"]: row for row in rows}
    wanted = [*use, *(_against(by_config.get(config), key) for config in use for key in ("dense", "random"))]
    wanted += [row["config"] for row in rows if row["reference"]]
    wanted += [row["config"] for row in rows if row["role"] == "dense"]
    wanted += [*candidates, *(_against(by_config.get(config), "random") for config in candidates)]
    wanted += [row["config"] for row in rows if row["role"] == "quantized"] + [r["config"] for r in rows]
    first = [config for config in dict.fromkeys(wanted) if config in by_config][:MOST_ROWS]
    return [row for row in rows if row["config"] in first]


def _against(row: dict[str, Any] | None, kind: str) -> str:
    found = row[f"against_{kind}"] if row else None
    return str(found["against"]) if found else ""


def _times(story: Story) -> dict[str, float]:
    """Configuration → median ms of one photo, of the first machine and way that files were timed in."""
    for bench in story["speeds"][:1]:
        return {row["config"]: row["ways"][0]["median"]["value"] for row in bench["rows"] if row["ways"][0]}
    return {}


def _accuracy(row: dict[str, Any]) -> str:
    found = row["test_accuracy"]
    if not found:
        return "–"
    ends = interval(found["low"], found["high"])
    return percent(found["value"]) + (f" [{ends}]" if ends else "")


def _verdict(row: dict[str, Any]) -> str:
    return str(row["against_dense"]["verdict"]) if row["against_dense"] else "–"


def _figures(row: dict[str, Any], times: dict[str, float]) -> dict[str, Any]:
    return {
        "config": row["config"],
        "name": plain(row["name"]),
        "test_accuracy": row["test_accuracy"],
        "file_bytes": row["sizes"]["onnx"],
        "time_ms": times.get(row["config"]),
        "against_dense": row["against_dense"],
        "chosen": row["chosen"],
    }


def _legend(story: Story, shown: list[dict[str, Any]], timed: bool) -> list[str]:
    made = story["made"]
    lines = [f"accuracy: {made['n_test']:,} test {story['pictures']}, {plural(len(made['seeds']), 'seed')} [95 %]"]
    if timed:
        bench = story["speeds"][0]
        lines.append(f"time: median of one photo, {bench['ways'][0]['title']}, {bench['label']}")
    margins = {row["against_dense"]["margin"] for row in shown if row["against_dense"]}
    if len(margins) == 1:
        lines.append(f"verdict: against dense trained equally long, margin {plural_of(margins.pop())}")
    return lines


def plural_of(points: float) -> str:
    return f"{points:g} point" + ("" if points == 1 else "s")


def _doubts(story: Story) -> list[str]:
    lines = [line for answer in story["answers"] for line in answer["not_known"]]
    states = story["cost"]["states"]
    failed = [f"{states[s]} {s}" for s in ("failed", "skipped") if states[s]]
    lost = [f"Steps that gave nothing: {', '.join(failed)}; the report says which, and why."] if failed else []
    return _joined(list(dict.fromkeys([*lost, *lines])))


def _joined(lines: list[str]) -> list[str]:
    """What was not run, each for no reason of its own, in one line, where the first of them stands."""
    alone = [line for line in lines if line.startswith(NOT_RUN) and ": " not in line.removeprefix(NOT_RUN)]
    if len(alone) < 2:
        return lines
    one = NOT_RUN + "; ".join(line.removeprefix(NOT_RUN).removesuffix(".") for line in alone) + "."
    return [one if line == alone[0] else line for line in lines if line not in alone[1:]]
