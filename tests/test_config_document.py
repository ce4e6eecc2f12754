"""YAML text becomes a tree: values as YAML 1.2 has them, at their places, within bounds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from nntrain.config import document
from nntrain.config.document import parse_document, read_text
from nntrain.config.tree import MappingNode, Node, ScalarNode, find, place_of, plain
from nntrain.errors import ConfigError, Problem

SCALARS = {
    "1e-3": 1e-3, "1E5": 1e5, "1e4": 1e4, "1.5e3": 1.5e3, "5.e-4": 5e-4, ".5": 0.5, "5.": 5.0,
    "-.5": -0.5, "+1.5": 1.5, "0.1": 0.1, "6.02e+23": 6.02e23,
    ".inf": math.inf, "-.inf": -math.inf, "+.INF": math.inf,
    "0": 0, "-0": 0, "12": 12, "-3": -3, "+3": 3, "0x1F": 31, "0o17": 15,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "null": None, "Null": None, "NULL": None, "~": None, "": None,
}  # fmt: skip
TEXTS = [
    "no", "No", "NO", "yes", "on", "off", "y", "n", "None", "nan", "inf", "tRue",
    "12:30:45", "2026-01-01", "017", "-017", "00", "1_000", "1e", "e5", ".", "-", "+", "1.2.3",
    "0x", "0xG", "0o8", "1,5", "20%", "a b", "9" * 4001,
]  # fmt: skip


@pytest.fixture(params=["C", "Python"])
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)


def read(text: str) -> Node:
    found = parse_document(text, "c.yaml")
    assert not found.problems
    return found.root


def problems(text: str) -> list[Problem]:
    try:
        return parse_document(text, "c.yaml").problems
    except ConfigError as error:
        return error.problems


@pytest.mark.parametrize("text", SCALARS)
def test_scalars(text: str) -> None:
    value = plain(read(f"a: {text}"))["a"]
    assert value == SCALARS[text]
    assert type(value) is type(SCALARS[text])


def test_nan() -> None:
    assert all(math.isnan(plain(read(f"a: {text}"))["a"]) for text in (".nan", ".NaN", ".NAN"))


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text: str) -> None:
    assert plain(read(f"a: {text}" if text != "-" else "a: '-'"))["a"] == text


@pytest.mark.parametrize("text", ['"1"', "'1'", '"true"', '""', "|\n  1", ">-\n  1"])
def test_quoted_values_are_text(text: str) -> None:
    node = find(read(f"a: {text}"), ("a",))
    assert isinstance(node, ScalarNode)
    assert isinstance(node.value, str)
    assert node.quoted


@pytest.mark.usefixtures("_both_parsers")
def test_places() -> None:
    root = read('# comment\na: 1\n"b":\n  - {c: é, d: [x, 2]}\n  -\n    e: 3\n')
    places = {
        ("a",): (2, 4), ("b",): (3, 1), ("b", 0): (4, 5), ("b", 0, "c"): (4, 9),
        ("b", 0, "d"): (4, 15), ("b", 0, "d", 1): (4, 19), ("b", 1): (6, 5), ("b", 1, "e"): (6, 8),
        (): (2, 1), ("b", 7, "x"): (3, 1), ("z",): (2, 1),
    }  # fmt: skip
    for path, (line, column) in places.items():
        place = place_of(root, path)
        assert (place.line, place.column) == (line, column), path
    assert place_of(root, ("b", 0, "d"), key=True).column == 12
    assert place_of(root, ("b", 0, "d")).source == "  - {c: é, d: [x, 2]}"


@pytest.mark.usefixtures("_both_parsers")
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings(ending: str) -> None:
    place = place_of(read(ending.join(["a: 1", "", "b: 2"])), ("b",))
    assert (place.line, place.column, place.source) == (3, 4, "b: 2")


@pytest.mark.usefixtures("_both_parsers")
def test_duplicate_keys_name_both_lines() -> None:
    (problem,) = problems("a: 1\nb: 2\na: 3\n")
    assert (problem.line, problem.column) == (3, 1)
    assert "line 1" in problem.message


@pytest.mark.usefixtures("_both_parsers")
@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("2020: a", 1, 1, "`2020` is not text"),
        ("{a: 1, true: b}", 1, 8, "`true` is not text"),
        ("null: a", 1, 1, "`null` is not text"),
        ("? [a]\n: b", 1, 3, "a key must be text"),
        ("a: &x {b: 1}\nc: {<<: *x}", 2, 5, "merging"),
        ("a: !!str 1", 1, 4, "tag"),
        ("a: !mine {}", 1, 4, "tag"),
        ("a: *x", 1, 4, "`*x`"),
        ("a: &x [*x]", 1, 8, "inside"),
        ("a: 1\n---\nb: 1", 2, 1, "second document"),
        ("a: 1\nb:\n\tc: 1", 3, 1, "tab"),
        ("a: @b", 1, 4, "can not begin with `@`"),
        ("a: b: c", 1, 5, "second `: `"),
        ("a: 'b", 1, 4, "never closed"),
        ("a: [1, 2\nb: 3", 1, 4, "no `]`"),
        ("a: {b: 1\nc: 2", 1, 4, "no `}`"),
        ("a: >= 3", 1, 4, "can not begin with `>`"),
        ("a: *.csv", 1, 4, "can not begin with `*`"),
        ("a: - b", 1, 4, "list item"),
        ("a: 1\n  b: 2", 2, 3, "indented more"),
        ("a:\n    b: 1\n  c: 2", 3, 3, "no line above begins"),
        ("a: 1\nb\nc: 2", 2, 1, "missing after this key"),
        ("a: 1\x07", 1, 5, "U+0007"),
        ("", 1, 1, "empty"),
        ("# only this", 1, 1, "empty"),
    ],
)
def test_mistakes(text: str, line: int, column: int, said: str) -> None:
    (problem,) = problems(text)
    assert said in problem.message
    assert (problem.line, problem.column) == (line, column)
    assert len(str(problem).splitlines()) <= 6


def test_several_mistakes_at_once() -> None:
    assert len(problems("a: 1\na: 2\n3: 4\nb: {c: 1, c: 2}\n")) == 3


def test_plain_aliases_are_read() -> None:
    assert plain(read("a: &x {b: [1]}\nc: *x\n")) == {"a": {"b": (1,)}, "c": {"b": (1,)}}


def test_alias_bomb() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40)]
    (problem,) = problems("\n".join(levels))
    assert "aliases" in problem.message


@pytest.mark.usefixtures("_both_parsers")
@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000,
        "a: " + "[" * 300 + "]" * 300,
        "{a: " * 300 + "1" + "}" * 300,
        "\n".join("  " * i + f"k{i}:" for i in range(300)),
        "\n".join(" " * i + f"k{i}:" for i in range(1200)),
        "- " * 3000 + "x",
        "\n".join(["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 300))]),
    ],
)
def test_too_deep(text: str) -> None:
    (problem,) = problems(text)
    assert "levels" in problem.message


def test_deep_enough() -> None:
    assert isinstance(read("{a: " * 99 + "1" + "}" * 99), MappingNode)


def test_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    place = place_of(read(read_text(tmp_path / "c.yaml")), ("a",))
    assert (place.line, place.column) == (1, 4)


@pytest.mark.parametrize(
    ("data", "line", "column", "found"),
    [
        (b"a: 1\nb: caf\xe9\n", 2, 7, "0xe9"),
        ("ü: 1".encode() + b"\r\n\xff", 2, 1, "0xff"),
        ("a: 1".encode("utf-16"), 1, 1, "UTF-16"),
    ],
)
def test_not_utf8(tmp_path: Path, data: bytes, line: int, column: int, found: str) -> None:
    (tmp_path / "c.yaml").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_text(tmp_path / "c.yaml")
    (problem,) = caught.value.problems
    assert found in problem.message
    assert (problem.line, problem.column) == (line, column)


def test_too_long(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"#" * (1 << 20) + b"\na: 1")
    with pytest.raises(ConfigError, match="1 MiB"):
        read_text(tmp_path / "c.yaml")


def test_nothing_from_the_file_can_steer_a_terminal() -> None:
    root = read('a: "x\\e[31m\\u202e"\nb: "' + "y" * 5000 + '"')
    shown = str(place_of(root, ("a",)).problem(("a",), "wrong"))
    assert shown.isprintable() or set(shown) - {"\n"} == {c for c in shown if c.isprintable()}
    assert len(str(place_of(root, ("b",)).problem(("b",), "wrong"))) < 300
