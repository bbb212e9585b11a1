"""The decision, by cases worked out by hand: each names the intervals it is given, in points."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache

import pytest
from results_builder import bench, results

from secateur.arms import in_int8, title
from secateur.records import Comparison, Measured, ModelResult, Results, Rival
from secateur.report.decision import Answer, decide
from secateur.report.wording import claim

MAGNITUDE, GRADUAL, FILTERS = "cnn/magnitude/0.5", "cnn/magnitude-gradual/0.7", "cnn/filter-l1/0.3"
LONGER = "cnn/dense-longer"
PASSES, FAILS, OPEN = (-0.6, 0.4), (-3.0, -0.5), (-2.0, 1.5)  # against dense, at a margin of 1 point
BEATS, TIES, UNSURE = (0.5, 3.0), (-0.5, 0.6), (-0.5, 2.5)  # against random pruning
RANDOM = {MAGNITUDE: "cnn/random/0.5", GRADUAL: "cnn/random/0.7", FILTERS: "cnn/filter-random/0.3"}


@cache
def study() -> Results:
    return results()


def against(subject: str, other: str, ends: tuple[float, float], needed: int | None = None) -> Comparison:
    low, high = ends
    verdict = "better" if low > 0 else "as good as" if low > -1 else "worse" if high < 0 else "not shown"
    measured = Measured((low + high) / 2, "points", low, high, 3, "paired t over seeds")
    return Comparison(subject, other, measured, 1.0, verdict, None, needed)  # type: ignore[arg-type]


def case(*given: tuple[str, tuple[float, float] | None, tuple[float, float] | None], **changes: object) -> Results:
    """A study whose chosen configurations are `given`, each with its intervals against dense and random."""
    found = study()
    chosen = {config for config, _, _ in given}
    comparisons = []
    for config, dense, chance in given:
        if dense:
            comparisons.append(against(config, LONGER, dense))
        if chance:
            comparisons.append(against(config, RANDOM[config], chance))
    summaries = tuple(replace(s, chosen=s.config in chosen) for s in found.summaries)
    return replace(found, summaries=summaries, comparisons=tuple(comparisons), **changes)  # type: ignore[arg-type]


def answer(*given: tuple[str, tuple[float, float] | None, tuple[float, float] | None], **changes: object) -> Answer:
    return decide(case(*given, **changes), "cnn")


def test_recommends_the_smallest_that_passes_every_check() -> None:
    found = answer((FILTERS, PASSES, BEATS), (MAGNITUDE, PASSES, BEATS), (GRADUAL, FAILS, BEATS))
    assert (found.kind, found.use) == ("recommend", MAGNITUDE)
    assert [c.config for c in found.candidates] == [GRADUAL, MAGNITUDE, FILTERS]  # from the smallest


def test_says_no_more_than_is_known_while_controls_are_missing() -> None:
    found = answer((MAGNITUDE, PASSES, BEATS))
    assert "smallest file that is as good as dense on these photos" in found.headline
    assert found.headline.endswith("speed not measured.")
    assert any("INT8" in line for line in found.not_known)


def test_other_missing_controls_are_named_too() -> None:
    timed = (bench(study(), "kitchen PC"),)
    found = answer((MAGNITUDE, PASSES, BEATS), missing_controls=("INT8 of the dense network",), benches=timed)
    assert found.headline.endswith("not every control was run.")


def with_int8(
    found: Results, *, verdict: str = "as good as", zstd: int = 700_000, onnx: int = 900_000, speed: float = 1.2
) -> Results:
    """With an INT8 file of dense, trained on."""
    source = next(m for m in found.models if m.config == LONGER)
    config = "cnn/dense-longer-int8"
    sizes = replace(source.sizes, zstd=zstd, onnx=onnx)
    more = {
        "config": config,
        "name": "dense longer INT8",
        "role": "quantized",
        "method": "int8",
        "file_sha256": "8" * 64,
        "form": "int8",
    }
    model = replace(source, sizes=sizes, **more)
    like = next(s for s in found.summaries if s.config == LONGER)
    more = {"config": config, "name": "dense longer INT8", "role": "quantized", "method": "int8", "form": "int8"}
    summary = replace(like, chosen=False, made_of=LONGER, **more)
    pair = Comparison(config, LONGER, Measured(-0.1, "points", -0.4, 0.2, 3, "paired t"), 1.0, verdict)  # type: ignore[arg-type]
    timed = bench(found)
    ratio = Measured(speed, "ratio", speed - 0.05, speed + 0.05, 200, "t over 5 processes")
    own = replace(timed.timings[0], model="eight", speedup=ratio, verdict="faster")
    file = replace(timed.candidates[0], name="eight", sha256="8" * 64)
    timed = replace(timed, timings=(*timed.timings, own), candidates=(*timed.candidates, file))
    return replace(
        found,
        models=(*found.models, model),
        summaries=(*found.summaries, summary),
        comparisons=(*found.comparisons, pair),
        benches=(timed,),
    )


def int8_of_cut(
    found: Results,
    config: str,
    dense: tuple[float, float],
    chance: tuple[float, float] | None = None,
    *,
    zstd: int = 400_000,
    speed: float = 0.0,
) -> Results:
    """With the INT8 file of a network, and of chance at its structure; as `quantising` names and compares them."""
    for of in (config, RANDOM[config]):
        own = in_int8(of)
        models = tuple(
            replace(
                m,
                config=own,
                name=f"{m.name} INT8",
                form="int8",
                sizes=replace(m.sizes, zstd=zstd, onnx=zstd + 9_000),
                file_sha256=hashlib.sha256(f"{own}{m.seed}".encode()).hexdigest(),
            )
            for m in found.models
            if m.config == of
        )
        like = next(s for s in found.summaries if s.config == of)
        summary = replace(like, config=own, name=f"{like.name} INT8", form="int8", made_of=of)
        found = replace(found, models=(*found.models, *models), summaries=(*found.summaries, summary))
    pairs = [against(in_int8(config), LONGER, dense)]
    pairs += [against(in_int8(config), in_int8(RANDOM[config]), chance)] if chance else []
    if speed:
        ratio = Measured(speed, "ratio", speed - 0.05, speed + 0.05, 200, "t over 5 processes")
        timed = found.benches[0]
        digest = next(m.file_sha256 for m in found.models if m.config == in_int8(config) and m.seed == 0)
        row = replace(timed.timings[0], model="cut eight", speedup=ratio, verdict="faster")
        file = replace(timed.candidates[0], name="cut eight", sha256=digest)
        timed = replace(timed, timings=(*timed.timings, row), candidates=(*timed.candidates, file))
        found = replace(found, benches=(timed,))
    return replace(found, comparisons=(*found.comparisons, *pairs))


def rival(found: Results, config: str, *, form: str = "fp32", of: str = "", zstd: int = 500_000) -> Results:
    """With an uncut network that the chosen one is held against."""
    model = next(m for m in found.models if m.config == LONGER)
    more = {"config": config, "name": title(config), "role": "rival", "form": form}
    sized = replace(model, sizes=replace(model.sizes, zstd=zstd), file_sha256="9" * 64, **more)
    like = next(s for s in found.summaries if s.config == LONGER)
    summary = replace(like, made_of=of, **more)
    return replace(found, models=(*found.models, sized), summaries=(*found.summaries, summary))


def test_a_cut_network_in_int8_that_is_smaller_and_as_good_is_recommended_with_its_bytes() -> None:
    """As the audit measured: dense INT8 841 kB, L1-30 % in INT8 539 kB and as good."""
    plain = with_int8(case((FILTERS, PASSES, BEATS)), zstd=750_000, onnx=841_384)
    found = decide(int8_of_cut(plain, FILTERS, PASSES, BEATS, zstd=530_151), "cnn")
    assert (found.kind, found.use) == ("recommend", in_int8(FILTERS))
    assert "filter-l1 30\u202f% INT8 is the smallest file that is as good as dense" in found.headline
    assert "530\u202fkB instead of" in found.headline and "(dense in INT8 750\u202fkB)" in found.headline
    assert any(
        line.startswith(
            "The ONNX file that is deployed is 539\u202fkB instead of 9.57\u202fMB; dense in INT8, 841\u202fkB"
        )
        for line in found.why
    )
    assert any("structure in INT8" in line for line in found.why)
    assert any(line.startswith("Its sparsity was chosen on validation") for line in found.why)


def test_a_cut_network_in_32_bits_is_never_turned_down_for_int8_alone() -> None:
    """Its own INT8 file was not made: it is not known whether that is smaller than the dense network's."""
    found = decide(with_int8(case((MAGNITUDE, PASSES, BEATS)), zstd=1000), "cnn")
    assert (found.kind, found.use) == ("cannot-tell", "cnn/dense-longer-int8")
    assert "it has no INT8 file to be held against dense in INT8" in found.headline
    assert not any("no smaller" in line for line in (found.headline, *found.why))
    assert any(
        line.startswith("magnitude 50\u202f% has no INT8 file: how small it is in INT8") for line in found.not_known
    )


def test_an_int8_file_is_held_against_chance_and_rivals_in_int8() -> None:
    plain = with_int8(case((FILTERS, PASSES, BEATS)), zstd=750_000)
    lucky = decide(int8_of_cut(plain, FILTERS, PASSES, TIES), "cnn")
    assert [
        c.state for j in lucky.candidates if j.config == in_int8(FILTERS) for c in j.checks if c.against == "random"
    ] == ["fails"]
    alone = decide(int8_of_cut(plain, FILTERS, PASSES, None), "cnn")  # chance in 32 bits does not stand in for it
    assert any("not compared with random pruning at the same structure in INT8" in line for line in alone.why)
    narrow = "cnn/narrow-filter-l1"
    met = rival(int8_of_cut(plain, FILTERS, PASSES, BEATS), narrow)
    met = replace(met, comparisons=(*met.comparisons, against(FILTERS, narrow, BEATS)))
    assert any("not compared with narrow network as fast in INT8" in line for line in decide(met, "cnn").why)
    both = rival(met, f"{narrow}-int8", form="int8", of=narrow, zstd=402_000)
    won = replace(both, comparisons=(*both.comparisons, against(in_int8(FILTERS), f"{narrow}-int8", BEATS)))
    found = decide(won, "cnn")
    assert found.use == in_int8(FILTERS)
    assert any(
        "Against narrow network as fast INT8 (402\u202fkB after zstd; this 400\u202fkB): +1.75 points" in line
        for line in found.why
    )
    lost = replace(both, comparisons=(*both.comparisons, against(in_int8(FILTERS), f"{narrow}-int8", TIES)))
    assert decide(lost, "cnn").use != in_int8(FILTERS)
    assert any("that does as well, without pruning" in line for line in decide(lost, "cnn").why)


def test_an_int8_file_that_was_not_accepted_is_no_candidate() -> None:
    found = int8_of_cut(with_int8(case((FILTERS, FAILS, BEATS)), zstd=750_000), FILTERS, PASSES, BEATS)
    refused = tuple(
        replace(m, parity=None) if m.config == in_int8(FILTERS) and m.seed == 1 else m for m in found.models
    )
    answered = decide(replace(found, models=refused), "cnn")
    assert answered.kind == "do-not-prune"
    assert any("was not accepted on validation" in line for line in answered.why)


def test_a_file_beside_which_no_uncut_network_stands_is_not_simply_to_be_used() -> None:
    below = Rival("cnn", "magnitude", MAGNITUDE, "is more than 1 point below dense on validation already")
    whole = case((MAGNITUDE, PASSES, BEATS), missing_controls=(), rivals=(below,), benches=(bench(study()),))
    found = decide(whole, "cnn")
    assert found.headline.endswith("not every control was run.")
    assert any(line.startswith("No uncut network of equal time or bytes stands beside") for line in found.not_known)
    small = "cnn/dense-as-small-as-magnitude"
    met = rival(replace(whole, rivals=(replace(below, why_none="", small=0.5),)), small)
    beaten = replace(met, comparisons=(*met.comparisons, against(MAGNITUDE, small, BEATS)))
    assert decide(beaten, "cnn").headline.startswith("Use magnitude 50\u202f%")


def test_dense_to_stay_with_is_no_narrower_rival() -> None:
    met = rival(case((FILTERS, FAILS, BEATS)), "cnn/narrow-filter-l1")
    better = tuple(
        replace(s, val_accuracy=replace(s.val_accuracy, value=0.99)) if s.role == "rival" else s for s in met.summaries
    )
    assert decide(replace(met, summaries=better), "cnn").use == LONGER


def test_files_that_are_all_worse_are_counted_as_networks() -> None:
    one = decide(int8_of_cut(case((FILTERS, FAILS, BEATS)), FILTERS, FAILS, BEATS), "cnn")
    name = "filter-l1 30\u202f%, in 32 bits and in INT8, is"
    assert one.headline == f"Do not prune: {name} worse than dense trained equally long."
    two = int8_of_cut(case((FILTERS, FAILS, BEATS), (MAGNITUDE, FAILS, BEATS)), FILTERS, FAILS, BEATS)
    words = "both chosen networks, in 32 bits and in INT8, are"
    assert decide(two, "cnn").headline == f"Do not prune: {words} worse than dense trained equally long."
    assert any(line.startswith("3 files were judged") for line in decide(two, "cnn").not_known)


def test_the_fastest_of_those_that_pass_is_named_beside_the_smallest() -> None:
    plain = with_int8(case((FILTERS, PASSES, BEATS)), zstd=750_000, speed=1.2)
    slow = int8_of_cut(plain, FILTERS, PASSES, BEATS, speed=1.3)
    found = decide(slow, "cnn")
    assert found.use == in_int8(FILTERS)
    assert any(
        "filter-l1 30\u202f% passes, too, and is faster: 1.60× dense and not 1.30×" in line for line in found.why
    )


def test_of_several_dense_int8_files_the_best_on_validation_counts() -> None:
    found = with_int8(case((MAGNITUDE, FAILS, BEATS)))
    summary = next(s for s in found.summaries if s.role == "quantized")
    worse = replace(
        summary,
        config="cnn/dense-int8",
        val_accuracy=replace(summary.val_accuracy, value=summary.val_accuracy.value - 0.1),
    )
    model = next(m for m in found.models if m.role == "quantized")
    small = replace(model, config="cnn/dense-int8", sizes=replace(model.sizes, onnx=model.sizes.onnx - 1))
    pair = replace(found.comparisons[-1], subject="cnn/dense-int8", against="cnn/dense")
    more = replace(
        found,
        summaries=(*found.summaries, worse),
        models=(*found.models, small),
        comparisons=(*found.comparisons, pair),
    )
    assert decide(more, "cnn").use == "cnn/dense-longer-int8"


def test_a_pruned_network_that_is_no_smaller_than_int8_and_no_faster_is_not_recommended() -> None:
    plain = with_int8(case((MAGNITUDE, PASSES, BEATS)), zstd=1000)
    found = decide(int8_of_cut(plain, MAGNITUDE, PASSES, BEATS), "cnn")
    assert (found.kind, found.use) == ("do-not-prune", "cnn/dense-longer-int8")
    assert found.headline.startswith(
        "Do not prune: use the dense network in INT8, as good as dense, 900\u202fkB instead"
    )
    assert found.why[0].startswith("INT8 against what it was made of: −0.10 points [−0.40, +0.20]")
    assert any("no smaller" in line for line in found.why)


def test_a_pruned_network_that_is_smaller_than_int8_is_recommended() -> None:
    found = decide(with_int8(case((MAGNITUDE, PASSES, BEATS)), zstd=10**9), "cnn")
    assert (found.kind, found.use) == ("recommend", MAGNITUDE)
    assert any("this is smaller" in line for line in found.why)


def test_a_pruned_network_that_is_faster_than_int8_is_recommended() -> None:
    found = decide(with_int8(case((FILTERS, PASSES, BEATS)), zstd=1000, speed=1.2), "cnn")
    assert (found.kind, found.use) == ("recommend", FILTERS)
    assert any("this is faster, 1.60× dense and not 1.20×" in line for line in found.why)
    slower = with_int8(case((FILTERS, PASSES, BEATS)), zstd=1000, speed=1.6)
    assert decide(int8_of_cut(slower, FILTERS, PASSES, BEATS, speed=1.6), "cnn").kind == "do-not-prune"
    assert decide(slower, "cnn").kind == "cannot-tell"  # in INT8 it may be faster


def test_int8_that_is_worse_than_dense_is_no_alternative() -> None:
    found = decide(with_int8(case((MAGNITUDE, PASSES, BEATS)), verdict="worse", zstd=1000), "cnn")
    assert (found.kind, found.use) == ("recommend", MAGNITUDE)


def test_where_pruning_is_undecided_int8_is_named() -> None:
    found = decide(with_int8(case((MAGNITUDE, OPEN, BEATS)), zstd=10**9), "cnn")
    assert found.kind == "cannot-tell"
    assert "Stay with dense, in INT8: as good as dense, 900\u202fkB instead of" in found.headline
    assert found.use == "cnn/dense-longer-int8"


def test_how_fast_it_is_is_said_and_where_it_was_measured() -> None:
    timed = (bench(study(), "kitchen PC"),)
    slow = answer((MAGNITUDE, PASSES, BEATS), benches=timed)
    assert any("no faster that could be measured: 1.01× [0.98, 1.04] on kitchen PC" in line for line in slow.why)
    fast = answer((FILTERS, PASSES, BEATS), benches=timed)
    assert any("1.60× [1.55, 1.65] as fast as dense, on kitchen PC, one photo" in line for line in fast.why)
    assert any(line.startswith("Times are of kitchen PC, not of your device") for line in fast.not_known)


def test_a_complete_study_speaks_plainly() -> None:
    found = answer((MAGNITUDE, PASSES, BEATS), missing_controls=())
    assert found.headline.startswith("Use magnitude")
    assert "smallest file" not in found.headline
    assert not any(line.startswith("Not run") for line in found.not_known)


def test_better_than_dense_is_said_only_when_shown() -> None:
    assert "better than dense" in answer((MAGNITUDE, (0.2, 1.0), BEATS)).headline
    assert "better than dense" not in answer((MAGNITUDE, (-0.1, 1.0), BEATS)).headline


def test_do_not_prune_when_all_are_worse() -> None:
    found = answer((FILTERS, FAILS, BEATS), (MAGNITUDE, FAILS, BEATS))
    assert found.kind == "do-not-prune"
    assert found.headline == "Do not prune: both chosen networks are worse than dense trained equally long."
    assert found.use == LONGER  # the better of the two dense ones on validation
    assert found.photos_needed is None


@pytest.mark.parametrize("chance", [TIES, (-3.0, -1.0)])
def test_a_method_that_chance_equals_is_not_recommended(chance: tuple[float, float]) -> None:
    found = answer((FILTERS, PASSES, chance))
    assert found.kind == "do-not-prune"
    assert "random pruning does as well" in found.headline


def test_a_method_not_shown_to_beat_chance_is_not_recommended() -> None:
    found = answer((FILTERS, PASSES, UNSURE))
    assert found.kind == "cannot-tell"
    assert "not shown to beat random pruning" in found.headline
    assert found.use == LONGER


def test_too_few_photos_says_how_many_would_do() -> None:
    given = case((FILTERS, None, BEATS), (MAGNITUDE, None, BEATS))
    tests = (against(FILTERS, LONGER, OPEN, needed=9000), against(MAGNITUDE, LONGER, OPEN, needed=7200))
    found = decide(replace(given, comparisons=(*given.comparisons, *tests)), "cnn")
    assert found.kind == "cannot-tell"
    assert found.photos_needed == 7200  # the candidate nearest to a decision
    assert found.headline == (
        "Cannot tell: 2,725 test photos and 3 seeds do not decide at a margin of 1 point; "
        "about 7,200 photos would decide, in nine of ten tries. Stay with dense."
    )


def test_a_candidate_with_two_open_checks_needs_the_larger_number() -> None:
    given = case((FILTERS, None, None))
    tests = (against(FILTERS, LONGER, OPEN, 4000), against(FILTERS, RANDOM[FILTERS], UNSURE, 8000))
    assert decide(replace(given, comparisons=tests), "cnn").photos_needed == 8000


def test_an_undecided_candidate_beside_a_worse_one_leaves_it_open() -> None:
    assert answer((FILTERS, OPEN, BEATS), (MAGNITUDE, FAILS, BEATS)).kind == "cannot-tell"


def test_without_random_pruning_nothing_is_recommended() -> None:
    found = answer((MAGNITUDE, PASSES, None))
    assert found.kind == "cannot-tell"
    assert any("not compared with random pruning" in line for line in found.why)


def test_without_dense_trained_equally_long_nothing_is_recommended() -> None:
    given = case((MAGNITUDE, None, BEATS))
    short = against(MAGNITUDE, "cnn/dense", (2.0, 4.0))  # beats dense that was trained for less: no evidence
    rest = tuple(s for s in given.summaries if s.config != LONGER)
    found = decide(replace(given, summaries=rest, comparisons=(*given.comparisons, short)), "cnn")
    assert found.kind == "cannot-tell"
    assert "trained equally long is missing" in found.headline
    assert found.use == "cnn/dense"


def test_a_control_is_known_by_its_role_not_by_its_name() -> None:
    """A method with a recipe of its own has a dense control of its own."""
    given = case((FILTERS, None, BEATS))
    renamed = "cnn/dense-longer-study-filters"
    summaries = tuple(replace(s, config=renamed) if s.config == LONGER else s for s in given.summaries)
    models = tuple(replace(m, config=renamed) if m.config == LONGER else m for m in given.models)
    comparisons = (*given.comparisons, against(FILTERS, renamed, PASSES))
    found = decide(replace(given, summaries=summaries, models=models, comparisons=comparisons), "cnn")
    assert (found.kind, found.use) == ("recommend", FILTERS)


def test_what_validation_did_not_choose_is_never_recommended() -> None:
    """magnitude 70 % passes on test and is smaller, but to pick it for that would be choosing on test."""
    given = case((MAGNITUDE, PASSES, BEATS))
    tempting = "cnn/magnitude/0.7"
    extra = (against(tempting, LONGER, PASSES), against(tempting, "cnn/random/0.7", BEATS))
    found = decide(replace(given, comparisons=given.comparisons + extra), "cnn")
    assert found.use == MAGNITUDE
    assert any("not what validation chose" in line and "70" in line for line in found.why)


def test_a_pruned_network_that_is_not_smaller_fails() -> None:
    given = case((MAGNITUDE, PASSES, BEATS))
    big = tuple(replace(m, sizes=replace(m.sizes, zstd=10**9)) if m.config == MAGNITUDE else m for m in given.models)
    found = decide(replace(given, models=big), "cnn")
    assert found.kind == "do-not-prune"
    assert any("not smaller" in line for line in found.why)


def test_nothing_chosen_and_nothing_finished() -> None:
    assert "chosen on validation" in answer().headline
    empty = replace(study(), models=(), summaries=(), choices=(), comparisons=())
    found = decide(empty, "cnn")
    assert (found.kind, found.use) == ("cannot-tell", "")


def test_zeros_are_not_sold_as_a_smaller_file() -> None:
    weights, filters = answer((MAGNITUDE, PASSES, BEATS)), answer((FILTERS, PASSES, BEATS))
    assert any("zeros save nothing until the file is compressed" in line for line in weights.why)
    assert not any("zeros save nothing" in line for line in filters.why)
    assert any("ONNX file that is deployed is 6.70" in line for line in filters.why)


def test_doubts_reach_the_answer() -> None:
    found = study()
    one_seed = decide(results(seeds=(0,)), "cnn")
    assert any(line.startswith("One seed") for line in one_seed.not_known)
    drawn = decide(replace(found, data=replace(found.data, synthetic="drawn from emoji")), "cnn")
    assert any("no photos (drawn from emoji)" in line for line in drawn.not_known)
    assert "on these drawn pictures" in drawn.headline
    young = tuple(
        replace(m, history=replace(m.history, converged=False)) if m.config == "cnn/dense" else m for m in found.models
    )
    assert any("had not converged" in line for line in decide(replace(found, models=young), "cnn").not_known)
    assert not any("had not converged" in line for line in decide(found, "cnn").not_known)


@pytest.mark.parametrize(("low", "said"), [(0.05, True), (0.1, True), (0.11, False), (None, True)])
def test_a_dense_network_that_guesses_is_the_first_doubt(low: float | None, said: bool) -> None:
    """Ten classes: the mean of recalls is 10 % for whoever always says the same, and for whoever throws dice."""
    found = case((MAGNITUDE, PASSES, BEATS))
    guess = Measured(0.1, "fraction", low, None if low is None else 0.3, 100, "")

    def guessing(m: ModelResult, seed: int) -> ModelResult:
        own = m.evaluation and replace(m.evaluation, balanced_accuracy=guess)
        return replace(m, evaluation=own) if m.config == "cnn/dense" and m.seed >= seed else m

    def doubts(seed: int) -> tuple[str, ...]:
        return decide(replace(found, models=tuple(guessing(m, seed) for m in found.models)), "cnn").not_known

    first = "The dense network is not shown to do better than a guess: the mean of its classes' recalls is 10.0\u202f%"
    assert doubts(0)[0].startswith(first) is said
    assert not any("than a guess" in line for line in (*doubts(1), *decide(found, "cnn").not_known))


def test_a_doubt_of_one_comparison_names_it() -> None:
    given = case((MAGNITUDE, PASSES, BEATS))
    first, second = given.comparisons
    doubted = replace(second, difference=replace(second.difference, doubts=("p = 0.2 after Holm",)))
    found = decide(replace(given, comparisons=(first, doubted)), "cnn")
    about = "magnitude 50\u202f% against random 50\u202f%"
    assert f"p = 0.2 after Holm ({about})." in found.not_known
    both = tuple(replace(c, difference=doubted.difference) for c in given.comparisons)
    assert "p = 0.2 after Holm." in decide(replace(given, comparisons=both), "cnn").not_known


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.1, 2.0), "is better than"),
        (PASSES, "is as good as"),
        (FAILS, "is worse than"),
        (OPEN, "no difference is shown, nor"),
    ],
)
def test_claims_say_what_an_interval_shows(ends: tuple[float, float], said: str) -> None:
    assert said in claim(study(), against(MAGNITUDE, LONGER, ends))


def test_what_learnt_from_the_dense_network_is_said():
    found = results()
    taught = replace(found, study=found.study | {"distil": 0.6})
    assert any("learnt from the dense one" in line for line in decide(taught, "cnn").not_known)
    assert not any("learnt from the dense one" in line for line in decide(found, "cnn").not_known)
