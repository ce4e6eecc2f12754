"""What people see: plain lines in a pipe, a live table in a terminal, and nothing that breaks."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest

from nntrain.data.columns import Column
from nntrain.display import plain, text
from nntrain.display.board import Board
from nntrain.display.epochs import Epochs
from nntrain.display.live import LiveView
from nntrain.display.printer import Printer
from nntrain.display.view import view
from nntrain.events import Began, Ended, EpochEnded, Event, Saved, Stepped
from nntrain.store import LayerRow

ESCAPE = "\x1b"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def epoch(number: int, loss: float, *, best: bool = False) -> EpochEnded:
    row = {
        "epoch": number,
        "step": number * 9,
        "learning_rate": 0.003,
        "train_loss": loss,
        "validation_loss": loss * 1.1,
        "validation_accuracy": 0.9,
    }
    return EpochEnded(row, best, "validation_loss", 0.25, 12_345.0)


EVENTS: list[Event] = [
    Began(
        folder=Path("runs/a/001"),
        layers=(LayerRow("layers.0", "dense", (3,), 12),),
        inputs=(3,),
        rows={"train": 1000, "validation": 100},
        columns=(
            "epoch", "step", "learning_rate", "train_loss", "validation_loss",
            "validation_accuracy",
        ),
        history=(),
        best_epoch=0,
        max_epochs=4,
        step=0,
    ),
    Stepped(1, 3, 9, 0.9, 5000.0),
    epoch(1, 0.8, best=True),
    Saved(Path("runs/a/001/checkpoint.safetensors"), 1, 9),
    epoch(2, 0.5, best=True),
    epoch(3, 0.7),
    Ended({"status": "completed", "epochs": 3, "best_epoch": 2, "seconds": 1.0, "metrics": {}}),
]  # fmt: skip


def shown(stream: io.StringIO) -> tuple[str, list[str]]:
    logged: list[str] = []
    with view(Printer(stream), logged.append) as see:
        for event in EVENTS:
            see(event)
    return stream.getvalue(), logged


@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_terminal_that_can_only_append_gets_lines(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", kind)
    text, _ = shown(Terminal())
    assert "new best: epoch 2, validation_loss 0.5500" in text
    assert "\x1b" not in text


@pytest.fixture
def size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setenv("TERM", "xterm")


def test_a_pipe_gets_lines_without_escapes_even_when_color_is_forced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    seen, logged = shown(io.StringIO())
    assert ESCAPE not in seen
    lines = seen.splitlines()
    assert "new best: epoch 2, validation_loss 0.5500" in lines
    assert any(line.startswith("saved checkpoint at step 9: ") for line in lines)
    assert logged[: len(lines)] == lines


@pytest.mark.usefixtures("size")
def test_a_terminal_gets_a_table_with_the_best_row_and_the_checkpoint_marked() -> None:
    seen, logged = shown(Terminal())
    assert ESCAPE in seen
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen).splitlines()
    last = max(i for i, line in enumerate(lines) if line.startswith("epoch"))
    final = lines[last : last + 4]
    assert [line.split()[0] for line in final] == ["epoch", "1", "2", "3"]
    assert final[1].rstrip().endswith("▪ saved")
    assert final[2].rstrip().endswith("★ best")
    assert "12.3k" in final[3]
    assert any("new best" in line for line in logged)


@pytest.mark.usefixtures("size")
def test_the_cursor_is_shown_again_when_a_training_breaks() -> None:
    stream = Terminal()
    with pytest.raises(ZeroDivisionError), LiveView(stream) as live:
        live.see(EVENTS[0])
        raise ZeroDivisionError
    assert stream.getvalue().rindex(f"{ESCAPE}[?25h") > stream.getvalue().rindex(f"{ESCAPE}[?25l")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_never_wraps(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("LINES", "30")
    stream = Terminal()
    shown(stream)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("epoch")) :]
    assert max(len(line.rstrip()) for line in table) <= width


def test_an_ascii_terminal_gets_ascii_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    seen, _ = shown(stream)
    assert "* best" in seen
    assert "★" not in seen


def test_a_broken_stream_falls_silent() -> None:
    stream = io.StringIO()
    stream.close()
    say = Printer(stream)
    say("one")
    assert say.silent


@pytest.mark.parametrize(
    ("value", "seen"),
    [(0.5, "0.5000"), (0.0, "0.0000"), (1e-5, "1.000e-05"), (123456.0, "1.235e+05"),
     (float("nan"), "nan"), (None, "nan"), (float("-inf"), "-inf"), (-12.34567, "-12.3457")],
)  # fmt: skip
def test_numbers(value: float | None, seen: str) -> None:
    assert text.number(value) == seen


@pytest.mark.parametrize(
    ("seconds", "seen"),
    [(0.05, "0.05 s"), (12.4, "12 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"),
     (7500, "2 h 5 min")],
)  # fmt: skip
def test_durations(seconds: float, seen: str) -> None:
    assert text.duration(seconds) == seen


def test_speeds() -> None:
    assert [text.speed(v) for v in (7.4, 999, 12_345, 1_240_000)] == ["7", "999", "12.3k", "1.24M"]


def test_names_from_files_can_not_move_the_cursor() -> None:
    evil = Column(f"a{ESCAPE}[2J\u202eb", "numeric", 0, "x" * 99)
    line = plain.columns([evil], [])[1]
    assert ESCAPE not in line
    assert "\u202e" not in line
    assert len(line) < 120


def test_long_lists_of_columns_are_cut() -> None:
    many = [Column(f"c{i}", "numeric", 0) for i in range(40)]
    many.append(Column("y", "target", 0))
    short = plain.columns(many, [])
    assert short[1].startswith("y ")
    assert "… and 26 numeric (all of them with -v)" in short
    assert len(plain.columns(many, [], every=True)) == 1 + 41 + 1


def test_a_confusion_matrix() -> None:

    lines = plain.confusion(["cat", "dog"], np.array([[3, 1], [0, 12]]))
    assert lines == ["true \\ predicted  cat  dog", "cat                 3    1",
                     "dog                 0   12"]  # fmt: skip


@pytest.mark.parametrize(
    ("width", "scores", "missing"),
    [(80, ["accuracy"], []), (80, ["mae", "rmse", "r2"], ["rmse", "r2"]), (120, ["mae", "r2"], [])],
)
def test_speed_and_time_stay_in_a_narrow_terminal(
    width: int, scores: list[str], missing: list[str]
) -> None:
    second = "train_loss_evaluated"
    validated = [f"validation_{name}" for name in scores]
    columns = ("train_loss", second, "validation_loss", *validated)
    names, widths, _ = Epochs(Board(columns=columns)).fitting(width)
    assert names[-3:] == ["learning_rate", "samples/s", "time"]
    lost = [c for c in columns if c not in names and c != second]
    assert lost == [f"validation_{name}" for name in missing]
    assert (second in names) == (width == 120)
    assert sum(widths) + 2 * len(widths) <= width
