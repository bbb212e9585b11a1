"""Times as tables write them: in which order the numbers of a date stand is a thing of the column, and is named."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.data.clocks import joined, times
from secateur.data.labelled import list_labelled
from secateur.data.scan import scan
from secateur.errors import UserError
from secateur.records import Reading

MAY = "2021-05-03 10:05:00"


@pytest.mark.parametrize(
    "cell",
    [
        *("2021-05-03 10:05:00", "2021:05:03 10:05:00", "2021/5/3 10:05", "2021-05-03T10:05:00Z"),
        *("2021-05-03T10:05:00.123+0200", "2021-05-03 10:05:00 UTC+02:00", "2021-05-03, 10:05 CET"),
        *("03/05/2021 10:05", "3/5/2021 10:05:00 AM", "03.05.2021 10:05", "03-05-2021 10:05:00", "03/05/21 10:05"),
        *("03-May-2021 10:05:00", "3 May 2021 10:05", "May 3, 2021 10:05", "44319.42013889", "1620036300"),
        *("1620036300000", "  03/05/2021  10:05 "),
    ],
)
def test_the_third_of_may(cell):
    assert times([cell]).times == (MAY,)


@pytest.mark.parametrize(
    "cell",
    [
        *("2021-05-03", "03/05/2021", "10:05:00", "0000:00:00 00:00:00", "31/02/2021 10:00", "2021-13-01 10:00"),
        *("2021-05-03 25:00", "2021-05-03 13:00 PM", "21-05-03 10:00", "20210503100500", "yesterday", "12345"),
    ],
)
def test_what_is_no_time_is_none(cell):
    """A date alone least of all: all photos of a day would be one burst."""
    made = times([cell])
    assert made.times == ("",) and made.unread == cell and made.read == 0


@pytest.mark.parametrize(
    ("cells", "order", "wanted", "said", "doubt"),
    [
        (["03/05/2021 10:00", "04/05/2021 10:00"], "", ["05-03", "05-04"], "day first", "month first they would all"),
        (["03/05/2021 10:00", "13/05/2021 10:00"], "", ["05-03", "05-13"], "day first", ""),
        (["03/05/2021 10:00", "05/13/2021 10:00"], "", ["03-05", "05-13"], "month first", ""),
        (["03/05/2021 10:00", "04/05/2021 10:00"], "month", ["03-05", "04-05"], "month first", ""),
        (["05/05/2021 10:00"], "", ["05-05"], "", ""),
        (["03.05.2021 10:00"], "", ["05-03"], "", ""),
        (["13/5/2021 1:00", "14/5/2021 1:00", "5/15/2021 1:00"], "", ["05-13", "05-14", ""], "day first", "but 1 of 3"),
    ],
)
def test_the_column_decides_which_number_is_the_day(cells, order, wanted, said, doubt):
    made = times(cells, order)
    assert [time[5:10] for time in made.times] == wanted
    assert made.order.startswith(said) and bool(made.order) == bool(said)
    assert doubt in made.doubt and bool(made.doubt) == bool(doubt)


@given(st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2068, 1, 1)))
def test_every_time_is_read_as_it_is_written(when):
    when = when.replace(microsecond=0)
    wanted = (when.isoformat(" "),)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y:%m:%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"):
        assert times([when.strftime(form)]).times == wanted
    assert times([when.strftime("%d/%m/%Y %H:%M:%S")], "day").times == wanted
    assert times([when.strftime("%m/%d/%y %I:%M:%S %p")], "month").times == wanted


def test_a_date_and_a_time_of_day():
    assert joined(
        ["2021-05-03", "2021-05-03 00:00:00", MAY, "", "3/5/2021"], ["10:05", "10:05", "9:00", "1:00", ""]
    ) == [
        "2021-05-03 10:05",
        "2021-05-03 10:05",
        MAY,
        "",
        "3/5/2021",
    ]
    assert times(joined(["03-May-2021"], ["1899-12-30 10:05:00"])).times == (MAY,)


# ------------------------------------------------------------ in a table


@pytest.fixture
def root(folder_of):
    return folder_of({"fox": 6, "hare": 6})


def written(root, header, cells):
    """`cells`: number of the photo → what stands behind its path and label."""
    here = sorted(p.relative_to(root).as_posix() for p in root.rglob("*.jpg"))
    file = root.parent / "labels.csv"
    file.write_text("\n".join([header, *(f"{p};{p[:-8]};{cells(i)}" for i, p in enumerate(here))]))
    return str(file)


def bursts(root, file, **more):
    return scan(root, reading=Reading(labels=file, group_by=("burst:60s within folder:1",), **more))


@pytest.mark.parametrize(
    ("header", "cells", "taken"),
    [
        ("DateTime", lambda i: f"03/05/2021 {10 + i // 3}:00", "DateTime"),
        ("Date;Time", lambda i: f"2021-05-03;{10 + i // 3}:00:00", "Date + Time"),
        ("Time;Date", lambda i: f"{10 + i // 3}:00:00;03-May-2021", "Date + Time"),
        ("Date;Time", lambda i: f"2021-05-03 00:00:00;{10 + i // 3}:00:00", "Date + Time"),
        ("date;DateTimeOriginal", lambda i: f"2021-05-03;2021-05-03 {10 + i // 3}:00:00", "DateTimeOriginal"),
        ("datetime;timestamp", lambda i: f"NA;2021-05-03T{10 + i // 3}:00:00+0200", "timestamp"),
    ],
)
def test_bursts_by_the_columns_that_tables_have(root, header, cells, taken):
    found = bursts(root, written(root, f"file;label;{header}", cells))
    assert found.taken and found.taken.time == taken and f"times from '{taken}'" in found.taken.said()
    assert (found.ties[1].groups, found.ties[1].largest) == (4, 3)
    assert not [p for p in found.problems if p.what == "no time"]


def test_an_order_that_the_dates_do_not_decide_is_named(root):
    """Over midnight it matters: day first these are two days of May, month first a month apart."""

    def cells(i):
        return "03/05/2021 23:59:50" if i % 2 else "04/05/2021 00:00:10"

    file = written(root, "file;label;DateTime", cells)
    found = bursts(root, file)
    assert (found.ties[1].groups, found.ties[1].largest) == (2, 6)
    doubt = next(p for p in found.problems if p.what == "day or month")
    assert "04/05/2021 00:00:10 is 4 May 2021" in doubt.why and "--date-order" in doubt.why and not doubt.left_out
    month = bursts(root, file, date_order="month")
    assert month.ties[1].groups == 4 and "day or month" not in {p.what for p in month.problems}
    assert "day or month" not in {p.what for p in scan(root, reading=Reading(labels=file)).problems}  # nobody asked


def test_why_no_time_was_found_is_said(root):
    with pytest.raises(UserError, match=r"column 'DateTime' of labels\.csv says '2021-05-03', which is no time that"):
        bursts(root, written(root, "file;label;DateTime", lambda i: "2021-05-03"))
    with pytest.raises(UserError, match=r"labels\.csv has no column of times by its usual names: .* \(--time-column\)"):
        bursts(root, written(root, "file;label;when", lambda i: MAY))
    with pytest.raises(UserError, match=r"not in its EXIF data, and there is no file of labels"):
        scan(root, reading=Reading(group_by=("burst:60s",)))


def test_a_column_of_times_that_is_asked_for(root):
    file = written(root, "file;label;DateTime;seen on;at", lambda i: f"{MAY};03/05/2021;{10 + i // 3}:00")
    for asked in ("seen on + at", "SEEN ON + At"):
        found = bursts(root, file, time_column=asked)
        assert found.taken and found.taken.time == "seen on + at" and found.ties[1].groups == 4
    with pytest.raises(UserError, match=r"time column of labels\.csv 'seen' is not known; did you mean 'seen on'"):
        list_labelled(root, Reading(labels=file, time_column="seen"))


def test_a_photo_whose_time_is_none_says_what_it_says(root):
    found = bursts(root, written(root, "file;label;DateTime", lambda i: MAY if i else "31/02/2021 10:00"))
    why = {p.path: p.why for p in found.problems if p.what == "no time"}
    assert set(why) == {"fox/000.jpg"} and "'31/02/2021 10:00' is no time that is understood" in why["fox/000.jpg"]
