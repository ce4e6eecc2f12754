"""Whatever stands in data, configs and file names is text in a report, and nothing else."""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nntrain.data.columns import Column
from nntrain.events import LayerLook
from nntrain.layers import Flatten, Graph
from nntrain.layers.wiring import GraphNode
from nntrain.report.drawing import network
from nntrain.report.exhibits import Exhibit, Exhibits
from nntrain.report.filters import Filters
from nntrain.report.importance import Change, Importance
from nntrain.report.judged import Agreement, Answer, Certainty, Confusion, Judged, Mistake
from nntrain.report.markup import escape, tag
from nntrain.report.page import page
from nntrain.report.pictures import pictures
from nntrain.report.tables import Curves
from nntrain.report.told import Told
from nntrain.run.folder import RunFolder
from nntrain.run.recorded import Recorded
from nntrain.store import LayerRow
from tests.conftest import Command
from tests.pages import Page

HOSTILE = (
    "<script>alert(1)</script>", "</style><script>x</script>", "</title></pre></svg></td>",
    "\"><img src=x onerror=alert(1)>", "' onload='x", "]]>", "<!--", "--><b>", "<![CDATA[", "<?php",
    "&lt;b&gt;", "&amp;", "&#0;", "&", "a\0b", "\u202eabc", "שלום", "[bold]x[/bold]", "{{x}}",
    "javascript:alert(1)", "\x1b[31m", "a\rb", "\ud800", "\uffff", "\u2028", "</script",
    "<svg/onload=x>",
)  # fmt: skip
TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

hostile = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=30))


def shown(text: str) -> str:
    """What a reader sees: what is no letter is a dot."""
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if letter in "\t\n":
        return letter
    if letter == "\r":
        return " "
    odd = unicodedata.category(letter) in ("Cc", "Cs") or letter in TURNING + "\ufffe\uffff"
    return "·" if odd else letter


def told(words: list[str], folder: Path) -> Told:
    """A run in which every text that can come from outside is one of the words."""
    w = iter(words)
    facts: dict[str, Any] = {
        "created": next(w), "nntrain": next(w), "numpy": next(w),
        "data": {"path": next(w), "sha256": next(w)}, "machine": {next(w): next(w)},
    }  # fmt: skip
    metric, classes = next(w), (next(w), next(w))
    summary = {"status": next(w), "metrics": {f"test_{metric}": 0.5}, "best_epoch": 1, "epochs": 2}
    layer, kind, activation = next(w), next(w), next(w)
    answers = (Answer(classes[0], classes[0], 0.5, 0.25),)
    target, number, identity = next(w), next(w), next(w)
    return Told(
        next(w),
        Recorded(RunFolder(folder), facts, summary),
        next(w),
        Curves(("epoch", "validation_loss", f"validation_{metric}"), np.ones((2, 3))),
        [LayerLook(1, layer, kind, 1.0, 1.0, 1.0, 0.5)],
        None,
        [LayerRow(layer, kind, (2,), 3, activation)],
        (2,),
        [Column(next(w), "numeric", 1, next(w)), Column(next(w), "target", -1, next(w))],
        {"test": 2},
        Judged(
            "test",
            2,
            (Confusion(target, classes, np.eye(2, dtype=int)),),
            (Agreement(number, np.ones(2), np.zeros(2)),),
            (target, number),
            (identity,),
            (Mistake(1, (next(w),), answers, 0.7),),
            (Certainty(target, classes, np.array([[0.7, 0.3], [0.2, 0.8]]), np.arange(2), ONES),),
        ),
        [next(w)],
        importance=Importance(
            "test", 2, 2, 0.5, next(w), 0.5, (Change(next(w), ONES, ONES), Change("x", ONES, None))
        ),
        exhibits=Exhibits((Exhibit(Mistake(1, (), answers, 0.7), PIXELS, PIXELS[..., 0]),), ()),
        filters=Filters(layer, PIXELS[None], 1),
    )


ONES, PIXELS = np.ones(2), np.zeros((4, 5, 1), np.uint8)
COUNT = 27


def shape(found: Page) -> list[tuple[str, ...]]:
    """Without what the pointer shows of a name that was cut, which depends on its width."""
    return [element for element in found.shape if element not in {("title",), ("/title",)}]


lists = st.lists(hostile.map(lambda text: text[:30]), min_size=COUNT, max_size=COUNT)


def harmless(word: str) -> str:
    """As long, and nothing but letters; a `_` ends the name of a split."""
    return "".join(c if c in "._" or c.isspace() else "x" for c in word)


@given(lists)
@example([(HOSTILE * 2)[number] for number in range(COUNT)])
@example([(HOSTILE * 2)[number + 3] for number in range(COUNT)])
@example(["<script>"] * COUNT)
def test_hostile_words_make_no_markup_and_come_back(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = Page(page([told(words, folder)]))
    plain = Page(page([told([harmless(word) for word in words], folder)]))
    assert shape(found) == shape(plain)
    assert found.values == plain.values  # no attribute of a page holds anybody's words
    assert found.odd == []
    whole = "\n".join(found.texts)
    for number, word in enumerate(words):
        if number not in (0, 5):  # the time is cut, the machine's keys are not shown
            word = word.replace("_", " ") if number == 10 else word
            assert shown(word) in whole, number


@settings(max_examples=30)
@given(lists)
@example(["<script>"] * COUNT)
@example([(HOSTILE * 2)[number] for number in range(COUNT)])
def test_hostile_words_make_no_markup_in_pictures(
    tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    found = list(pictures([told(words, folder)]))
    plain = list(pictures([told([harmless(word) for word in words], folder)]))
    for one, other in zip(found, plain, strict=True):
        assert re.fullmatch(r"[a-z0-9-]+", one.name)
        ElementTree.fromstring(one.svg)  # noqa: S314  # as a reader of SVG would
        assert shape(Page(one.svg)) == shape(Page(other.svg))


def test_two_runs_side_by_side_are_no_less_careful(tmp_path: Path) -> None:
    runs = [told([(HOSTILE * 3)[number + at] for number in range(COUNT)], tmp_path / "a" / name)
            for at, name in enumerate(("<b>", "\"'>"))]  # fmt: skip
    plain = [
        told([harmless(word) for word in ["x"] * COUNT], tmp_path / "a" / name) for name in "xy"
    ]
    tags = set(Page(page(runs)).shape)
    assert tags <= set(Page(page(plain)).shape) | {("title",), ("/title",)}


@given(st.text(st.characters(exclude_categories=())))
def test_text_is_escaped_as_the_standard_library_does(text: str) -> None:
    assert escape(text) == html.escape(shown(text))
    escape(text).encode()
    (element,) = [Page(tag("p", text, title=text))]
    assert "".join(element.texts) == shown(text)
    assert element.values == [shown(text)]
    assert element.shape == [("p", "title"), ("/p",)]


@pytest.mark.parametrize("word", HOSTILE)
def test_nodes_of_a_graph_are_called_what_they_like(word: str) -> None:
    drawn = []
    for name in (f"a{word}", f"a{harmless(word)}"):
        nodes = {
            name: GraphNode(name * 2, layers=(Flatten(),)),
            "z": GraphNode((name, name * 2), "add"),
        }
        graph = Graph(nodes, "z", {name * 2: (name * 3,)})
        rows = [LayerRow("layers.0", name, (2,), 3, name)]
        drawn.append(Page(network([graph, Flatten()], rows, (2,))))
    assert shape(drawn[0]) == shape(drawn[1]) and drawn[0].values == drawn[1].values


def test_a_hostile_table_gives_a_page_of_text(tmp_path: Path, nntrain: Command) -> None:
    """Through all of it: file, config, classes, ids, model file, page."""
    bad, target, ids = '<script>alert("1")</script>', "</style><b>'", "[bold]<i>&amp;"
    classes = ("]]><img src=x onerror=y>", '" onclick="z', "<!-- \u202eabc")
    rng = np.random.default_rng(0)
    with (tmp_path / "rows & <i>.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([bad, "b", target, ids])
        for number in range(90):
            a, b = rng.normal(size=2).round(3)
            rows.writerow([a, b, classes[number % 3], f"<u>{number}</u>"])
    config = f"""\
name: mean
data: {{path: "rows & <i>.csv", target: "{target}", id: "{ids}"}}  # <script>1</script>
model:
  layers:
    - {{type: dense, units: 4, activation: relu}}
    - {{type: dense, units: auto}}
loss: cross_entropy
optimizer: adam
metrics: [accuracy, {{type: f1, positive: '{classes[0]}'}}]
trainer: {{max_epochs: 2, batch_size: 16}}
"""
    (tmp_path / "c.yaml").write_text(config, encoding="utf-8")
    ended = nntrain("fit", "c.yaml", "-o", "run <b>", "-q")
    assert ended.code == 0, ended.err
    text = (tmp_path / "run <b>" / "report.html").read_text(encoding="utf-8")
    found = Page(text)
    for word in (bad, target, ids, *classes):
        assert shown(word) in found.texts, word
    assert config in found.texts and "run <b>" in found.texts
    assert any(t.startswith("<u>") for t in found.texts)
    known = {"html", "head", "meta", "title", "style", "body", "article", "header", "section"}
    known |= {"h1", "h2", "h3", "p", "b", "div", "span", "ul", "li", "pre", "figure", "figcaption"}
    known |= {
        "svg",
        "g",
        "circle",
        "path",
        "rect",
        "line",
        "text",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    assert {element[0] for element in found.shape if element[0][0] != "/"} <= known
    assert not found.odd and "onerror" not in "".join(found.values)
