"""Free text: cut into tokens, numbered by training rows, read by a network that begins with an
embedding; and what is told where that can not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.data.columns import parse
from nntrain.data.learning import learn
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.settings import Data, FreeText, Preprocessing, Window
from nntrain.data.texts import Texts, tokens_of
from nntrain.errors import DataError, MachineError
from tests.cases import over
from tests.conftest import Command
from tests.test_data_columns import columns_of, table_of


def feature(cells: list[str], **how: Any) -> Texts:
    table = table_of(t=cells, other=["1"] * len(cells))
    return Texts.learn(table, "t", (), FreeText(**how))


def test_words_in_small_letters_and_signs() -> None:
    text = "Don't – it’s Well-made, GRÖSSE 3!"
    assert tokens_of(text, "words") == [
        "don't", "–", "it’s", "well-made", ",", "grösse", "3", "!",
    ]  # fmt: skip
    assert tokens_of("Ab !", "characters") == ["A", "b", " ", "!"]


def test_the_vocabulary_is_of_training_rows_most_frequent_first() -> None:
    found = feature(["b a b", "a b c", "d"])
    assert found.vocabulary == ("b", "a")  # c and d are there once: they teach the unknown one
    table = table_of(t=["c a", "", "b b a nothing"], o=["1"] * 3)
    assert found.read(table).tolist() == [[0, 2, 0], [0, 0, 0], [1, 1, 2]]
    assert found.lengths(table).tolist() == [2, 1, 3]
    assert found.read(table).dtype == np.float32
    assert feature(["b a b", "a b c", "d"], vocabulary=1).vocabulary == ("b",)


def test_what_is_longer_is_cut_off_and_said_so() -> None:
    found = feature(["a b a b a b", "a b"], length=4)
    assert (found.longest, found.cut) == (4, 1)
    assert "1 row longer, cut off" in found.note
    table = table_of(t=["b " * 9])
    assert found.read(table).shape == (1, 4)
    assert found.lengths(table).tolist() == [4]


def test_unknown_and_missing_ones_are_reported() -> None:
    found, report = feature(["a b a b"], unit="characters"), Report()
    found.read(table_of(t=["abz", "", "NA"], o=["1"] * 3), ("NA",), report)
    assert report.lines() == [
        "`t`: 1 token that the vocabulary lacks (`z`)", "`t`: 2 missing cells filled in",
    ]  # fmt: skip


def test_nothing_to_learn() -> None:
    with pytest.raises(DataError, match="`t`: no training row has one of the words twice"):
        feature(["a", "b", "c"])


def test_texts_are_the_only_input() -> None:
    data = Data(path="", target="y", columns={"t": "text"})
    cells = {"t": ["a b", "b a"], "y": ["1", "2"], "n": ["1", "3"]}
    with pytest.raises(DataError, match=r"`t` is a text, which is the only input.*`n`") as caught:
        parse(table_of(**cells), data)
    assert "include: [t]" in caught.value.problem.hint
    with pytest.raises(DataError, match="windows are cut from rows of single values"):
        parse(table_of(t=cells["t"], y=cells["y"]),
              Data(path="", target="y", columns={"t": "text"}, window=Window(1)))  # fmt: skip


def test_free_text_is_left_out_with_a_way_on(nntrain: Command, tmp_path: Path) -> None:
    cells = [f"this is review number {i}" for i in range(60)]
    found = columns_of({"t": cells})["t"]
    assert (found.kind, found.shown_kind) == ("ignore", "text")
    assert found.note.startswith("looks like free text: 60 different values")
    rows = [f"{cell},{i % 7},{i % 2}" for i, cell in enumerate(cells)]
    (tmp_path / "t.csv").write_text("\n".join(["t,n,y", *rows]) + "\n")
    (tmp_path / "t.yaml").write_text("""\
data: {path: t.csv, target: y}
model: {layers: [{type: dense, units: auto}]}
loss: binary_cross_entropy
""")
    told = nntrain("check", "t.yaml").err
    assert "note: `t` looks like free text and is left out: `data.columns: {t: text}`" in told


def test_a_round_trip_and_chunks_to_the_bit() -> None:
    table = table_of(t=["a b", "", "c", "a c a", "z a"], y=["1", "2", "3", "4", "5"])
    data = Data(path="", target="y", columns={"t": "text"},
                preprocessing=Preprocessing(text=FreeText(length=3)))  # fmt: skip
    parsed, columns = parse(table, data)
    found = learn(parsed, columns, np.arange(4), data, "numbers")
    again = Preprocessor.from_plain(found.to_plain())
    assert again == found
    assert found.shape == (3,)
    assert found.vocabulary == 3
    x, n = again.features(table), again.lengths(table)
    assert n is not None
    for row in range(5):
        one = table.take(slice(row, row + 1))
        assert found.features(one)[0].tolist() == x[row, : n[row]].tolist()


@pytest.mark.parametrize("change", [{"vocabulary": ["a", "a"]}, {"longest": 0}, {"unit": "x"}])
def test_damage(change: dict[str, Any]) -> None:
    data = Data(path="", target="y", columns={"t": "text"})
    parsed, columns = parse(table_of(t=["a a", "b b"], y=["1", "2"]), data)
    plain = learn(parsed, columns, np.arange(2), data, "numbers").to_plain()
    plain["features"][0] |= change
    with pytest.raises(MachineError, match="damaged preprocessing"):
        Preprocessor.from_plain(plain)


CONFIG = """\
data: {path: reviews.csv, target: mood, columns: {review: text}, features: {include: [review]}}
model:
  layers:
    - {type: embedding, input_dim: auto, output_dim: 8}
    - {type: global_average_pool1d}
    - {type: dense, units: auto}
loss: binary_cross_entropy
optimizer: {type: adam, learning_rate: 0.05}
trainer: {max_epochs: 30, batch_size: 16}
"""
GOOD, BAD = ["good", "lovely", "fine"], ["bad", "awful", "dull"]


def write(folder: Path, config: str = CONFIG) -> None:
    rng = np.random.default_rng(8)
    lines = ["review,stars,mood"]
    for _ in range(160):
        good = rng.random() < 0.5
        words = ["the", "film", "was", "so", "and", "we", "saw", *(GOOD if good else BAD)]
        text = " ".join(rng.permutation(words)[: rng.integers(5, 11)])
        if any(word in text for word in GOOD + BAD):
            lines.append(f"{text}.,{rng.integers(9)},{'good' if good else 'bad'}")
    (folder / "reviews.csv").write_text("\n".join(lines) + "\n")
    (folder / "reviews.yaml").write_text(config)


@over("unit", ["words", "characters"])
def test_a_network_reads_texts(unit: str, nntrain: Command, tmp_path: Path) -> None:
    config = CONFIG
    if unit == "characters":
        config = config.replace(
            "features:", "preprocessing: {text: {unit: characters}}, features:"
        ).replace(
            "    - {type: global_average_pool1d}\n",
            "    - {type: conv1d, filters: 12, kernel_size: 4, activation: relu, padding: same}\n"
            "    - {type: global_max_pool1d}\n",
        )
    write(tmp_path, config)
    done = nntrain("fit", "reviews.yaml", "-o", "run")
    assert done.code == 0, done.err
    gate = nntrain("eval", "run", "--fail-under", "accuracy=0.9")
    assert gate.code == 0, gate.out
    (tmp_path / "new.csv").write_text('review\nLovely film and fine!\n"awful, DULL we saw it"\n')
    said = nntrain("predict", "run", "new.csv")
    assert [line.split(",")[1] for line in said.out.splitlines()[1:]] == ["good", "bad"]
    if unit == "words":
        assert "`review`: 3 tokens that the vocabulary lacks (`!`, `,`, `it`)" in said.err


@pytest.mark.parametrize(
    "old, new, told",
    [
        ("{type: embedding, input_dim: auto, output_dim: 8}", "{type: dense, units: 8}",
         "expected an embedding first"),
        ("global_average_pool1d", "flatten", "texts differ in length"),
        ("input_dim: auto", "input_dim: 3", "write `input_dim: auto`"),
    ],
)  # fmt: skip
def test_networks_that_do_not_fit(
    old: str, new: str, told: str, nntrain: Command, tmp_path: Path
) -> None:
    write(tmp_path, CONFIG.replace(old, new))
    done = nntrain("check", "reviews.yaml")
    assert done.code == 2, done.err
    assert told in done.err
    assert "reviews.yaml:" in done.err


def test_without_a_target_there_is_nothing_to_learn_of_tokens(
    nntrain: Command, tmp_path: Path
) -> None:
    config = CONFIG.replace("target: mood, ", "").replace("binary_cross_entropy",
                                                          "mean_squared_error")  # fmt: skip
    write(tmp_path, config)
    done = nntrain("check", "reviews.yaml")
    assert done.code == 3, done.err
    assert "a network can not learn texts as its own output" in done.err


def test_a_text_that_is_left_out_asks_for_nothing(nntrain: Command, tmp_path: Path) -> None:
    layers = "model: {layers: [{type: dense, units: auto}]}\nloss: binary_cross_entropy\n"
    for how in ("include: [stars]", "exclude: [review]"):
        keys = f"path: reviews.csv, target: mood, columns: {{review: text}}, features: {{{how}}}"
        write(tmp_path, f"data: {{{keys}}}\n{layers}")
        done = nntrain("check", "reviews.yaml")
        assert done.code == 0, done.err


def test_every_phase_with_texts(nntrain: Command, tmp_path: Path) -> None:
    write(tmp_path)
    assert nntrain("fit", "reviews.yaml", "--smoke").code == 0
    checked = nntrain("check", "reviews.yaml", "--gradients")
    assert checked.code == 0, checked.out
    assert "layers.0.E" in checked.out
