"""What a study can show is said before it runs."""

from __future__ import annotations

from secateur.detectable import can_show
from secateur.measure.sample_size import detectable
from secateur.settings import Study


def study(**changes):
    return Study(
        name="s", folder="f", backbone="cnn", methods=["magnitude"], sparsities=[0.3, 0.5, 0.7, 0.9], **changes
    )


def test_it_is_said_with_seeds_photos_and_points():
    said = can_show(study(seeds=[0, 1, 2], fractions=(0.55, 0.15, 0.3), margin=1.5), 12_000)
    least = detectable(3600, 3, 2, 4)
    assert said.startswith(f"3 seeds, 3,600 test photos: differences to dense over {least:.1f} points")
    assert "hardly" in said and said.endswith("8 seeds would do")
    assert can_show(study(seeds=[0]), 1000).endswith("or more photos, would be needed")


def test_a_wide_margin_and_many_photos_can_show_equality():
    said = can_show(study(seeds=[0, 1, 2, 3, 4], margin=2.0), 100_000)
    assert said.endswith("so can 'as good as' within 2 points, of networks that are")


def test_more_methods_ask_for_more():
    many = study(seeds=[0, 1, 2]).model_copy(update={"methods": study().methods * 7})
    assert can_show(many, 12_000) != can_show(study(seeds=[0, 1, 2]), 12_000)


def test_of_nothing_nothing_is_said():
    assert can_show(study(), 3) == ""
