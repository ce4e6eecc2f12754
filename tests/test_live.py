"""The live view, drawn from a recorded run with a fixed clock, at the widths that terminals have.

`UPDATE_GOLDEN=1 pytest tests/test_live.py` writes `golden/live/` anew, for reading.
"""

from __future__ import annotations

import csv
import io
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nntrain.display import plain
from nntrain.display.curves import curve, scale, span
from nntrain.display.live import LiveView
from nntrain.display.text import clock, left
from nntrain.events import Began, Ended, EpochEnded, Event, Saved, Stepped, Warned, WentBack
from nntrain.store import LayerRow
from tests.conftest import CONFIG, ROOT, write_points
from tests.terminal import Terminal
from tests.test_cli import RUN

GOLDEN = Path(__file__).parent / "golden" / "live"
WIDTHS = (60, 80, 120, 200)
SUMMARY = {"status": "completed", "epochs": 48, "best_epoch": 15, "seconds": 1.0, "metrics": {}}
EPOCH = 4.0  # seconds


class Clock:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def rows() -> list[dict[str, float]]:
    with (GOLDEN / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def recorded(time: Clock, *, step: bool = True) -> Iterator[Event]:
    """A training of 48 epochs that learned its rows by heart after the fifteenth."""
    history = rows()
    yield Began(
        folder=Path("runs/over/001"),
        layers=(
            LayerRow("layers.0", "dense", (512,), 3584),
            LayerRow("layers.1", "dense", (2,), 2),
        ),
        inputs=(6,),
        rows={"train": 919, "validation": 197, "test": 197},
        columns=tuple(history[0]),
        history=(),
        best_epoch=0,
        max_epochs=48,
        step=0,
        stops_early=True,
    )
    lowest = float("inf")
    for row in history:
        time.now += EPOCH / 2
        epoch, rate = int(row["epoch"]), row["learning_rate"]
        if step:
            yield Stepped(epoch, 29, 58, row["train_loss"], 21_300.0, rate)
        time.now += EPOCH / 2
        best = row["validation_loss"] < lowest
        lowest = min(lowest, row["validation_loss"])
        since = 15 if epoch >= 20 else 0
        yield EpochEnded(row, best, "validation_loss", EPOCH, 21_300.0 + epoch, since)
        if epoch == 10:
            yield Saved(Path("runs/over/001/checkpoint.safetensors"), epoch, epoch * 58)
        if epoch == 30:
            yield Warned(
                "vanishing",
                "gradients vanish on their way back: layers.0 gets 1.2e-04 times the gradient that "
                "layers.1 gets, so the first layers hardly learn",
                "try `activation: relu`",
            )
    yield Ended(SUMMARY)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "40")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


def terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", str(width))
    return Terminal(width)


def matches(name: str, found: str) -> None:
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(found, encoding="utf-8")
    assert found == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_of_a_recorded_run(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(width, monkeypatch), Clock()
    seen = []
    with LiveView(stream, clock=time) as live:
        for event in recorded(time):
            live.see(event)
            if isinstance(event, Stepped) and event.epoch in (1, 2, 12, 40):
                seen.append(f"==== in epoch {event.epoch}\n{stream.text}")
    assert all(len(line.rstrip()) <= width for line in stream.lines)
    assert stream.shown
    matches(f"{width}.txt", "".join([*seen, f"==== at the end\n{stream.text}"]))


def test_lines_of_a_recorded_run() -> None:
    time = Clock()
    lines = [line for event in recorded(time) for line in plain.lines(event)]
    assert not any("\x1b" in line for line in lines)
    epochs = [line for line in lines if line.split()[:1] and line.split()[0].isdigit()]
    assert len(epochs) == 48
    assert len({len(line) for line in epochs}) == 1
    matches("pipe.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize(("before", "after"), [(120, 60), (80, 63), (60, 120), (200, 80)])
def test_a_new_width_leaves_nothing_behind(
    before: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, time = terminal(before, monkeypatch), Clock()
    straight, other = Terminal(after), Clock()
    with LiveView(stream, clock=time) as live:
        for event in recorded(time):
            live.see(event)
            if isinstance(event, Stepped) and event.epoch == 25:
                stream.resize(after)
                live.screen.console.width = after
    monkeypatch.setenv("COLUMNS", str(after))
    with LiveView(straight, clock=other) as live:
        for event in recorded(other):
            live.see(event)
    below = straight.text.index("epoch")
    assert stream.text.endswith(straight.text[straight.text.rindex("\n", 0, below) :])
    assert stream.shown


def test_what_was_there_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(80, monkeypatch), Clock()
    stream.write("$ ls\r\nconfig.yaml\r\n$ nntrain fit config.yaml\r\n")
    with LiveView(stream, clock=time) as live:
        for event in recorded(time):
            live.see(event)
            assert stream.text.startswith("$ ls\nconfig.yaml\n$ nntrain fit config.yaml\nlayer ")
    stream.write("$ ")
    assert stream.lines[-1] == "$ "


def test_each_picture_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(80, monkeypatch), Clock()
    writes: list[str] = []
    keep = stream.write

    def write(text: str) -> int:
        writes.append(text)
        return keep(text)

    with LiveView(stream, clock=time) as live:
        events = recorded(time)
        live.see(next(events))
        monkeypatch.setattr(stream, "write", write)
        live.see(next(events))
    assert writes[0].startswith("\x1b[?25l\x1b[?2026h")
    assert writes[0].endswith("\x1b[?2026l")
    assert "\x1b[2J" not in writes[0]


def test_pictures_are_drawn_when_they_are_due(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(80, monkeypatch), Clock()
    with LiveView(stream, clock=time) as live:
        events = recorded(time, step=False)
        live.see(next(events))
        size = len(stream.getvalue())
        time.now += 0.1
        live.see(Stepped(1, 1, 58, 0.5, 1.0))
        assert len(stream.getvalue()) == size
        time.now += 0.1
        live.see(Stepped(1, 2, 58, 0.5, 1.0))
        assert len(stream.getvalue()) > size


def test_a_picture_that_takes_long_makes_the_next_one_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, time = terminal(80, monkeypatch), Clock()
    with LiveView(stream, clock=time) as live:
        draw = live.screen.draw

        def slowly(lines: object) -> None:
            time.now += 0.01
            draw(lines)  # type: ignore[arg-type]

        monkeypatch.setattr(live.screen, "draw", slowly)
        live.see(next(recorded(time)))
        assert live.due == pytest.approx(1000.0 + 150 * 0.01)


@pytest.mark.parametrize("height", [6, 10, 16, 24])
def test_a_low_terminal_is_never_full(height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", str(height))
    stream, time = terminal(60, monkeypatch), Clock()
    with LiveView(stream, clock=time) as live:
        for event in recorded(time):
            live.see(event)
            assert len(live.screen.widths) < height
            assert not live.screen.widths or any("training" in line for line in stream.lines)


def test_no_color_is_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    def colours(**environment: str) -> set[str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        stream, time = terminal(80, monkeypatch), Clock()
        with LiveView(stream, clock=time) as live:
            for event in recorded(time):
                live.see(event)
        found = {part.split("m")[0] for part in stream.getvalue().split("\x1b[")[1:]}
        return {code for part in found for code in part.split(";") if code in ("32", "33", "36")}

    assert colours() == {"32", "33", "36"}
    assert colours(NO_COLOR="1") == set()


def test_letters_of_an_ascii_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(80, monkeypatch), Clock()
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    with LiveView(stream, clock=time) as live:
        for event in recorded(time):
            live.see(event)
            assert stream.text.isascii()


def test_letters_that_a_terminal_does_not_know_break_nothing() -> None:
    time, raw = Clock(), io.BytesIO()
    with LiveView(io.TextIOWrapper(raw, encoding="latin-1"), clock=time) as live:
        for event in recorded(time):
            live.see(event)
            live.see(Warned("a", "one × two 三", "…"))
    assert not live.screen.broken
    assert "one × two ?" in raw.getvalue().decode("latin-1")


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(80, monkeypatch), Clock()

    def gone(text: str) -> int:
        raise OSError(5, "Input/output error")

    with LiveView(stream, clock=time) as live:
        for event in recorded(time):
            live.see(event)
            monkeypatch.setattr(stream, "write", gone)
    assert live.screen.broken


def test_one_of_several_trainings_leaves_only_what_was_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, time = terminal(120, monkeypatch), Clock()
    with LiveView(stream, keep=False, clock=time) as live:
        for event in recorded(time):
            live.see(event)
    assert stream.text.splitlines()[0].startswith("warning: gradients vanish")
    assert len(stream.text.splitlines()) == 3


def test_what_was_undone_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, time = terminal(80, monkeypatch), Clock()
    with LiveView(stream, clock=time) as live:
        events = recorded(time)
        for event in events:
            live.see(event)
            if isinstance(event, EpochEnded) and event.row["epoch"] == 12:
                break
        live.see(WentBack(10, 580, 2, 1, 2, 0.5, "training diverged in step 700\n  more"))
        assert [entry.epoch for entry in live.board.entries] == list(range(1, 11))
        assert {len(values) for values in live.board.losses.values()} == {10}
        assert live.board.saved == {10}
    assert "goes on from the end of epoch 10" in stream.text


def test_the_time_left_is_that_until_it_will_be_stopped() -> None:
    time = Clock()
    live = LiveView(Terminal(), clock=time, deadline=1020.0)
    for event in recorded(time):
        live.see(event)
        if isinstance(event, EpochEnded) and event.row["epoch"] == 2:
            break
    assert live.board.epoch_seconds() == pytest.approx(4.0)
    assert live.board.seconds_left() == pytest.approx(12.0)  # not the 184 that 46 epochs take
    live.board.deadline = None
    assert live.board.seconds_left() == pytest.approx(46 * 4.0)


def test_thousands_of_epochs_take_little_room() -> None:
    live = LiveView(Terminal(), clock=Clock())
    began, *_ = recorded(Clock())
    live.see(began)
    row = rows()[0]
    for number in range(3000):
        live.see(EpochEnded({**row, "epoch": number + 1}, number == 5, "", 0.1, 1.0))
    assert len(live.board.entries) == 400
    assert [entry.epoch for entry in live.board.newest(3)] == [6, 2999, 3000]


in_a_terminal = pytest.mark.skipif(
    os.name == "nt", reason="a terminal of its own is made the POSIX way"
)


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, bytes]]:
    """A training without an end in a terminal of its own, what it shows, and what it has shown."""
    import termios

    config = write_points(folder, config=CONFIG.replace("max_epochs: 6", "max_epochs: 10000000"))
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (40, 200))
    words = [*RUN, "fit", str(config), "-o", str(folder / "run")]
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    for name in ("LINES", "COLUMNS"):
        environment.pop(name, None)
    with subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=ROOT,
        process_group=0,
    ) as run:
        os.close(theirs)
        yield run, ours, _until_drawn(ours)
    os.close(ours)


def _until_drawn(terminal: int) -> bytes:
    seen = b""
    while b"samples/s" not in seen.rpartition(b"learning rate")[2]:
        seen += os.read(terminal, 65536)
    return seen


def _to_the_end(terminal: int) -> bytes:
    seen = b""
    while piece := _read(terminal):
        seen += piece
    return seen


@in_a_terminal
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_leaves_a_terminal_clean(tmp_path: Path, presses: int) -> None:
    stream = Terminal(200)
    with running(tmp_path) as (run, terminal, seen):
        for _ in range(presses):
            run.send_signal(signal.SIGINT)
        seen += _to_the_end(terminal)
        assert run.wait() == 130
    stream.write(seen.decode())
    assert stream.shown
    if presses == 1:
        assert stream.text.splitlines()[-1].startswith("go on with: nntrain fit --resume")
    assert stream.lines[-1] == ""  # the prompt has a line of its own


@in_a_terminal
def test_ctrl_z_gives_the_cursor_back_and_the_view_goes_on_below(tmp_path: Path) -> None:
    stream = Terminal(200)
    with running(tmp_path) as (run, terminal, seen):
        run.send_signal(signal.SIGTSTP)
        _, status = os.waitpid(run.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        while select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536)
        stream.write(seen.decode())
        assert stream.shown
        assert stream.lines[-1] == ""
        stream.write("[1]+  Stopped\r\n")
        run.send_signal(signal.SIGCONT)
        seen = _until_drawn(terminal)
        run.send_signal(signal.SIGINT)
        seen += _to_the_end(terminal)
        assert run.wait() == 130
    stream.write(seen.decode())
    assert stream.shown
    assert "[1]+  Stopped" in stream.text
    assert stream.text.splitlines()[-1].startswith("go on with: nntrain fit --resume")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # it is gone when the process is
        return b""


# curves


def test_a_curve_in_braille_and_in_ascii() -> None:
    line = [0.0, -1.0, -2.0, -3.0]  # linear, as not all is above 0
    assert curve(line, scale([line]), 4, 2, 1) == ["⠑⢄"]
    assert curve(line, scale([line]), 4, 4, 1, braille=False) == ["'--."]


def test_a_curve_of_half_of_the_epochs_is_half_as_wide() -> None:
    (found,) = curve([1.0] * 5, (1.0, 1.0), 9, 10, 1)
    assert found.rstrip() == found[:6]
    assert " " not in found[:6]


def test_a_steep_curve_has_no_gaps() -> None:
    lines = curve([100.0, 1.0, 100.0], (1.0, 100.0), 3, 3, 3)
    assert all(line.strip() for line in lines)


def test_a_scale_of_losses_is_logarithmic() -> None:
    values = [1000.0, 100.0, 10.0, 1.0]
    assert curve(values, scale([values]), 4, 2, 1) == curve([3.0, 2.0, 1.0, 0.0], (0, 3), 4, 2, 1)


@pytest.mark.parametrize(
    "values", [[], [1.0], [float("nan")] * 3, [0.0, float("inf"), 1.0], [2.0] * 9]
)
def test_odd_curves(values: list[float]) -> None:
    for braille in (True, False):
        lines = curve(values, scale([values]), 9, 5, 2, braille=braille)
        assert [len(line) for line in lines] == [5, 5]


def test_many_epochs_are_means() -> None:
    values = [float(i % 2) for i in range(1000)]
    (line,) = curve(values, (0.0, 1.0), 1000, 10, 1)
    assert len(set(line)) == 1


def test_the_span_doubles_and_ends_at_the_last_epoch() -> None:
    assert [span(n, 100) for n in (1, 8, 9, 33, 70, 100)] == [8, 8, 16, 64, 100, 100]
    assert span(3, 4) == 4


# times


def test_times() -> None:
    assert [clock(s) for s in (0.051, 12.34, 59.96, 200, 7500)] == [
        "0.05 s", "12.3 s", "1:00", "3:20", "2:05:00",
    ]  # fmt: skip
    assert [left(s) for s in (0.2, 9.4, 59.6, 200, 7500)] == [
        "1 s", "9 s", "1 min", "3 min", "2 h 5 min",
    ]  # fmt: skip
