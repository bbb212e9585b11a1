"""Which columns of a file of labels are taken: as asked, else the finest that nearly all rows know; said and kept."""

from __future__ import annotations

import pytest

from secateur.data.labelled import list_labelled
from secateur.data.scan import scan
from secateur.errors import UserError
from secateur.files import dump, read
from secateur.records import Reading, Snapshot

TAXA = {  # class, order, family, genus, species, common name
    "fox": "Mammalia,Carnivora,Canidae,Vulpes,vulpes,Red Fox",
    "hare": "Mammalia,Lagomorpha,Leporidae,Lepus,europaeus,European Hare",
    "owl": "Aves,Strigiformes,Strigidae,Bubo,bubo,Eagle Owl",
}
RANKS = "class,order,family,genus,species,common_name"


@pytest.fixture
def root(folder_of):
    return folder_of(dict.fromkeys(TAXA, 4))


def names(root):
    return [(p.relative_to(root).as_posix(), p.parent.name) for p in sorted(root.rglob("*.jpg"))]


def table(root, header, row, mark=",", encoding="utf-8"):
    """`row`: (path, animal, number) → its cells."""
    lines = [header, *(mark.join(row(path, name, i)) for i, (path, name) in enumerate(names(root)))]
    file = root.parent / "labels.csv"
    file.write_text("\n".join(lines), encoding=encoding)
    return str(file)


def classes(root, file, **more):
    found = list_labelled(root, Reading(labels=file, **more))
    return found.classes, found.taken


def test_the_finest_rank_and_not_the_one_that_is_called_class(root, tmp_path):
    labels = table(root, f"filename,is_blank,{RANKS}", lambda path, name, i: [path, "0", TAXA[name]])
    found = scan(root, reading=Reading(labels=labels))
    assert found.classes == ("Bubo bubo", "Lepus europaeus", "Vulpes vulpes")
    assert found.taken and (found.taken.path, found.taken.label) == ("filename", "genus + species")
    assert dict(found.taken.others)["class"] == 2 and dict(found.taken.others)["common_name"] == 3
    assert "labels from 'genus + species'" in found.taken.said()
    dump(found, tmp_path / "snapshot.json")
    assert read(Snapshot, tmp_path / "snapshot.json").taken == found.taken
    for name, wanted in (("class", ("Aves", "Mammalia")), ("COMMON_NAME", ("Eagle Owl", "European Hare", "Red Fox"))):
        assert classes(root, labels, label_column=name)[0] == wanted
    assert classes(root, labels, label_column="genus + species")[0] == found.classes


def test_a_rank_that_many_rows_do_not_know_gives_way(root):
    """Two of twelve are known to the genus only."""

    def row(path, name, i):
        taxa = TAXA[name].split(",")
        return [path, *(taxa if i not in (0, 5) else [*taxa[:4], "", f"{taxa[3]} sp."])]

    found, taken = classes(root, table(root, f"filename,{RANKS}", row))
    assert taken.label == "common_name" and set(found) > {"Vulpes sp.", "Red Fox"}


@pytest.mark.parametrize("nothing", ["No CV Result", "NA", "nan", "", "N/A"])
def test_words_that_say_that_nothing_is_known_are_no_class(root, nothing):
    """Rows of which no column knows anything do not count among those that must be filled."""
    labels = table(
        root,
        f"filename,{RANKS}",
        lambda path, name, i: [path, TAXA[name] if i not in (0, 5) else ",".join([nothing] * 6)],
    )
    found = list_labelled(root, Reading(labels=labels))
    assert found.classes == ("Bubo bubo", "Lepus europaeus", "Vulpes vulpes")
    assert [p.what for p in found.problems] == ["no label", "no label"]
    assert classes(root, labels, empty="nobody")[0] == ("Bubo bubo", "Lepus europaeus", "Vulpes vulpes", "nobody")


def test_blank_is_a_class_of_its_own(root):
    labels = table(
        root,
        f"filename,is_blank,{RANKS}",
        lambda path, name, i: [
            path,
            "1" if i == 0 else "0",
            TAXA[name] if i else "Blank,Blank,Blank,Blank,Blank,Blank",
        ],
    )
    assert classes(root, labels)[0] == ("Blank", "Bubo bubo", "Lepus europaeus", "Vulpes vulpes")


@pytest.mark.parametrize(
    ("header", "cells", "taken"),
    [
        ("file,class", lambda name: [name], "class"),  # no other rank: the plain name of a label
        ("file,class,category", lambda name: [name, "animal"], "class"),
        ("file,label,species", lambda name: [name, "x"], "label"),
        ("file,label,species", lambda name: ["NA", name], "species"),  # a label that nobody gave
        ("file,label,species", lambda name: ["animal", name], "species"),  # a label that tells nothing apart
        ("file,category,species", lambda name: ["12"[name == "owl"], name], "species"),
        ("file,species,common_name", lambda name: [TAXA[name].split(",")[4], name], "common_name"),  # epithets alone
        ("file,species,family", lambda name: [TAXA[name].split(",")[4], TAXA[name].split(",")[2]], "species"),
        ("file,scientificName,vernacularNames.en", lambda name: [f"Genus {name}", name], "scientificName"),
        ("file,GENUS,  Species", lambda name: TAXA[name].split(",")[3:5], "GENUS + Species"),
        ("file,class,order,category_name", lambda name: [*TAXA[name].split(",")[:2], name], "category_name"),
        ("file,class,category", lambda name: [TAXA[name].split(",")[0], name], "category"),  # plainly the rank
        ("file,category,class,genus", lambda name: ["animal" + "s" * (name == "owl"), "Aves", name], "genus"),
        ("file,genus,species", lambda name: ["NA", name], "species"),  # a column of genera that nobody filled
        ("file,taxon_class_name,taxon_order_name", lambda name: TAXA[name].split(",")[:2], "taxon_order_name"),
        ("file,Species,label ", lambda name: [name, name], "label"),
    ],
)
def test_of_several_columns(root, header, cells, taken):
    labels = table(root, header, lambda path, name, i: [path, *cells(name)])
    found, said = classes(root, labels)
    assert said.label == taken and len(found) == 3


def test_without_a_column_that_serves_all_are_named_with_their_classes_and_the_flag(root):
    def row(path, name, i):
        return [path, "Mammalia", name if i % 2 else "", ""]

    with pytest.raises(UserError, match=r"no column is filled in 90 % of the rows with at least two classes") as raised:
        classes(root, table(root, "file,class,species,label", row))
    said = str(raised.value)
    assert "class (1 class)" in said and "species (3 classes in 50 % of the rows)" in said and "--label-column" in said
    with pytest.raises(UserError, match=r"no column that looks like a label: it has file \(12 classes\), what \(3 cl"):
        classes(root, table(root, "file,what", lambda path, name, i: [path, name]))
    with pytest.raises(UserError, match=r"looks like a label: it has file \(12 classes\); name it with label_column"):
        classes(root, table(root, "file", lambda path, name, i: [path]))


def test_one_species_is_enough_to_evaluate_a_model_on(folder_of):
    root = folder_of({"fox": 4})
    labels = table(root, f"filename,{RANKS}", lambda path, name, i: [path, TAXA[name]])
    assert classes(root, labels, least_classes=1)[0] == ("Vulpes vulpes",)


def test_a_label_column_without_a_label_says_so(root):
    labels = table(root, "file,label", lambda path, name, i: [path, "NA"])
    with pytest.raises(
        UserError, match=r"gives no photo under .* a label; no label: 12 times, first fox/000\.jpg: line 2"
    ):
        classes(root, labels)


@pytest.mark.parametrize("header", ["file,label,label", "file,Label,label"])
def test_two_columns_of_one_name(root, header):
    same = table(root, header, lambda path, name, i: [path, name, name])
    assert classes(root, same)[0] == ("fox", "hare", "owl")
    other = table(root, header, lambda path, name, i: [path, name, "owl" if i else "fox"])
    with pytest.raises(UserError, match=r"column 2 \('[Ll]abel'\) and column 3 \('label'\) have one name and say diff"):
        classes(root, other)


def test_a_rule_on_a_column_that_is_there_twice(root):
    labels = table(root, "file,label,site,site", lambda path, name, i: [path, name, "A", f"{i}"])
    with pytest.raises(UserError, match=r"'column:site': two columns of labels\.csv are called so"):
        classes(root, labels, group_by=("column:site",))
    assert classes(root, labels)[0] == ("fox", "hare", "owl")  # nobody asked for it


def test_the_columns_of_rules_are_said(root):
    labels = table(root, "file,label,site", lambda path, name, i: [path, name, "NA" if i == 11 else f"{i % 3}"])
    found = scan(root, reading=Reading(labels=labels, group_by=("column:site",)))
    assert found.taken and found.taken.groups == ("site",)
    assert [p.path for p in found.problems if p.what == "no group"] == ["owl/003.jpg"]  # not known is no site


def test_rows_of_one_photo_that_differ_in_its_part_or_its_group(root):
    rows = [f"{path},{name},train,A" for path, name in names(root)]
    rows += ["fox/000.jpg,fox,test,A", "fox/001.jpg,fox,train,B"]
    file = root.parent / "labels.csv"
    file.write_text("\n".join(["file,label,split,site", *rows]))
    found = list_labelled(root, Reading(labels=str(file), group_by=("column:site",)))
    said = {(p.path, p.what): p for p in found.problems}
    assert said["fox/000.jpg", "two parts"].why == "line 2 and line 14: 'train' and 'test'"
    assert said["fox/000.jpg", "two parts"].left_out and not any(path == "fox/000.jpg" for path, _, _ in found.files)
    assert said["fox/001.jpg", "rows differ"].why == "line 3 and line 15 differ in column 'site': 'A' is taken"


def camtrap_dp(root, observation, media=lambda path, i: [f"m{i}", path, path.split("/")[-1], "2021-05-03T10:00:00Z"]):
    folder = root.parent / "package"
    folder.mkdir(exist_ok=True)
    here = names(root)
    rows = [",".join(media(path, i)) for i, (path, _) in enumerate(here)]
    (folder / "media.csv").write_text("\n".join(["mediaID,filePath,fileName,timestamp", *rows]))
    rows = [",".join(observation(name, i)) for i, (_, name) in enumerate(here)]
    head = "observationID,deploymentID,mediaID,eventStart,observationLevel,scientificName,vernacularNames.en"
    (folder / "observations.csv").write_text("\n".join([head, *rows]))
    return Reading(labels=str(folder / "observations.csv"), group_by=("column:deploymentID",))


def test_camtrap_dp_parts_observations_from_media(root):
    def seen(name, i):
        return [f"o{i}", f"d{i % 3}", f"m{i}", "2021-05-03T00:00:00Z", "media", f"Genus {name}", ""]

    found = list_labelled(root, camtrap_dp(root, seen))
    assert [path for path, _, _ in found.files] == [path for path, _ in names(root)]
    assert found.classes == ("Genus fox", "Genus hare", "Genus owl") and found.problems == ()
    assert (found.taken.path, found.taken.time) == ("media.csv filePath", "media.csv timestamp")
    assert found.notes["owl/003.jpg"].time == "2021-05-03 10:00:00" and found.taken.groups == ("deploymentID",)
    (root.parent / "package" / "media.csv").unlink()
    with pytest.raises(UserError, match=r"names photos by their mediaID alone: .* media\.csv, which is not beside it"):
        list_labelled(root, Reading(labels=str(root.parent / "package" / "observations.csv")))


def test_camtrap_dp_of_events_of_addresses_and_of_an_id_twice(root):
    """An event of several photos names none of them; where the path is an address, the file's name is asked."""
    for i, (path, _) in enumerate(names(root)):
        (root / path).rename(root / path.replace("00", f"{i}_"))

    def seen(name, i):
        return [f"o{i}", "d", f"m{i}" if i else "", "", "media" if i else "event", f"Genus {name}", ""]

    def kept(path, i):
        return [f"m{i}", f"https://example.org/{i}/file", path.split("/")[-1], ""]

    found = list_labelled(root, camtrap_dp(root, seen, kept))
    assert len(found.files) == 11 and sorted(p.what for p in found.problems) == ["no row", "odd row"]
    with pytest.raises(UserError, match=r"mediaID 'm' is both fox/0_0\.jpg and fox/1_1\.jpg"):
        list_labelled(root, camtrap_dp(root, seen, lambda path, i: ["m", path, "", ""]))


def test_epithets_beside_whole_names_are_put_behind_their_genus(root):
    """ "europaeus" is a hare and a hedgehog; some rows say the genus twice."""
    said = {"fox": ("Lepus", "europaeus"), "hare": ("Lepus", "Lepus europaeus"), "owl": ("Erinaceus", "europaeus")}
    file = table(root, "file,genus,species", lambda path, name, i: [path, *said[name]])
    found, taken = classes(root, file)
    assert found == ("Erinaceus europaeus", "Lepus europaeus") and taken.label == "genus + species"
