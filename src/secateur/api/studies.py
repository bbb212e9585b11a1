"""A whole study, as `secateur study` does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from secateur import catalogue, prepare, studying
from secateur.api.photos import Place, plain
from secateur.api.telling import LOGGER, telling
from secateur.drawing import draw
from secateur.files import why_failed
from secateur.records import Results
from secateur.resolve import bare, run_name
from secateur.study_file import make, read


def study(
    what: Place, *, runs: Place = "runs", jobs: int = 1, progress: bool | None = None, **settings: Any
) -> Results:
    """Train, prune, retrain, measure and compare; the report lies in `runs/NAME/report.html`, the models to take in
    `runs/NAME/models`. Call it again after an interruption: finished steps are found.

    Args:
        what: a folder of photos, a study file (.toml), or "demo", whose pictures several processes draw the first
            time: a script needs `if __name__ == "__main__":` for that.
        runs: folder that keeps everything.
        jobs: processes that share the steps.
        progress: a bar; None: on a terminal or in a notebook.
        settings: any setting of a study; see the reference of settings.

    Returns:
        Every figure that the report is drawn from.

    Raises:
        UserError: a setting that is not known, photos that cannot be split, a full disk.
    """
    asked = plain(settings)
    if str(what).endswith(".toml"):
        file = read(Path(what))
        request = make(file.model_dump(mode="json") | asked, str(what))
    elif str(what) == prepare.DEMO:
        request = make(catalogue.load("secateur.study_file:demo")() | asked, "secateur.study")
    else:
        folder = Path(what).resolve()
        own = {"name": run_name(folder), "folder": str(folder)}
        named = make(own | asked, "secateur.study")
        seen = prepare.glance(named)
        usual = bare(str(folder), seen.photos, seen.split, bool(named.group_by))
        request = make(own | usual | asked, "secateur.study")
    with telling(progress) as told:
        results = studying.run(request, Path(runs), watcher=told, command=f"secateur.study({str(what)!r})", jobs=jobs)
    try:
        draw(Path(runs), results.name)
    except Exception as error:  # hours of work are not lost with their page: `secateur.report` draws it again
        LOGGER.warning("the report could not be drawn: %s", why_failed(error, "report", Path(runs) / results.name))
    return results
