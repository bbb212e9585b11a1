"""What a finished study says of INT8 files that its decision lacks."""

from __future__ import annotations

from secateur.handing import not_made
from secateur.records import Measured, Outcome, Summary

CUT, EIGHT = "cnn/filter-l1/0.5", "cnn/filter-l1-int8/0.5"
VALUE = Measured(0.8, "fraction")


def summary(config: str, name: str, form: str) -> Summary:
    of = CUT if form == "int8" else ""
    return Summary(config, name, "pruned", "cnn", "filter-l1", 0.5, (0, 1), True, VALUE, VALUE, of, form=form)  # type: ignore[arg-type]


def failed(id: str, why: str, state: str = "failed") -> Outcome:
    return Outcome(id, id.split("/")[0], "", state, why=why)  # type: ignore[arg-type]


def test_what_was_refused_and_what_was_not_written_stand_there_once_with_their_reason():
    both = (summary(CUT, "filter-l1 50 %", "fp32"), summary(EIGHT, "filter-l1 50 % INT8", "int8"))
    refused = (failed(f"parity/{EIGHT}/seed1", "INT8 loses 3 points"), failed(f"parity/{EIGHT}/seed2", "2 points"))
    assert not_made(both, refused) == ("filter-l1 50 % INT8: its file was not accepted (seed 1): INT8 loses 3 points",)
    lost = (failed(f"quantize/{EIGHT}/seed0", "no such operator"), failed(f"evaluate/{EIGHT}/seed0", "", "skipped"))
    assert not_made(both[:1], lost) == ("filter-l1 50 % INT8: its file was not written (seed 0): no such operator",)


def test_other_failures_are_none_of_these():
    others = (failed(f"parity/{CUT}/seed0", "differs"), failed(f"parity/{CUT}/seed0@litert", "differs"))
    made = (failed(f"quantize/{EIGHT}/seed0", "", "made"), failed(f"convert/{CUT}/seed0@onnx-int8", "differs"))
    assert not_made((summary(CUT, "filter-l1 50 %", "fp32"),), (*others, *made)) == ()
