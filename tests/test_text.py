"""A text: cut into tokens, learned step by step, scored in one go, and gone on with."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.settings import Data, Split, Window
from nntrain.data.table import join
from nntrain.data.text import Text
from nntrain.data.tokens import NOWHERE, UNKNOWN, Tokens
from nntrain.run.model import read_model
from nntrain.training.evaluate import evaluate
from tests.conftest import Command

POEM = "the cat sat on the mat, the rat sat on the cat.\n" * 40
CONFIG = """\
data:
  path: poem.txt
  split: {validation: 0.1, test: 0.1}
  window: {length: 16, stride: 16}
model:
  layers:
    - {type: embedding, input_dim: auto, output_dim: 8}
    - {type: lstm, units: 24, return_sequences: true}
    - {type: dense, units: auto}
loss: cross_entropy
metrics: [bits_per_character]
optimizer: {type: adam, learning_rate: 0.02}
trainer: {max_epochs: 12, batch_size: 8}
"""


def load(text: str, tmp_path: Path, **settings: object) -> Dataset:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return Dataset.load(Data("a.txt", **settings), path, "classes", 0)  # type: ignore[arg-type]


@given(st.text(st.characters(exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
                             exclude_categories=["Cs"]), min_size=1))  # fmt: skip
@pytest.mark.parametrize("unit", ["characters", "words"])
def test_tokens_joined_are_the_text(unit: str, text: str) -> None:
    source = Text(unit)  # type: ignore[arg-type]
    table = join(list(source.read(io.StringIO(text), rows_at_a_time=7)))
    assert "".join(table.columns["text"].tolist()) == text.removeprefix("\ufeff")


def test_words_carry_the_blank_before_them() -> None:
    cut = Text("words").cut("He said: don't  go.\n")
    assert cut == ["He", " said", ":", " don't", " ", " go", ".", "\n"]


def test_every_token_is_foretold_once_in_order(tmp_path: Path) -> None:
    data = load(POEM, tmp_path, window=Window(16, stride=5), split=Split(0.1, 0.1))
    tokens = data.preprocessor.tokens
    assert tokens is not None
    numbers = tokens.numbers(list(POEM))
    n = len(POEM)
    sizes = {name: round(0.1 * n) for name in ("validation", "test")}
    at = n - sum(sizes.values())
    for name, size in sizes.items():
        part = data.parts[name]
        assert part.in_order
        wanted = numbers[at : at + size]
        seen = part.target[part.target != NOWHERE]
        assert np.array_equal(seen, wanted)
        shown = part.x[part.target != NOWHERE]
        assert np.array_equal(shown, numbers[at - 1 : at + size - 1]), "the token before each"
        at += size
    train = data.parts["train"]
    assert not train.in_order
    assert train.rows.tolist() == list(range(1, n - sum(sizes.values()) - 16 + 1, 5))
    assert np.array_equal(train.x[3], numbers[15:31])
    assert np.array_equal(train.target[3], numbers[16:32])


def test_the_vocabulary_is_of_training_text_alone(tmp_path: Path) -> None:
    data = load(POEM + "ZZ", tmp_path, split=Split(0.1, 0.1))
    tokens = data.preprocessor.tokens
    assert tokens is not None
    assert "Z" not in tokens.vocabulary
    assert data.parts["test"].target[data.parts["test"].target != NOWHERE][-1] == UNKNOWN
    assert any("the vocabulary lacks (`Z`)" in note for note in data.notes)
    again = Preprocessor.from_plain(json.loads(json.dumps(data.preprocessor.to_plain())))
    assert again == data.preprocessor


def test_the_most_frequent_tokens_are_told_apart() -> None:
    table = join(list(Text("words").read(io.StringIO("a b a c a b"))))
    tokens = Tokens.learn(table, "text", 2)
    assert tokens.vocabulary == (" a", " b")
    assert tokens.encode(table).tolist() == [0, 2, 1, 0, 1, 2]


def test_a_text_is_learned_scored_and_gone_on_with(nntrain: Command) -> None:
    Path("poem.txt").write_text(POEM)
    Path("poem.yaml").write_text(CONFIG)
    told = nntrain("fit", "poem.yaml", "--json")
    assert told.code == 0, told.err
    scores = json.loads(told.out)["metrics"]
    assert scores["test_bits_per_character"] < 0.5
    measured = json.loads(nntrain("eval", "--json").out)
    assert measured["metrics"]["bits_per_character"] == scores["test_bits_per_character"]

    words = ("predict", "--generate", 60, "--prompt", "the cat")
    assert nntrain(*words).out == nntrain(*words).out
    assert nntrain(*words).out != nntrain(*words, "--seed", 1, "--temperature", 3).out
    likeliest = nntrain(*words, "--temperature", 0).out
    assert likeliest.startswith("the cat")
    assert len(likeliest) == len("the cat") + 60 + 1
    assert likeliest[:18] in POEM
    assert nntrain("predict", "--generate", 5).code == 0


def test_the_state_is_carried_from_window_to_window(nntrain: Command) -> None:
    """Scored in windows of 16 or all at once, a text has the same score."""
    Path("poem.txt").write_text(POEM)
    Path("poem.yaml").write_text(CONFIG)
    nntrain("fit", "poem.yaml", "-q", "--set", "trainer.max_epochs=2")
    model = read_model(Path("runs/poem/001/model.safetensors"))
    settings = model.experiment.data
    whole = Dataset.load(settings, "poem.txt", "classes", 0, model.preprocessor).parts["test"]
    tokens = model.preprocessor.tokens
    assert tokens is not None
    x, y = whole.x[whole.target != NOWHERE], whole.target[whole.target != NOWHERE]
    logits = model.network(x[None])[0][0].astype(np.float64)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    by_hand = -logits[np.arange(len(y)), y].mean()
    scores = evaluate(model, whole)
    assert scores["loss"] == pytest.approx(by_hand, rel=1e-5)
    assert scores["bits_per_character"] == pytest.approx(by_hand / np.log(2), rel=1e-5)


def test_mistakes_are_told(nntrain: Command) -> None:
    Path("poem.txt").write_text(POEM)
    Path("poem.yaml").write_text(CONFIG.replace(", return_sequences: true", ""))
    told = nntrain("fit", "poem.yaml")
    assert told.code == 2
    assert "every step needs one: `return_sequences: true`" in told.err
    Path("poem.yaml").write_text(CONFIG.replace("max_epochs: 12", "max_epochs: 1"))
    assert nntrain("fit", "poem.yaml", "-q").code == 0
    for words, hint in (
        (["poem.txt"], "--generate"),
        (["--generate", "3", "a", "b"], "--generate"),
        (["--prompt", "x"], "--generate"),
        ([], "INPUT"),
    ):
        told = nntrain("predict", *words)
        assert told.code == 2, words
        assert hint in told.err
    for content, words_of in (("", "empty"), ("a" * 500, "nothing to learn")):
        Path("poem.txt").write_text(content)
        told = nntrain("fit", "poem.yaml")
        assert told.code == 3
        assert words_of in told.err


def test_first_weights_that_overflow_are_no_matter_for_check(nntrain: Command) -> None:
    """Three hundred layers whose numbers double each time; found by fuzzing."""
    layers = "".join("    - {type: dense, units: 9}\n" for _ in range(300))
    Path("deep.yaml").write_text(
        "data: {path: text.txt, window: {length: 8}}\nmodel:\n  layers:\n"
        "    - {type: embedding, input_dim: auto, output_dim: 9}\n"
        f"{layers}    - {{type: dense, units: auto}}\nloss: cross_entropy\n"
    )
    Path("text.txt").write_text("abcabdabe\n" * 60)
    assert nntrain("check", "deep.yaml", "-q").code == 0


def test_odd_prompts_and_temperatures(nntrain: Command) -> None:
    Path("poem.txt").write_text(POEM)
    Path("poem.yaml").write_text(CONFIG.replace("max_epochs: 12", "max_epochs: 1"))
    assert nntrain("fit", "poem.yaml", "-q").code == 0
    go_on = ("predict", "--generate", 5)
    told = nntrain(*go_on, "--prompt", "Ω the\tcat")
    assert told.code == 0
    assert told.err == "note: the training text has none of `⇥`, `Ω` of the prompt\n"
    assert nntrain(*go_on, "--prompt", "Ω", "-q").err == ""
    ends = [nntrain(*go_on, "--prompt", f"the{end}cat").out[-6:] for end in ("\n", "\r\n")]
    assert ends[0] == ends[1]  # as the training text is read
    for words, hint in (
        (["--temperature", "nan"], "--temperature"),
        (["--prompt", "\udcff"], "--prompt: this is not UTF-8 text"),
        (["--format", "jsonl"], "--format"),
    ):
        told = nntrain(*go_on, *words)
        assert told.code == 2, words
        assert hint in told.err
    cold = nntrain(*go_on, "--temperature", "1e-320")  # a warning would be an error here
    assert cold.out == nntrain(*go_on, "--temperature", "0").out


def test_blanks_among_tokens_are_seen() -> None:
    found = Tokens("text", (" ", "\n", "a"))
    assert found.note == "3 different: `␣`, `↵`, `a`"
