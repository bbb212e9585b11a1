"""How large a study may be: what this machine costs, and the study shrunk to its budget."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from secateur import catalogue
from secateur.budget import Costs, shrink
from secateur.engine import Watcher
from secateur.errors import SecateurError, UserError, first_line, is_disk_full
from secateur.files import dump, read
from secateur.records import Snapshot
from secateur.settings import Study, networks

SIZED, PROBE = "sized.json", "probe.json"  # in a run's folder


def refused(study: Study, classes: int) -> None:
    """Raises UserError where a network cannot do what its plan asks of it (`reaching.check`). Loads torch only where
    there is something to be found out, and is content where torch is not installed: nothing can be trained there."""
    for net in networks(study):
        odd = any(
            c.spare or c.macs or c.params or c.latency or c.scope in ("global", "sensitivity") for c in net.methods
        )
        timms = not catalogue.backbone(net.backbone).where
        if (odd or timms or net.start) and importlib.util.find_spec("torch"):
            catalogue.load("secateur.steps.reaching:check")(net, classes)


def probed(study: Study, classes: int, watcher: Watcher) -> dict[str, Costs]:
    """What this machine costs now, with the threads that the study trains with. Raises UserError for a layer to spare
    that is not there, or a device that is not."""
    watcher.began("probing this machine", 0, 0)
    made = {}
    for net in networks(study):
        catalogue.load("secateur.steps.probe:check")(net, classes)
        try:
            made[net.backbone] = Costs(**catalogue.load("secateur.steps.probe:probe")(net, classes))
        except SecateurError:
            raise
        except Exception as error:  # what no step of the study could do either
            if is_disk_full(error):
                raise
            words = f"'{net.backbone}' at {net.input_px} px cannot be trained and exported here"
            raise UserError(f"{words}: {type(error).__name__}: {first_line(error)[:300]}") from error
    return made


def sized(
    study: Study, request: Study, home: Path, snapshot: Snapshot, jobs: int, watcher: Watcher
) -> tuple[Study, dict[str, Costs], tuple[str, ...]]:
    """The study shrunk to its budget. A run that was begun keeps the size it was given: it resumes.

    Raises UserError when the run of this name is of another folder.
    """
    asked = request.model_dump(mode="json") | {"jobs": jobs}
    before = _before(home)
    other = before.get("asked", {}).get("folder", request.folder)
    if other != request.folder and Path(other).is_dir():
        raise UserError(f"run '{study.name}' is of another folder, {other}: give this one a name with --name")
    if before and before["asked"] == asked and before["photos"] == len(snapshot.photos):
        return Study.model_validate(before["study"]), read(dict[str, Costs], home / PROBE), tuple(before["notes"])
    costs = probed(study, len(snapshot.classes), watcher)
    study, notes = shrink(study, costs, len(snapshot.photos), len(snapshot.classes), jobs)
    dump(costs, home / PROBE)
    content = {"asked": asked, "photos": len(snapshot.photos), "study": study.model_dump(mode="json"), "notes": notes}
    dump(content, home / SIZED)
    return study, costs, tuple(notes)


def _before(home: Path) -> dict[str, Any]:
    """What the run was given when it was begun; empty when it was not, or by a release that wrote something else."""
    if not (home / SIZED).is_file() or not (home / PROBE).is_file():
        return {}
    try:
        content = read(dict[str, Any], home / SIZED)
        Study.model_validate(content["study"])
        read(dict[str, Costs], home / PROBE)
    except (UserError, ValidationError, KeyError):
        return {}
    return content
