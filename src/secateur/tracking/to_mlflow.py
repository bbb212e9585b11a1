"""A finished run in MLflow: an experiment a study, a run each time it was given, a run inside of it a network."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

from secateur.errors import UserError, first_line
from secateur.records import ModelResult, Results
from secateur.report.story import tell
from secateur.tracking.said import claims_table, curves, digest, figures, models_table, network, settings

AT_ONCE = 500  # metrics a request; the server takes 1,000
LONGEST = 6000  # characters of a parameter
PARENT, RUN = "mlflow.parentRunId", "secateur.run"


def track(results: Results, home: Path, where: str = "") -> str:
    """Log everything; returns where it stands, in words. A run that is there already is not logged twice.

    `home`: the run's folder, whose report and models go along. `where`: a tracking address; "": MLFLOW_TRACKING_URI,
    else a database beside the runs. Raises UserError: MLflow is not installed, its server does not answer.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it would send events to its maker
    try:
        import mlflow
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise UserError("--track mlflow needs MLflow: pip install 'secateur[mlflow]'") from error
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    address = where or os.environ.get("MLFLOW_TRACKING_URI", "")
    artifacts = None
    if not address:
        address = f"sqlite:///{(home.parent / 'mlflow.db').resolve()}"
        artifacts = (home.parent / "mlartifacts").resolve().as_uri()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # seven minutes else, where nobody answers
    try:
        client = mlflow.MlflowClient(address)
        return _logged(client, results, home, address, artifacts)
    except (MlflowException, OSError) as error:
        raise UserError(f"MLflow at {address} cannot be written to: {first_line(error)}") from error


def _logged(client: Any, results: Results, home: Path, address: str, artifacts: str | None) -> str:
    found = client.get_experiment_by_name(results.name)
    experiment = found.experiment_id if found else client.create_experiment(results.name, artifacts)
    mark = digest(results)
    before = client.search_runs([experiment], f"tags.`{RUN}` = '{mark}'", max_results=1)
    if before:
        return f"{address}, experiment '{results.name}': logged before"
    tags = {"secateur.version": results.version, "secateur.commit": results.commit}
    run = client.create_run(experiment, run_name=f"{results.name} {results.date}", tags=tags).info.run_id
    _params(client, run, settings(results))
    told = tell(results)
    client.log_table(run, models_table(told["models"]), "models.json")
    if told["claims"]:
        client.log_table(run, claims_table(told["claims"]), "comparisons.json")
    client.set_tag(run, "mlflow.note.content", _note(told))
    for name in ("report.html", "report.json", "results.json"):
        if (home / name).is_file():
            client.log_artifact(run, str(home / name))
    if (home / "models").is_dir():
        client.log_artifacts(run, str(home / "models"), "models")
    for model in results.models:
        _network(client, experiment, run, results, model)
    client.set_tag(run, RUN, mark)  # last: what was cut off before is not taken for the whole
    client.set_terminated(run)
    return f"{address}, experiment '{results.name}'"


def _note(told: dict[str, Any]) -> str:
    """The report's answers, on the run's first page."""
    return "\n\n".join(str(a["headline"]) for a in told["answers"])


def _network(client: Any, experiment: str, parent: str, results: Results, model: ModelResult) -> None:
    from mlflow.entities import Metric

    tags = {PARENT: parent}
    run = client.create_run(experiment, run_name=f"{model.name}, seed {model.seed}", tags=tags).info.run_id
    _params(client, run, network(model))
    now = int(time.time() * 1000)
    metrics = [Metric(k, v, now, epoch) for epoch, row in curves(model) for k, v in row.items()]
    metrics += [Metric(k, v, now, 0) for k, v in figures(results, model).items()]
    for i in range(0, len(metrics), AT_ONCE):
        client.log_batch(run, metrics=metrics[i : i + AT_ONCE])
    client.set_terminated(run)


def _params(client: Any, run: str, words: dict[str, str]) -> None:
    from mlflow.entities import Param

    client.log_batch(run, params=[Param(k, v[:LONGEST]) for k, v in words.items()])
