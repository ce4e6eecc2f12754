"""Reading CSV files: every cell and its line right, every wrong file told what is wrong with it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.files import sha256
from nntrain.data.sources import Csv
from nntrain.data.table import join
from nntrain.errors import DataError

Rows = list[list[str]]


def read(text: str, rows_at_a_time: int = 1000, delimiter: str = ",") -> tuple[Rows, list[int]]:
    """Cells row by row, and the line of each row."""
    table = join(list(Csv(delimiter).read(io.StringIO(text, newline=""), rows_at_a_time)))
    columns = [cells.tolist() for cells in table.columns.values()]
    return [list(row) for row in zip(*columns, strict=True)], table.lines.tolist()


def failure(path: Path, **settings: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        list(Csv(**settings).read(path))
    assert caught.value.problem.file == str(path)
    assert len(str(caught.value).splitlines()) <= 6
    return caught.value


def wrong(tmp_path: Path, content: str | bytes) -> tuple[str, int, str]:
    """Message, line and hint for a file with this content."""
    path = tmp_path / "rows.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    problem = failure(path).problem
    return problem.message, problem.line, problem.hint


def test_cells_are_text_without_the_blanks_around_them() -> None:
    assert read("a, b\n1.50, x y \n007,\t\n") == ([["1.50", "x y"], ["007", ""]], [2, 3])


def test_blank_lines_are_skipped_and_lines_still_counted() -> None:
    assert read("\na,b\n\n1,2\n  \n,\n\n") == ([["1", "2"], ["", ""]], [4, 6])


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'a,"b\nb"\n1,2\n"x,\n""y""",3\n4,5\n'
    assert read(text) == ([["1", "2"], ['x,\n"y"', "3"], ["4", "5"]], [3, 4, 6])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("cell", ["1", '"1"'])
def test_every_line_end_and_a_byte_order_mark(tmp_path: Path, end: str, cell: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(f"\ufeffa,b{end}{cell},2{end}3,4".encode())
    (table,) = Csv().read(path)
    assert list(table.columns) == ["a", "b"]
    assert table.columns["a"].tolist() == ["1", "3"]
    assert table.lines.tolist() == [2, 3]


def test_another_delimiter() -> None:
    assert read("a;b\n1,5;2\n", delimiter=";")[0] == [["1,5", "2"]]
    assert read("a\tb\n1\t\n", delimiter="\t")[0] == [["1", ""]]


def test_long_cells_survive_a_join() -> None:
    long = [f"a rather long cell, number {i}" for i in range(500)]
    text = "a,b\n" + "".join(f'"{cell}",{cell[:6]}{i}\n' for i, cell in enumerate(long))
    rows, lines = read(text, 7)
    assert [row[0] for row in rows] == long
    assert lines == list(range(2, 502))


plain = st.text(st.sampled_from('ab1.;"\n é'), max_size=20)


@given(st.lists(st.lists(plain, min_size=2, max_size=2), min_size=1), st.integers(1, 5))
def test_cells_come_back_as_they_were_written(rows: Rows, rows_at_a_time: int) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["a", "b"], *rows])
    found, lines = read(stream.getvalue(), rows_at_a_time)
    assert found == [[cell.strip(" \t") for cell in row] for row in rows]
    assert lines == sorted(set(lines))


@given(st.lists(st.lists(st.sampled_from(["1", "x y", ""]), min_size=3, max_size=3), min_size=1))
def test_quotes_only_where_needed_or_everywhere_is_the_same(rows: Rows) -> None:
    texts = []
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        stream = io.StringIO(newline="")
        csv.writer(stream, quoting=quoting).writerows([["a", "b", "c"], *rows])
        texts.append(stream.getvalue())
    assert read(texts[0]) == read(texts[1])


def test_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "penguins.csv").write_text("a\n1\n")
    problem = failure(tmp_path / "penguin.csv").problem
    assert problem.message == "there is no such file"
    assert problem.hint == "did you mean `penguins.csv`?"
    assert "penguins.csv" in failure(tmp_path / "zzz").problem.hint
    assert "no folder" in failure(tmp_path / "nowhere" / "a.csv").problem.hint


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n")
    problem = failure(tmp_path).problem
    assert "folder" in problem.message
    assert "`a.csv`" in problem.hint


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_empty_file(tmp_path: Path, content: str) -> None:
    assert wrong(tmp_path, content)[0] == "the file is empty"


def test_header_alone(tmp_path: Path) -> None:
    assert wrong(tmp_path, "a,b\n\n")[:2] == ("there are no rows below the header", 1)


@pytest.mark.parametrize("before", [1, 2000])
def test_not_utf8(tmp_path: Path, before: int) -> None:
    good = "name,x\n" + "Zoë,1\n" * (before - 1)
    message, line, hint = wrong(tmp_path, good.encode() + "Zoë,2\n".encode("latin1"))
    assert (message, line) == ("this line is not UTF-8", before + 1)
    assert "iconv" in hint


def test_a_stream_that_let_other_bytes_through() -> None:
    for quote in ("", '"'):
        content = f"name,x\nZoe,1\n{quote}Zoë{quote},2\n".encode("latin1")
        stream = io.StringIO(content.decode("utf-8", "surrogateescape"))
        with pytest.raises(DataError, match="not UTF-8") as caught:
            list(Csv().read(stream))
        assert caught.value.problem.line == 3


def test_nul_bytes(tmp_path: Path) -> None:
    message, line, _ = wrong(tmp_path, "a,b\n1,2\n3,\0\n")
    assert ("NUL" in message, line) == (True, 3)


def test_header_with_a_name_twice_or_without_name(tmp_path: Path) -> None:
    message, line, hint = wrong(tmp_path, "a,b,a\n1,2,3\n")
    assert (message, line) == ("the header names a column twice: `a`", 1)
    assert "names are missing" in hint
    message, line, hint = wrong(tmp_path, "\n,b\n1,2\n")
    assert (message, line) == ("column 1 has no name", 2)
    assert "index=False" in hint


@pytest.mark.parametrize("first", ["1,2", '"1",2', '"1\n1",2'])
@pytest.mark.parametrize("bad", ["3", "3,4,5", '"3"'])
def test_rows_of_another_length(tmp_path: Path, first: str, bad: str) -> None:
    message, line, hint = wrong(tmp_path, f"a,b\n{first}\n\n{bad}\n5,6\n")
    assert message == f"expected 2 cells, found {len(bad.split(','))}"
    assert line == 4 + first.count("\n")
    assert "quotes" in hint


def test_all_rows_longer_than_the_header(tmp_path: Path) -> None:
    assert wrong(tmp_path, "a,b\n1,2,3\n4,5,6\n")[:2] == ("expected 2 cells, found 3", 2)


def test_cells_too_long(tmp_path: Path) -> None:
    message, line, _ = wrong(tmp_path, f"a,b\n1,2\n{'x' * 200_000},3\n")
    assert (message, line) == ("a cell is longer than 131,072 characters", 3)


@pytest.mark.parametrize("rest", ["5,6\n", "5,6\n" * 50_000, '5,"6"\n'])
def test_a_quote_that_is_not_closed(tmp_path: Path, rest: str) -> None:
    message, line, hint = wrong(tmp_path, f'a,b\n1,"x"\n3,"4\n{rest}')
    assert message.startswith("a quote that opens in this row is not closed")
    assert line == 3
    assert "doubled" in hint


def test_quotes_that_do_not_match(tmp_path: Path) -> None:
    assert wrong(tmp_path, 'a,b\n"5" disk,1\n')[:2] == ("the quotes in this row do not match", 2)


@pytest.mark.parametrize("sign, shown", [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_probably_another_delimiter(tmp_path: Path, sign: str, shown: str) -> None:
    message, line, hint = wrong(tmp_path, f"a{sign}b\n1{sign}2\n")
    assert "is the delimiter another?" in message
    assert line == 1
    assert hint == f'data.format: {{type: csv, delimiter: "{shown}"}}'


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_impossible_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    assert "can not be the delimiter" in failure(path, delimiter=delimiter).problem.message


def test_messages_are_free_of_control_characters_and_short(tmp_path: Path) -> None:
    message, _, _ = wrong(tmp_path, f"\x1b[31m{'x' * 100},\x1b[31m{'x' * 100}\n1,2\n")
    assert "\x1b" not in message
    assert len(message) < 100


def test_sha256_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert sha256(path).startswith("ba7816bf8f01cfea")


def test_join_keeps_order(tmp_path: Path) -> None:
    tables = list(Csv().read(io.StringIO("a\n" + "\n".join(map(str, range(10)))), 3))
    assert [len(table) for table in tables] == [3, 3, 3, 1]
    assert join(tables).columns["a"].astype(np.int64).tolist() == list(range(10))
    assert tables == []
