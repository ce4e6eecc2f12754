"""The table of epochs in a live view: as many columns as a terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from nntrain.display import text
from nntrain.display.board import SEEN, Board, Entry

WORDS, SIGNS = 14, 2  # letters behind the columns: `★ best ▪ saved`, or `★▪` where it is narrow
LEAST = 3  # scores that stay where there is little room; `SEEN` is the first to go
NO_SCORES = ("epoch", "step", "learning_rate")
LAST = ("learning_rate", "samples/s", "time")


class Epochs:
    """Lines of a table.  A column keeps the width that it has once had, so that nothing jumps."""

    def __init__(self, board: Board, *, fancy: bool = True):
        self.board = board
        self.signs = ("★", "▪") if fancy else ("*", "s")  # of the best epoch, of a checkpoint
        self.widest: dict[str, int] = {}  # of the cells in a column

    def lines(self, width: int, room: int) -> list[Text]:
        """The head, and at most `room` epochs: the newest, and the best one."""
        entries = self.board.newest(room)
        cells = [_cells(entry) for entry in entries]
        for name, cell in (pair for row in cells for pair in row.items()):
            self.widest[name] = max(len(cell), self.widest.get(name, 8))
        names, widths, roomy = self.fitting(width)
        lines = [Text(line, style="bold") for line in _head(names, widths)]
        for entry, row in zip(entries, cells, strict=True):
            line = "  ".join(row[name].rjust(w) for name, w in zip(names, widths, strict=True))
            best = self.board.best is not None and entry.epoch == self.board.best.epoch
            marks = self._marks(best=best, saved=entry.epoch in self.board.saved, roomy=roomy)
            lines.append(Text(f"{line}  {marks}".rstrip(), style="bold green" if best else ""))
        return lines

    def head(self, width: int) -> int:
        """Lines that the head takes."""
        return max(len(name.split("_")) for name in self.fitting(width)[0])

    def fitting(self, width: int) -> tuple[list[str], list[int], bool]:
        """Names and widths of the columns that there is room for; room for words behind them?"""
        scores = [name for name in self.board.columns if name not in NO_SCORES]
        rest = [*LAST]
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
        star, disk = self.signs
        marks = [f"{star} best" if roomy else star] * best
        marks += [f"{disk} saved" if roomy else disk] * saved
        return (" " if roomy else "").join(marks)


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
