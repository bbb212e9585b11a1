"""One record for flags, files and keys; every mistake is one line that names the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from secateur import settings
from secateur.choice import MethodChoice
from secateur.errors import UserError
from secateur.quantities import seconds
from secateur.settings import Study
from secateur.study_file import make, read, to_toml


def test_every_field_has_a_help_text():
    for model in (Study, MethodChoice):
        for name, field in model.model_fields.items():
            assert field.description, name


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sparsitees": [0.5]}, "key 'sparsitees' is not known; did you mean 'sparsities'?"),
        ({"methods": ["magnitud"]}, "method 'magnitud' is not known; did you mean 'magnitude'? See: secateur methods"),
        ({"methods": [{"name": "magnitude", "scop": "layer"}]}, "did you mean 'scope'?"),
        ({"backbone": "cn"}, "did you mean 'cnn'?"),
        ({"recipe": "fats"}, "did you mean 'fast'?"),
        ({"split": "stratifid"}, "did you mean 'stratified'?"),
        ({"augment": "stdy"}, "did you mean 'study'?"),
        ({"sparsities": [1.0]}, "got 1.0"),
        ({"sparsities": [-0.1]}, "got -0.1"),
        ({"sparsities": [float("nan")]}, "got nan"),
        ({"sparsities": ["half"]}, "sparsities.0"),
        ({"sparsities": ["half"]}, "a number is needed; got 'half'"),
        ({"sparsities": [50]}, "50 % is 0.5; got 50.0"),
        ({"sparsities": [0.5, 150]}, "both excluded; got 150.0"),
        ({"seeds": ["zero"]}, "a whole number is needed; got 'zero'"),
        ({"input_px": "2.5"}, "a whole number is needed; got '2.5'"),
        ({"controls": "perhaps"}, "true or false is needed; got 'perhaps'"),
        ({"seeds": []}, "at least one seed"),
        ({"seeds": [-1]}, "got -1"),
        ({"fractions": [0.5, 0.5, 0.5]}, "add up to 1"),
        ({"budget": "soon"}, "got 'soon'"),
        ({"max_latency": "fast"}, "written like 20ms, 0.5ms or 1.5s; got 'fast'"),
        ({"max_size": "1 apple"}, "written like 4GiB, 512MiB, 3GB, 800kB or 1000B; got '1 apple'"),
        ({"max_memory": "0MB"}, "got '0MB'"),
        ({"exports": ["onnx"]}, "every network has its ONNX file"),
        ({"exports": ["packed", "packed"]}, "each once"),
        ({"exports": ["tflite"]}, "format 'tflite' is not known"),
        ({"robustness": -1}, "robustness"),
        ({"input_px": 4}, "input_px"),
        ({"margin": 0}, "margin"),
        ({"margin": float("inf")}, "margin"),
        ({"methods": ["magnitude", "magnitude"]}, "twice"),
        ({"methods": [{"name": "random", "like": "filter-l1"}]}, "method 'random' cuts weights, 'filter-l1' does not"),
        ({"methods": [{"name": "magnitude", "hidden_units": True}]}, "magnitude"),
        ({"methods": [{"name": "magnitude", "latency": [0.5]}]}, "sets weights to zero"),
        ({"methods": [{"name": "filter-l1", "latency": [0.5], "macs": [0.5]}]}, "set one of"),
        ({"methods": [{"name": "filter-l1", "round": "auto"}]}, "chosen by time at a target in macs or latency"),
        ({"methods": [{"name": "filter-l1", "round": 8, "multiple": 8}]}, "round and multiple are the same"),
        ({"methods": [{"name": "filter-l1", "latency": [1.5]}]}, "got 1.5"),
    ],
)
def test_a_mistake_is_one_line(values: dict, said: str):
    with pytest.raises(UserError) as caught:
        make(values, "study.toml")
    text = str(caught.value)
    assert said in text
    assert text.startswith("study.toml: ")
    assert "\n" not in text


@pytest.mark.parametrize("content", ["name = ", "\x00", "sparsities = 0.5"])
def test_a_broken_file_is_one_line(tmp_path: Path, content: str):
    file = tmp_path / "study.toml"
    file.write_text(content)
    with pytest.raises(UserError, match=r"study\.toml"):
        read(file)


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "nowhere.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "b.toml")


def test_a_folder_is_relative_to_its_file(tmp_path: Path):
    (tmp_path / "a.toml").write_text('folder = "photos"')
    study = read(tmp_path / "a.toml")
    assert study.folder == str(tmp_path / "photos")
    assert study.name == "a"


def test_to_toml_and_back(tmp_path: Path):
    study = make(
        {"name": "x", "folder": "demo", "methods": ["magnitude", {"name": "filter-l1", "spare": ["conv1"]}]}, "here"
    )
    (tmp_path / "x.toml").write_text(to_toml(study))
    assert read(tmp_path / "x.toml") == study


@pytest.mark.parametrize(("words", "n"), [("2h", 7200), ("40m", 2400), ("1h30m", 5400), ("90s", 90), ("", 0)])
def test_times(words: str, n: float):
    assert seconds(words) == n


def test_sparsities_are_sorted_and_single():
    assert make({"sparsities": [0.9, 0.3, 0.9]}, "x").sparsities == (0.3, 0.9)


def test_ids_of_methods_tell_what_differs():
    choice = settings.MethodChoice(name="magnitude", scope="global", spare=("conv1", "fc2"))
    assert choice.id == "magnitude-global-spare-conv1+fc2"
