"""The picture of a live view: a board as lines that fit a terminal, from 60 letters on.

What there is little room for goes in an order: the second loss of training rows, scores beyond
three, the speed, the curves, rows of the table.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.text import Text

from nntrain.display import text
from nntrain.display.board import SEEN, Board, Entry
from nntrain.display.curves import curve, scale, span

WORDS, SIGNS = 14, 2  # letters behind the columns: `★ best ▪ saved`, or `★▪` where it is narrow
LEAST = 3  # scores that stay where there is little room
NO_SCORES = ("epoch", "step", "learning_rate")
ROWS = 16  # epochs on the screen
CURVES = 4  # lines of a curve, without its title and its epochs
WIDEST = 64  # letters of a curve
AXIS = 12  # letters of its numbers
ROOMY = 80  # letters from which on there is room for words
LONG_EPOCH = 2.0  # seconds, from which on a bar tells how far it is
WARNINGS = 3  # lines of what is wrong
COLOURS = ("cyan", "magenta")


class Picture:
    """Draws a board.  What it has once made room for keeps its room, so that nothing jumps."""

    def __init__(self, board: Board, *, fancy: bool = True):
        self.board, self.fancy = board, fancy
        self.widest: dict[str, int] = {}  # of the cells in a column
        self.epoch_bar = False

    def now(self, width: int, height: int) -> list[Text]:
        """What to show while it trains, at most one line less than there are."""
        below = [*self._bars(width), *self._status(width), *self._troubles(width)]
        room = height - 1 - len(below)
        curves = self._curves(width) if room >= 2 * CURVES + 8 else []
        table = self._table(width, min(ROWS, room - len(curves) - 1), legend=True)
        return [*table, *curves, Text(""), *below][-(height - 1) :]

    def last(self, width: int, height: int) -> list[Text]:
        """What stays when it is over."""
        room, board = 2 * height, self.board
        if not board.entries:
            return []
        lines = self._table(width, room)
        if board.epochs > room:
            lines.append(Text(f"(the last {room} of {board.epochs} epochs and the best one)"))
        return [*lines, *self._curves(width, ended=True)]

    # the table of epochs

    def _table(self, width: int, room: int, *, legend: bool = False) -> list[Text]:
        """The head may take several lines; `room` has the head, too, while it trains."""
        entries = self.board.newest(max(room, 2))
        cells = {entry.epoch: _cells(entry) for entry in entries}
        for row in cells.values():
            for name, cell in row.items():
                self.widest[name] = max(len(cell), self.widest.get(name, 8))
        names, widths, roomy = self._fitting(width)
        head = _head(names, widths)
        if legend:
            entries = self.board.newest(max(room - len(head), 2))
        lines = [Text(line, style="bold") for line in head]
        for entry in entries:
            found = cells[entry.epoch]
            line = "  ".join(found[name].rjust(w) for name, w in zip(names, widths, strict=True))
            best = self.board.best is not None and entry.epoch == self.board.best.epoch
            marks = self._marks(best=best, saved=entry.epoch in self.board.saved, roomy=roomy)
            lines.append(Text(f"{line}  {marks}".rstrip(), style="bold green" if best else ""))
        return lines

    def _fitting(self, width: int) -> tuple[list[str], list[int], bool]:
        """Names and widths of the columns that there is room for; room for words behind them?"""
        scores = [name for name in self.board.columns if name not in NO_SCORES]
        rest = ["learning_rate", "samples/s", "time"]
        while True:
            names = ["epoch", *scores, *rest]
            widths = [max(5, len(str(self.board.max_epochs)))]
            widths += [max(self.widest.get(n, 8), *map(len, n.split("_"))) for n in names[1:]]
            room = width - sum(widths) - 2 * len(widths)
            if room >= SIGNS or len(names) == 2:
                return names, widths, room >= WORDS
            if SEEN in scores:
                scores.remove(SEEN)
            else:
                (scores if len(scores) > LEAST or not rest else rest).pop()

    def _marks(self, *, best: bool, saved: bool, roomy: bool) -> str:
        star, disk = ("★", "▪") if self.fancy else ("*", "s")
        marks = [f"{star} best" if roomy else star] * best
        marks += [f"{disk} saved" if roomy else disk] * saved
        return (" " if roomy else "").join(marks)

    # the curves

    def _curves(self, width: int, *, ended: bool = False) -> list[Text]:
        """The losses side by side, on one scale."""
        board = self.board
        curves = board.curves()
        if board.epochs < 2 or not curves:
            return []
        ends = scale(list(curves.values()))
        most = board.epochs if ended else board.max_epochs
        epochs = span(board.epochs, most)
        each = min(WIDEST, (width - AXIS + 1) // len(curves) - 3)
        drawn = [
            curve(values, ends, epochs, each, CURVES, braille=self.fancy)
            for values in curves.values()
        ]
        labels = [text.number(ends[1]), *[""] * (CURVES - 2), text.number(ends[0])]
        wall = "│" if self.fancy else "|"
        lines = [Text(""), self._beside("", [f" {name}" for name in curves], each)]
        for label, *parts in zip(labels, *drawn, strict=True):
            lines.append(self._beside(label, [wall + part for part in parts], each))
        under = f" 1{'epoch'.center(each - 2)[: each - 2 - len(str(epochs)) + 1]}"
        return [*lines, self._beside("", [under + str(epochs)] * len(curves), each)]

    def _beside(self, label: str, parts: Sequence[str], each: int) -> Text:
        line = Text(label.rjust(AXIS - 2) + " ", style="")
        for colour, part in zip(COLOURS, parts, strict=False):
            line.append(part[: each + 1].ljust(each + 1), style=colour).append("  ")
        line.rstrip()
        return line

    # what is under way

    def _bars(self, width: int) -> list[Text]:
        """How far the training is, and the epoch where it can be watched."""
        board = self.board
        each, rest = board.epoch_seconds(), board.seconds_left()
        done, count = board.done, max(1, board.max_epochs)
        under_way = min(board.epochs + 1, count)
        most = "at most " if width >= ROOMY else "≤ " if self.fancy else "<= "
        most = most if board.stops_early or board.deadline is not None else ""
        left = f"{most}{text.left(rest)} left" if rest is not None else ""
        bars = [self._bar("training", done / count, f"epoch {under_way}/{count}", left, width)]
        self.epoch_bar = self.epoch_bar or (each or 0.0) > LONG_EPOCH
        if self.epoch_bar and board.now and each is not None:
            share = board.now.batch / board.now.batches
            where = f"batch {board.now.batch}/{board.now.batches}"
            left = f"{text.left(each * (1 - share))} left"
            bars.append(self._bar("epoch", share, where, left, width))
        elif self.epoch_bar:
            bars.append(self._bar("epoch", 1.0, "validation", "", width))
        return bars

    def _bar(self, name: str, share: float, where: str, left: str, width: int) -> Text:
        tail = f" {100 * share:3.0f} %  {where.ljust(14)}  {left}".rstrip()
        size = max(8, min(40, width - (58 if width >= ROOMY else 50)))
        full = int(share * size)
        done, rest = ("━" * full, "─" * (size - full)) if self.fancy else (
            "#" * full, "-" * (size - full)
        )  # fmt: skip
        line = Text(name.ljust(9)).append(done, style="green").append(rest, style="dim")
        return _cut(line.append(tail), width)

    def _status(self, width: int) -> list[Text]:
        board = self.board
        parts = []
        if (rate := board.learning_rate) is not None:
            parts.append(f"learning rate {text.rate(rate)}")
        if (speed := board.samples_per_second) is not None:
            parts.append(f"{text.speed(speed)} samples/s")
        if board.best and board.monitor:
            parts.append(f"best epoch {board.best.epoch}")
            parts.append(f"{board.monitor} {text.number(board.best.row[board.monitor])}")
        while parts and len("  ".join(parts)) > width:
            parts.pop()
        return [Text("  ".join(parts))]

    def _troubles(self, width: int) -> list[Text]:
        """What is wrong, in plain words: how it stands now, and what was told last."""
        said = []
        if since := self.board.overfitting_since:
            said.append(f"over-fitting since epoch {since}: the loss falls on training rows alone")
        said += [warned.message for warned in reversed(self.board.warned)]
        sign = "▲ " if self.fancy else "! "
        lines = [
            line
            for words in said
            for line in textwrap.wrap(
                text.printable(words),
                width,
                initial_indent=sign,
                subsequent_indent="  ",
                break_on_hyphens=False,
            )
        ]
        return [Text(line, style="yellow") for line in lines[:WARNINGS]]


def _cells(entry: Entry) -> dict[str, str]:
    row = entry.row
    speed, seconds = entry.samples_per_second, entry.seconds
    return {
        **{name: text.number(value) for name, value in row.items()},
        "epoch": f"{row['epoch']:.0f}",
        "learning_rate": text.rate(row["learning_rate"]),
        "samples/s": "" if speed is None else text.speed(speed),
        "time": "" if seconds is None else text.clock(seconds),
    }


def _head(names: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The names above their columns, a word a line, so that columns stay narrow."""
    words = [text.printable(name).split("_") for name in names]
    height = max(map(len, words))
    lines = zip(*([""] * (height - len(w)) + w for w in words), strict=True)
    return ["  ".join(w.rjust(n) for w, n in zip(line, widths, strict=True)) for line in lines]


def _cut(line: Text, width: int) -> Text:
    line.truncate(width)
    return line
