"""The shim acts only where torchvision's own import fails for undeclared operators."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from secateur.models import torchvision_shim
from secateur.models.torchvision_shim import OPERATORS, import_torchvision


@pytest.fixture
def declared(monkeypatch):
    """What was declared while a test ran, without declaring it."""
    names: list[str] = []
    monkeypatch.setattr(torchvision_shim.torch.library, "define", lambda name, signature: names.append(name))
    monkeypatch.setattr(torchvision_shim.torch.ops, "torchvision", object())
    return names


def importing(monkeypatch, *results):
    answers = iter(results)

    def answer(name):
        result = next(answers)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(torchvision_shim.importlib, "import_module", answer)


def test_a_torchvision_that_imports_is_left_alone(monkeypatch, declared):
    fine = ModuleType("torchvision")
    importing(monkeypatch, fine)
    assert import_torchvision() is fine and declared == []


def test_missing_operators_are_declared_and_the_import_begins_anew(monkeypatch, declared):
    fine = ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision.half", ModuleType("torchvision.half"))
    importing(monkeypatch, RuntimeError("operator torchvision::nms does not exist"), fine)
    for name in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])  # put back after the test
    assert import_torchvision() is fine
    assert declared == [f"torchvision::{name}" for name in OPERATORS]
    assert "torchvision.half" not in sys.modules


@pytest.mark.parametrize("error", [RuntimeError("something else"), ImportError("not installed")])
def test_any_other_failure_is_passed_on(monkeypatch, declared, error):
    importing(monkeypatch, error)
    with pytest.raises(type(error), match=str(error)):
        import_torchvision()
    assert declared == []


def test_the_installed_torchvision_imports_and_works():
    pytest.importorskip("torch")
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    code = (
        "from secateur.models.torchvision_shim import import_torchvision as go; vision = go(); "
        "assert go() is vision; vision.models.resnet18(); vision.transforms.Resize((8, 8), antialias=True)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
