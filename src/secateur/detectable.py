"""What a study of this size can show, in words, before anything runs."""

from __future__ import annotations

from secateur import catalogue
from secateur.arms import targets
from secateur.settings import Study, networks

MOST_SEEDS = 9  # that are thought of as a way out


def can_show(study: Study, photos: int) -> str:
    """A sentence: the smallest true difference to dense that is shown in nine of ten such studies, and whether "as good
    as" can be at its margin. `photos`: of the study, those that belong together counted once."""
    tested = round(photos * study.fractions[2])
    if tested < 2:
        return ""
    # of every method one network is judged, as two files
    seeds, judged = len(study.seeds), 2 * max(len(net.methods) for net in networks(study)) or 1
    compared = max(sum(len(targets(net, c)) for c in net.methods) for net in networks(study)) or 1
    least = _least(tested, seeds, judged, compared)
    trained = f"{seeds} seed{'s' if seeds > 1 else ''}"
    said = f"{trained}, {tested:,} test photos: differences to dense over {least:.1f} points can be shown (90 % power)"
    margin = f"{study.margin:g} point{'' if study.margin == 1 else 's'}"
    if least <= study.margin:
        return f"{said}; so can 'as good as' within {margin}, of networks that are"
    enough = next(
        (s for s in range(seeds + 1, MOST_SEEDS + 1) if _least(tested, s, judged, compared) <= study.margin), 0
    )
    way = f"{enough} seeds would do" if enough else f"more than {MOST_SEEDS} seeds, or more photos, would be needed"
    return f"{said}; 'as good as' within {margin} hardly: {way}"


def _least(photos: int, seeds: int, judged: int, compared: int) -> float:
    return float(catalogue.load("secateur.measure.sample_size:detectable")(photos, seeds, judged, compared))
