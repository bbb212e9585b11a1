"""Chains, stage by stage: what each took away from the file, from memory and from accuracy; pure."""

from __future__ import annotations

from typing import Any

from secateur.records import Results, Summary
from secateur.report.judge import against_dense
from secateur.report.rows import Row
from secateur.timed import speedup_of

HEAD = ("config", "name", "method", "role", "test_accuracy", "sizes", "parameters", "nonzero", "against_dense")


def chains(results: Results, rows: list[Row]) -> list[Row]:
    """A table a chain: the dense network that its end is held against, then every stage from the first."""
    by_config = {s.config: s for s in results.summaries}
    told = {row["config"]: row for row in rows}
    inner = {s.made_of for s in results.summaries}
    ends = [s for s in results.summaries if s.role == "chained" and s.config not in inner]
    return [_chain(results, end, by_config, told) for end in ends]


def _chain(results: Results, end: Summary, by_config: dict[str, Summary], told: dict[str, Row]) -> Row:
    stages = [end]
    while stages[0].made_of in by_config:
        stages.insert(0, by_config[stages[0].made_of])
    found = against_dense(results, end.config)
    dense = [by_config[found.against]] if found and found.against in by_config else []
    return {
        "backbone": end.backbone,
        "config": end.config,
        "name": told[end.config]["name"],
        "stages": [_stage(results, told[s.config], told[end.config]) for s in (*dense, *stages)],
    }


def _stage(results: Results, row: Row, end: Row) -> Row:
    sped: Any = speedup_of(results, row["config"])
    speed = {"value": sped.value, "low": sped.low, "high": sped.high} if sped else None
    return {key: row[key] for key in HEAD} | {"speedup": speed, "end": row is end}
