"""Dates: found, read by format, and shown to the network as what goes on and what comes round."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.columns import parse
from nntrain.data.dates import CIRCLES, DAY, LINES, Dates, _at_once, _seconds, read_dates
from nntrain.data.learning import learn
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.settings import Data, Date, Preprocessing, Split, Window
from nntrain.data.table import TEXT
from nntrain.errors import DataError, MachineError
from nntrain.families import Array
from tests.conftest import Command
from tests.test_data_columns import columns_of, table_of
from tests.test_data_preprocessing import learned


def dates(**how: Any) -> Preprocessing:
    return Preprocessing(date=Date(**how))


def feature(cells: list[str], *, in_order: bool = False, **how: Any) -> Dates:
    table = table_of(d=cells, other=["1"] * len(cells))
    return Dates.learn(table, "d", (), Date(**how), in_order=in_order)


def inputs(found: Dates, cells: list[str]) -> dict[str, Array]:
    out = np.empty((len(found.inputs), len(cells)))
    found.write(table_of(d=cells, other=["1"] * len(cells)), (), out, Report())
    return dict(zip(found.inputs, out, strict=True))


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)))
def test_moments_are_read_to_the_second(moment: datetime) -> None:
    cells = [moment.isoformat(sep=sep, timespec="seconds") for sep in "T "]
    found = read_dates(table_of(d=cells), "d", ())
    assert (found == (moment.replace(microsecond=0) - datetime(1970, 1, 1)).total_seconds()).all()


@given(st.datetimes(datetime(1700, 1, 1), datetime(2300, 1, 1)))
def test_parts_are_those_of_the_calendar(moment: datetime) -> None:
    wanted = {
        "month": moment.month - 1, "day": moment.day - 1, "weekday": moment.weekday(),
        "hour": moment.hour, "minute": moment.minute, "second": moment.second,
    }  # fmt: skip
    seconds = read_dates(table_of(d=[moment.isoformat()]), "d", ())
    assert {part: int(circle.number(seconds)[0]) for part, circle in CIRCLES.items()} == wanted
    assert LINES["year"](seconds)[0] == moment.year


spoiled = st.text("0123456789-:T Zx+", min_size=8, max_size=20)


@given(st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), max_size=4),
       st.lists(spoiled, max_size=4), st.data())  # fmt: skip
def test_all_at_once_is_one_by_one(
    moments: list[datetime], others: list[str], data: st.DataObject
) -> None:
    """Also with a letter or two that are others."""
    cells = [*others]
    for moment in moments:
        text = moment.isoformat(data.draw(st.sampled_from("T ")), "seconds")
        text = text[: data.draw(st.sampled_from((10, 16, 19)))]
        for _ in range(data.draw(st.integers(0, 2))):
            at = data.draw(st.integers(0, len(text) - 1))
            text = text[:at] + data.draw(st.sampled_from("0123456789-: ")) + text[at + 1 :]
        cells.append(text)
    if cells:
        found = _at_once(np.array(cells, dtype=TEXT))
        slow = [_seconds(cell, "") for cell in cells]
        short = [
            len(cell) in (10, 16, 19) and "Z" not in cell and "+" not in cell for cell in cells
        ]
        wanted = np.array([v if s else None for v, s in zip(slow, short, strict=True)], dtype=float)
        at_once = np.array([wanted[i] == found[i] for i in np.flatnonzero(~np.isnan(found))])
        assert at_once.all()
        assert not np.isnan(found[~np.isnan(wanted)]).any()


def test_parts_come_round() -> None:
    parts = ("month", "day", "weekday", "hour", "minute", "second")
    cells = ["2024-01-01 00:00:00", "2024-04-08T06:15:45"]
    x = inputs(feature(cells, parts=parts), cells)
    assert len(x) == 12
    for part, size, place in zip(parts, (12, 31, 7, 24, 60, 60), (3, 7, 0, 6, 15, 45), strict=True):
        turn = math.tau * place / size
        assert x[f"d {part} sin"].tolist() == [0, math.sin(turn)]
        assert x[f"d {part} cos"].tolist() == [1, math.cos(turn)]


def test_days_go_on() -> None:
    cells = ["2024-01-01", "2024-01-03", "2024-01-05T12:00"]
    x = inputs(feature(cells, parts=("elapsed", "year")), [*cells, "2025-01-01"])
    days = np.array([0, 2, 4.5])
    np.testing.assert_allclose(x["d elapsed"][:3], (days - days.mean()) / days.std(), atol=1e-12)
    assert x["d year"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    "step, parts",
    [
        (timedelta(days=1), ("elapsed", "month", "day", "weekday")),
        (timedelta(days=7), ("elapsed", "month", "day")),
        (timedelta(hours=5), ("elapsed", "month", "day", "weekday", "hour")),
        (timedelta(seconds=7), ("elapsed", "minute", "second")),
        (timedelta(0), ("elapsed",)),
    ],
)
def test_parts_that_differ(step: timedelta, parts: tuple[str, ...]) -> None:
    cells = [(datetime(2024, 3, 1) + i * step).isoformat() for i in range(300)]
    assert feature(cells).parts == parts
    assert feature(cells, in_order=True).parts == (parts[1:] or parts)


def test_the_first_of_each_month_has_a_weekday_by_chance() -> None:
    cells = [date(2000 + i // 12, 1 + i % 12, 1).isoformat() for i in range(60)]
    assert feature(cells).parts == ("elapsed", "month")


def test_missing_dates_are_zeros() -> None:
    found = feature(["2024-01-01", "", "2024-05-09"])
    x = inputs(found, ["", "2024-05-09"])
    assert [values[0] for values in x.values()] == [0.0] * len(x)
    report = Report()
    out = np.empty((len(found.inputs), 2))
    found.write(table_of(d=["", "2024-05-09"], o=["1", "1"]), (), out, report)
    assert report.missing == {"d": 1}


def test_offsets_are_taken_to_utc() -> None:
    cells = ["2024-01-01T23:30:00-02:00", "2024-01-02T01:30:00Z", "2024-01-02 01:30"]
    assert len(set(read_dates(table_of(d=cells), "d", ()).tolist())) == 1


def test_other_formats_by_word_of_the_config() -> None:
    cells = {"d": ["31.1.2024", "1.2.2024", ""]}
    assert columns_of(cells)["d"].kind == "categorical"
    how: dict[str, Any] = {"columns": {"d": "date"}, "preprocessing": dates(format="%d.%m.%Y")}
    assert columns_of(cells, **how)["d"].kind == "date"
    with pytest.raises(DataError, match=r"line 3 has `2024-02-01`, expected a date written as %d"):
        columns_of({"d": ["31.1.2024", "2024-02-01"]}, **how)
    with pytest.raises(DataError, match=r"line 2 has `31\.1\.2024`, expected a date such") as error:
        columns_of(cells, columns={"d": "date"})
    assert "data.preprocessing.date.format" in error.value.problem.hint
    found = learned("d,y 31.1.2024,1 1.2.2024,2 5.2.2024,3", target="y", **how)
    assert Preprocessor.from_plain(found.to_plain()) == found
    x = found.features(table_of(d=["1.2.2024"]))
    iso = learned("d,y 2024-01-31,1 2024-02-01,2 2024-02-05,3", target="y")
    np.testing.assert_array_equal(x, iso.features(table_of(d=["2024-02-01"])))
    with pytest.raises(DataError, match="written as"):
        found.features(table_of(d=["2024-02-01"]))


def test_dates_may_be_categories() -> None:
    cells = {"d": ["2024-01-01", "2024-01-02", "2024-01-01"]}
    assert columns_of(cells, columns={"d": "categorical"})["d"].kind == "categorical"
    mixed = {"d": ["2024-01-01", "soon", "2024-01-01"]}
    assert columns_of(mixed)["d"].kind == "categorical"
    assert columns_of(mixed, na_values=("soon",))["d"].kind == "ignore"  # one value is left


def test_a_date_that_is_none_is_told_with_its_line() -> None:
    found = learned("d,y 2024-01-31,1 2024-02-01,2 2024-02-05,3", target="y")
    with pytest.raises(DataError, match="line 3 has `2024-02-30`, expected a date") as caught:
        found.features(table_of(d=["2024-02-01", "2024-02-30"]))
    assert caught.value.problem.line == 3
    assert "na_values" in caught.value.problem.hint


@pytest.mark.parametrize("size", [1, 7, 100])
def test_chunks_give_the_bits_of_the_whole(size: int) -> None:
    cells = [(datetime(1999, 12, 31) + i * timedelta(hours=37)).isoformat() for i in range(100)]
    table = table_of(d=cells, y=[str(i) for i in range(100)])
    data = Data(path="", target="y")
    parsed, columns = parse(table, data)
    found = learn(parsed, columns, np.arange(60), data, "numbers")
    whole = found.features(table)
    parts = [found.features(table.take(slice(i, i + size))) for i in range(0, 100, size)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert found.features(parsed).tobytes() == whole.tobytes()


@pytest.mark.parametrize("settings", [{"window": Window(3)}, {"split": Split(by="time")}])
def test_no_elapsed_days_where_the_future_is_foretold(settings: dict[str, Any]) -> None:
    cells = [(date(2024, 1, 1) + timedelta(i)).isoformat() for i in range(90)]
    table = table_of(d=cells, y=[str(i * i) for i in range(90)])
    for extra, expected in ((settings, False), ({}, True)):
        data = Data(path="", target="y", **extra)
        parsed, columns = parse(table, data)
        found = learn(parsed, columns, np.arange(60), data, "numbers")
        assert ("d elapsed" in found.input_names) == expected


@pytest.mark.parametrize("change", [{"parts": ["moon"]}, {"parts": []}, {"scales": [0.0]}])
def test_damage(change: dict[str, Any]) -> None:
    plain = learned(
        "d,y 2024-01-31,1 2024-02-01,2", target="y", preprocessing=dates(parts=("elapsed",))
    ).to_plain()
    plain["features"][0] |= change
    with pytest.raises(MachineError, match="d: parts"):
        Preprocessor.from_plain(plain)


def test_a_network_learns_from_the_weekday(nntrain: Command, tmp_path: Any) -> None:
    rng = np.random.default_rng(2)
    lines = ["when,y"]
    for _ in range(400):
        moment = datetime(2020, 1, 1) + timedelta(days=int(rng.integers(0, 2000)))
        lines.append(f"{moment.date()},{'off' if moment.weekday() > 4 else 'work'}")
    (tmp_path / "d.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "d.yaml").write_text("""\
data: {path: d.csv, target: y, preprocessing: {date: {parts: [weekday, elapsed]}}}
model: {layers: [{type: dense, units: 16, activation: tanh}, {type: dense, units: auto}]}
loss: binary_cross_entropy
optimizer: {type: adam, learning_rate: 0.02}
trainer: {max_epochs: 60}
expect: {test_accuracy: ">= 0.95"}
""")
    done = nntrain("fit", "d.yaml")
    assert done.code == 0, done.out + done.err
    assert DAY == 86_400
