"""CSV as it comes: delimiters, decimal commas, comments, empty lines, line ends, many columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.sources import Csv
from nntrain.data.table import Table, join
from nntrain.errors import DataError, Problem
from tests.conftest import Command

CONFIG = """\
name: euro
data: {path: a.csv, target: y, format: {type: csv, delimiter: ";", decimal: ",", comment: "#"}}
model: {layers: [{type: dense, units: auto}]}
loss: mean_squared_error
trainer: {max_epochs: 3}
"""


def read(path: Path, text: str | bytes, source: Csv = Csv(), rows: int = 32768) -> Table:  # noqa: B008
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return join(list(source.read(path, rows)))


def failure(path: Path, text: str | bytes, source: Csv = Csv()) -> Problem:  # noqa: B008
    with pytest.raises(DataError) as caught:
        read(path, text, source)
    problem = caught.value.problem
    assert problem.file == str(path)
    assert len(str(caught.value).splitlines()) <= 6
    return problem


EURO = Csv(delimiter=";", decimal=",")


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("quotes", [False, True])
def test_decimal_commas(tmp_path: Path, rows: int, quotes: bool) -> None:
    cells = ["1,5", "-0,25", "+3", ",5", "7,", "1,5e-3", "Paris, France", "31.12.2024", "", "1.2.3"]
    known = ["1.5", "-0.25", "+3", ".5", "7.", "1.5e-3", "Paris, France", "31.12.2024", "", "1.2.3"]
    mark = '"' if quotes else ""
    text = "a;b\n" + "".join(f"{mark}{cell}{mark};x\n" for cell in cells)
    assert read(tmp_path / "a.csv", text, EURO, rows).columns["a"].tolist() == known


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20))
def test_a_decimal_comma_changes_no_number(
    tmp_path_factory: pytest.TempPathFactory, x: list[float]
) -> None:
    path = tmp_path_factory.getbasetemp() / "decimal.csv"
    text = "a;b\n" + "".join(f"{v!r};1\n" for v in x).replace(".", ",")
    found = read(path, text, EURO).columns["a"].astype(np.float64)
    assert found.tolist() == x


@pytest.mark.parametrize("cell", ["1.234", "1.234,5", "12.345.678,90", "0.5", "-.5", "1.5e3"])
def test_points_between_thousands(tmp_path: Path, cell: str) -> None:
    problem = failure(tmp_path / "a.csv", f"a;b\n1,5;2\n{cell};3\n", EURO)
    assert problem.line == 3
    assert f"column `a`: line 3 has `{cell}`, a number with a point" in problem.message
    assert "leave out the points between thousands" in problem.hint


def test_the_comma_is_named_where_numbers_have_one(nntrain: Command, tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 7};{i}\n" for i in range(40))
    (tmp_path / "a.csv").write_text("x;y\n" + rows)
    config = CONFIG.replace('decimal: ",", ', "")
    (tmp_path / "c.yaml").write_text(config)
    found = nntrain("fit", "c.yaml")
    assert found.code == 3
    assert 'decimal: ","' in found.err and "a.csv:2: column `x`" in found.err


def test_fit_eval_and_predict_with_commas_and_comments(nntrain: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).round(4)
    y = x @ [1.5, -2.0]
    plain = [f"{a:.4f};{b:.4f};{c:.5f}" for (a, b), c in zip(x, y, strict=True)]
    comma = [row.replace(".", ",") for row in plain]
    comma.insert(30, "# a break")
    comma.insert(40, "")
    (tmp_path / "a.csv").write_text(
        "# made by hand; not with care\na;b;y\n" + "\n".join(comma) + "\n\n"
    )
    (tmp_path / "c.yaml").write_text(CONFIG)
    found = nntrain("fit", "c.yaml", "--output-dir", "comma")
    assert found.code == 0
    assert "1 empty line passed over, the first is line 43 of" in found.err
    (tmp_path / "b.csv").write_text("a;b;y\n" + "\n".join(plain) + "\n")
    other = CONFIG.replace("a.csv", "b.csv").replace('decimal: ",", ', "")
    (tmp_path / "d.yaml").write_text(other)
    assert nntrain("fit", "d.yaml", "--output-dir", "point", "-q").code == 0
    scores = [nntrain("eval", run).out.splitlines()[1:] for run in ("comma", "point")]
    assert scores[0] == scores[1]
    assert nntrain("predict", "comma", "a.csv").out == nntrain("predict", "point", "b.csv").out


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_comments(tmp_path: Path, rows: int) -> None:
    text = '#one\n  # "two\na,b\n1,2\n#3,4\n\n"5\n#no comment",6\n#\n7,#8\n'
    table = read(tmp_path / "a.csv", text, Csv(comment="#"), rows)
    assert table.columns["a"].tolist() == ["1", "5\n#no comment", "7"]
    assert table.columns["b"].tolist() == ["2", "6", "#8"]
    assert table.lines.tolist() == [4, 7, 10]
    assert table.empty == (1, f"line 6 of {tmp_path / 'a.csv'}")


def test_a_comment_that_nobody_said_is_one(tmp_path: Path) -> None:
    problem = failure(tmp_path / "a.csv", "# made by X\na,b\n1,2\n")
    assert (problem.line, problem.hint) == (1, 'data.format: {type: csv, comment: "#"}')


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
@pytest.mark.parametrize("quote", ["", '"'])
def test_empty_lines_are_counted_between_rows_alone(tmp_path: Path, rows: int, quote: str) -> None:
    text = f"\n\na,b\n\n1,2\n  \n{quote}3{quote},4\r\n\r\n\n5,6\n\n\n"
    table = read(tmp_path / "a.csv", text, rows=rows)
    assert table.columns["a"].tolist() == ["1", "3", "5"]
    assert table.lines.tolist() == [5, 7, 10]
    assert table.empty == (4, f"line 4 of {tmp_path / 'a.csv'}")


def test_empty_lines_inside_of_quotes_are_text(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", 'a,b\n"x\n\ny",1\n2,3\n')
    assert table.columns["a"].tolist() == ["x\n\ny", "2"]
    assert table.empty.lines == 0


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_named(tmp_path: Path, delimiter: str) -> None:
    problem = failure(tmp_path / "a.csv", f"a{delimiter}b\n1{delimiter}2\n")
    shown = delimiter.replace("\t", "\\t")
    assert problem.hint == f'data.format: {{type: csv, delimiter: "{shown}"}}'
    text = f"a{delimiter}b\n1{delimiter}2\n"
    assert read(tmp_path / "b.csv", text, Csv(delimiter)).columns["b"].tolist() == ["2"]


def test_ragged_rows_and_wrong_bytes_have_their_line(tmp_path: Path) -> None:
    assert failure(tmp_path / "a.csv", "a,b\n1,2\n\n3\n").line == 4
    assert failure(tmp_path / "a.csv", 'a,b\n"1\n2",2\n3,4,5\n').line == 4
    latin1 = failure(tmp_path / "a.csv", "a,b\n1,2\nZürich,2\n".encode("latin1"))
    assert (latin1.line, "iconv -f latin1" in latin1.hint) == (3, True)
    utf16 = failure(tmp_path / "a.csv", "a,b\n1,2\n".encode("utf-16"))
    assert (utf16.line, "iconv -f utf-16" in utf16.hint) == (1, True)


def test_a_mark_of_bytes_and_mixed_line_ends(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", "\ufeffa,b\r\n1,2\n3,4\r5,6\r\n7,8")
    assert list(table.columns) == ["a", "b"]
    assert table.columns["a"].tolist() == ["1", "3", "5", "7"]
    assert table.lines.tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "the file is empty"),
        ("a,b\n", "no rows below the header"),
        ("\n\n", "the file is empty"),
    ],
)
def test_nothing_in_it(tmp_path: Path, text: str, message: str) -> None:
    assert message in failure(tmp_path / "a.csv", text).message


def _wide(path: Path, rows: int) -> Path:
    numbers = np.random.default_rng(0).integers(0, 9, (rows, 10_000)).astype(str)
    names = [*(f"c{i}" for i in range(9999)), "y"]
    path.write_text("\n".join([",".join(names), *map(",".join, numbers.tolist())]))
    return path


def test_a_portion_has_so_many_cells_not_rows(tmp_path: Path) -> None:
    tables = Csv().read(_wide(tmp_path / "a.csv", 120))
    assert [len(table) for table in tables] == [104, 16]


def test_ten_thousand_columns(nntrain: Command, tmp_path: Path) -> None:
    _wide(tmp_path / "a.csv", 30)
    config = CONFIG.replace(', format: {type: csv, delimiter: ";", decimal: ",", comment: "#"}', "")
    (tmp_path / "c.yaml").write_text(config)
    assert nntrain("fit", "c.yaml", "-q").code == 0
    assert nntrain("eval").code == 0
    assert len(nntrain("predict", "a.csv").out.splitlines()) == 31
