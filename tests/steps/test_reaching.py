"""What a plan asks that no network of these widths can do is refused before anything is trained, in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from secateur.errors import NotKnown, UserError
from secateur.resolve import settle
from secateur.settings import Study
from secateur.sizing import refused
from secateur.steps.reaching import check
from secateur.study_file import make


def asked(*methods: Any, **more: Any) -> Study:
    values = {"name": "s", "folder": "nowhere", "backbone": "cnn", "input_px": 32, "seeds": [0], "methods": methods}
    return settle(make(values | {"epochs": 1, "threads": 1} | more, "test"))


VIT = {"backbone": "test_vit", "weights": "random", "input_px": 64}


@pytest.mark.parametrize(
    ("choice", "more", "said"),
    [
        (
            {"name": "filter-l1", "scope": "global", "sparsities": [0.99]},
            {},
            r"filter-l1-global 99 % on 'cnn': 99 % of",
        ),
        ({"name": "filter-l1", "scope": "global", "macs": [0.0001]}, {}, r"0\.01 % of the multiply-adds cannot"),
        ({"name": "filter-l1", "params": [0.00001]}, {}, r"0\.001 % of the parameters cannot be reached by cutting"),
        ({"name": "filter-taylor", "scope": "sensitivity", "sparsities": [0.99]}, {}, r"99 % of the filters cannot go"),
        ({"name": "filter-l1", "scope": "global", "sparsities": [0.99]}, VIT, r"on 'test_vit': 99 % of the filters"),
        ({"name": "filter-l1", "sparsities": [0.5], "part": "head"}, VIT, r"nothing to prune in the head"),
        ("magnitude", VIT | {"input_px": 60}, r"cannot take photos of 60 px"),
        (
            "magnitude",
            {**VIT, "backbone": "beit_base_patch16_224", "pool": "max"},
            r"cannot be pooled by 'max', take po",
        ),
    ],
)
def test_it_is_refused(choice: Any, more: dict[str, Any], said: str):
    with pytest.raises(UserError, match=said) as raised:
        refused(asked(choice, **more), 3)
    assert "0.01 of" not in str(raised.value)


def test_the_most_that_is_said_to_go_can_go():
    with pytest.raises(UserError) as raised:
        check(asked({"name": "filter-l1", "scope": "global", "sparsities": [0.99]}), 3)
    found = re.search(r"at most ([\d.]+) %", str(raised.value))
    assert found
    most = float(found[1]) / 100
    check(asked({"name": "filter-l1", "scope": "global", "sparsities": [most]}), 3)
    with pytest.raises(UserError):
        check(asked({"name": "filter-l1", "scope": "global", "sparsities": [most + 0.004]}), 3)


def test_a_layer_to_spare_that_is_not_there():
    with pytest.raises(NotKnown, match="layer to spare 'conv9' is not known"):
        check(asked({"name": "filter-l1", "spare": ["conv9"]}), 3)


@pytest.mark.parametrize(
    "choice", ["magnitude", "filter-l1", {"name": "filter-l1", "scope": "global", "latency": [0.01]}, "filter-taylor"]
)
def test_what_can_be_done_is_not(choice: Any):
    """A target in time is found by timing cuts: nothing is known of it beforehand."""
    refused(asked(choice), 3)


def test_the_second_stage_of_a_chain_is_left_to_the_first():
    refused(asked("filter-l1", chains=["filter-l1 0.5 > magnitude 0.9 > int8"]), 3)


def test_its_plan_says_so_and_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from secateur.cli import main

    for kind in ("a", "b"):
        for number in range(3):
            (tmp_path / "photos" / kind).mkdir(parents=True, exist_ok=True)
            (tmp_path / "photos" / kind / f"{number}.jpg").write_bytes(b"")
    file = tmp_path / "s.toml"
    method = '{ name = "filter-l1", scope = "global", sparsities = [0.99] }'
    file.write_text(f'folder = "photos"\nbackbone = "cnn"\ninput_px = 32\nmethods = [{method}]\n')
    with pytest.raises(SystemExit) as ended:
        main(["study", str(file), "--plan"])
    assert ended.value.code == 2 and "at most" in capsys.readouterr().err
