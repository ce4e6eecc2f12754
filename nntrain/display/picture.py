"""The picture of a live view: a board as lines that fit a terminal, from 60 letters on.

A terminal that is made narrower wraps what stands in it, and what has been pushed out of it at the
top by that is in the scroll-back for good.  So the table alone is wider than `NARROW`, and the
picture fits even if each line of the table takes two.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.text import Text

from nntrain.display import text
from nntrain.display.board import Board
from nntrain.display.curves import curve, scale, span
from nntrain.display.epochs import Epochs

NARROW = 60
LEAST, MOST = 2, 16  # epochs in the table
CURVES = 4  # lines of a curve, without its title and its epochs
WIDEST = 64  # letters of a curve
AXIS = 12  # letters of its numbers
LONG_EPOCH = 2.0  # seconds, from which on a bar tells how far it is
WARNINGS = 3  # lines of what is wrong
LOW = 20  # lines of a terminal below which there are no curves
COLOURS = ("cyan", "magenta")


class Picture:
    """Draws a board."""

    def __init__(self, board: Board, *, fancy: bool = True):
        self.board, self.fancy = board, fancy
        self.epochs = Epochs(board, fancy=fancy)
        self.epoch_bar = False

    def now(self, width: int, height: int) -> list[Text]:
        """What to show while it trains, at most one line less than there are."""
        narrow = min(width, NARROW)
        below = [Text(""), *self._bars(narrow), self._status(narrow), *self._troubles(narrow)]
        curves = self._curves(narrow) if height >= LOW else []
        room = (height - 1 - len(below) - len(curves)) // 2 - self.epochs.head(width)
        table = self.epochs.lines(width, max(LEAST, min(MOST, room)))
        return [*table, *curves, *below][-(height - 1) :]

    def last(self, width: int, height: int) -> list[Text]:
        """What stays when it is over."""
        board = self.board
        room = len(board.entries)
        if not board.entries:
            return []
        lines = self.epochs.lines(width, room)
        if board.epochs > room:
            lines.append(Text(f"(the last {room} of {board.epochs} epochs and the best one)"))
        return [*lines, *self._curves(width, ended=True)]

    def _curves(self, width: int, *, ended: bool = False) -> list[Text]:
        """The losses side by side, on one scale."""
        board, losses = self.board, self.board.losses
        if board.epochs < 2 or not losses:
            return []
        low, high = scale(losses.values())
        epochs = span(board.epochs, board.epochs if ended else board.max_epochs)
        each = min(WIDEST, (width - AXIS + 1) // len(losses) - 3)
        drawn = [
            curve(values, (low, high), epochs, each, CURVES, braille=self.fancy)
            for values in losses.values()
        ]
        labels = [text.number(high), *[""] * (CURVES - 2), text.number(low)]
        wall = "│" if self.fancy else "|"
        lines = [Text(""), _beside("", (f" {name}" for name in losses), each)]
        for label, *parts in zip(labels, *drawn, strict=True):
            lines.append(_beside(label, (wall + part for part in parts), each))
        last = str(epochs)
        under = f" 1{'epoch'.center(each - 2).rstrip()[: each - 2]}"
        return [*lines, _beside("", [under.ljust(each + 1 - len(last)) + last] * len(losses), each)]

    def _bars(self, width: int) -> list[Text]:
        """How far the training is, and the epoch where that can be watched."""
        board, now = self.board, self.board.now
        each, rest = board.epoch_seconds(), board.seconds_left()
        count = max(1, board.max_epochs)
        sign = "≤ " if self.fancy else "<= "
        most = sign if board.stops_early or board.deadline is not None else ""
        left = "" if rest is None else f"{most}{text.left(rest)} left"
        under_way = min(board.epochs + 1, count)
        rows = [("training", board.done / count, f"epoch {under_way}/{count}", left)]
        self.epoch_bar = self.epoch_bar or (each or 0.0) > LONG_EPOCH
        if self.epoch_bar:
            share = now.batch / now.batches if now else 1.0
            where = f"batch {now.batch}/{now.batches}" if now else "validation"
            left = f"{text.left((each or 0.0) * (1 - share))} left" if now else ""
            rows.append(("epoch", share, where, left))
        room = max(14, 7 + 2 * len(str(count)))  # for `epoch 1/100`, which grows
        return [self._bar(*row, room, width) for row in rows]

    def _bar(self, name: str, share: float, where: str, left: str, room: int, width: int) -> Text:
        size = max(6, width - room - 36)
        full = int(share * size)
        done, rest = ("━", "─") if self.fancy else ("#", "-")
        line = Text(name.ljust(9)).append(done * full, style="green")
        line.append(rest * (size - full), style="dim")
        line.append(f" {100 * share:3.0f} %  {where.ljust(room)}  {left}".rstrip())
        line.truncate(width)
        return line

    def _status(self, width: int) -> Text:
        board, parts = self.board, []
        if (rate := board.learning_rate) is not None:
            parts.append(f"learning rate {text.rate(rate)}")
        if (speed := board.samples_per_second) is not None:
            parts.append(f"{text.speed(speed)} samples/s")
        star, disk = self.epochs.signs
        if board.best and board.monitor:
            parts.append(f"{star} best {board.best.epoch}")
        if board.saved:
            parts.append(f"{disk} saved")
        while len("  ".join(parts)) > width:
            parts.pop()
        return Text("  ".join(parts))

    def _troubles(self, width: int) -> list[Text]:
        """What is wrong, in plain words: how it stands now, and what was told last."""
        said = [warned.message for warned in reversed(self.board.warned)]
        if since := self.board.overfitting_since:
            said.insert(0, f"over-fitting since epoch {since}: only training rows get better")
        sign = "▲ " if self.fancy else "! "
        lines = [line for words in said for line in wrapped(words, width, sign)]
        if len(lines) > WARNINGS:
            lines[WARNINGS - 1 :] = [
                f"{lines[WARNINGS - 1][: width - 4]} {'…' if self.fancy else '...'}"[:width]
            ]
        return [Text(line, style="yellow") for line in lines]


def _beside(label: str, parts: Iterable[str], each: int) -> Text:
    """Parts of one line of each curve, behind a number of the scale."""
    line = Text(label.rjust(AXIS - 2) + " ")
    for colour, part in zip(COLOURS, parts, strict=False):
        line.append(part[: each + 1].ljust(each + 1), style=colour).append("  ")
    line.rstrip()
    return line


def wrapped(words: str, width: int, sign: str = "") -> Sequence[str]:
    """The words as lines, those after the first one set in."""
    return textwrap.wrap(
        text.printable(words), width, initial_indent=sign, subsequent_indent="  ",
        break_on_hyphens=False,
    )  # fmt: skip
