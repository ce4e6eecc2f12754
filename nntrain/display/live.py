"""The live view: a table of epochs that grows in the terminal, and a bar inside the epoch.

Only the newest rows and the best one are kept on the screen; metrics.csv has them all.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from nntrain.display import plain, text
from nntrain.events import (
    Began,
    Ended,
    EpochEnded,
    EpochRow,
    Event,
    Saved,
    Stepped,
    Warned,
    WentBack,
)

WORDS, SIGNS = 14, 2  # letters behind the columns: `★ best ▪ saved`, or `★▪` where it is narrow
LEAST = 3  # scores that stay where there is little room
SECOND = "train_loss_evaluated"  # the first to go
REFRESH = 5  # pictures a second


class LiveView:
    """Watches a training in a terminal; use as a context manager.

    keep: the table of epochs stays when it is over.
    """

    def __init__(self, stream: TextIO, *, keep: bool = True):
        self.keep = keep
        self.console = Console(file=stream, highlight=False)
        self.fancy = (stream.encoding or "").lower().replace("-", "").startswith("utf")
        self.columns: list[str] = []
        self.rows: list[tuple[EpochRow, str, str]] = []
        self.best = 0
        self.saved: set[int] = set()
        self.max_epochs = 0
        self.now: Stepped | None = None
        self.live = Live(  # pictures are made when the screen is due, not at each event
            console=self.console,
            get_renderable=self._picture,
            refresh_per_second=REFRESH,
            transient=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.live.is_started:
            self.live.stop()
            if not self.keep:
                return
            room = self.console.height * 2
            if self.rows:
                self.console.print(self._table(room), soft_wrap=True)
            if len(self.rows) > room:
                self.console.print(f"(the last {room} of {len(self.rows)} epochs and the best one)")

    def see(self, event: Event) -> None:
        match event:
            case Began():
                self._begin(event)
            case Stepped():
                self.now = event
            case EpochEnded():
                self.now = None
                speed, seconds = text.speed(event.samples_per_second), text.duration(event.seconds)
                self.rows.append((event.row, speed, seconds))
                if event.best:
                    self.best = int(event.row["epoch"])
            case WentBack():
                self.now, self.best = None, event.best_epoch
                self.rows = [entry for entry in self.rows if entry[0]["epoch"] <= event.epoch]
                self.saved = {epoch for epoch in self.saved if epoch <= event.epoch}
                self.console.print("\n".join(plain.lines(event)), markup=False, style="yellow")
            case Warned():
                self.console.print("\n".join(plain.lines(event)), markup=False, style="yellow")
            case Saved():
                self.saved.add(event.epoch)
            case Ended():
                self.__exit__(None, None, None)

    def _begin(self, event: Began) -> None:
        print_lines = plain.lines(event)[:-2]  # the view has a table head of its own
        self.console.print("\n".join(print_lines), markup=False)
        self.columns = [c for c in event.columns if c not in ("epoch", "step", "learning_rate")]
        self.rows = [(row, "", "") for row in event.history]
        self.best, self.max_epochs = event.best_epoch, event.max_epochs
        self.live.start()

    def _picture(self) -> Group:
        return Group(self._table(max(4, self.console.height - 8)), self._bar())

    def _table(self, room: int) -> Text:
        """The epochs as one text: a rich table of them takes ten times as long to draw."""
        names, widths, roomy = self._fitting()
        lines = [Text(line, style="bold") for line in _head(names, widths)]
        for entry in self._shown(room):
            epoch = int(entry[0]["epoch"])
            cells = _cells(*entry)
            line = "  ".join(cells[name].rjust(w) for name, w in zip(names, widths, strict=True))
            style = "bold green" if epoch == self.best else ""
            lines.append(Text(f"{line}  {self._marks(epoch, roomy)}", style=style))
        return Text("\n").join(lines)

    def _fitting(self) -> tuple[list[str], list[int], bool]:
        """Names and widths of the columns that this terminal has room for; room for words?"""
        scores = list(self.columns)
        rest = ["learning_rate", "samples/s", "time"]
        while True:
            names = ["epoch", *scores, *rest]
            widths = [5, *(max(8, *map(len, name.split("_"))) for name in names[1:])]
            room = self.console.width - sum(widths) - 2 * len(widths)
            if room >= SIGNS or len(names) == 2:
                return names, widths, room >= WORDS
            if SECOND in scores:
                scores.remove(SECOND)
            else:
                (scores if len(scores) > LEAST or not rest else rest).pop()

    def _shown(self, room: int) -> list[tuple[EpochRow, str, str]]:
        newest = self.rows[-room:]
        best = [entry for entry in self.rows[:-room] if int(entry[0]["epoch"]) == self.best]
        return [*best, *newest[len(best) :]]

    def _marks(self, epoch: int, roomy: bool) -> str:
        star, disk = self._signs()
        best = f"{star} best" if roomy else star
        saved = f"{disk} saved" if roomy else disk
        marks = [best] * (epoch == self.best) + [saved] * (epoch in self.saved)
        return (" " if roomy else "").join(marks)

    def _signs(self) -> tuple[str, str]:
        return ("★", "▪") if self.fancy else ("*", "s")

    def _bar(self) -> Table:
        """How far the epoch is, or the training where epochs are too short to watch."""
        line = Table.grid(padding=(0, 1))
        now, done = self.now, len(self.rows)
        epoch = f"epoch {min(done + 1, self.max_epochs)}/{self.max_epochs}"
        if now:
            bar = ProgressBar(total=now.batches, completed=now.batch, width=24)
            tail = f"loss {text.number(now.loss)}  {text.speed(now.samples_per_second)} samples/s"
        else:
            bar = ProgressBar(total=self.max_epochs, completed=done, width=24)
            tail = ""
        star, disk = self._signs()
        legend = "" if self._fitting()[2] else f"{star} best {disk} saved"
        line.add_row(Text(epoch), bar, Text(tail), Text(legend, style="dim"))
        return line


def _cells(row: EpochRow, speed: str, seconds: str) -> dict[str, str]:
    cells = {name: text.number(value) for name, value in row.items()}
    rest = {"samples/s": speed, "time": seconds}
    return (
        cells
        | rest
        | {
            "epoch": f"{row['epoch']:.0f}",
            "learning_rate": text.rate(row["learning_rate"]),
        }
    )


def _head(names: list[str], widths: list[int]) -> list[str]:
    """The names above their columns, a word a line, so that columns stay narrow."""
    words = [name.split("_") for name in names]
    height = max(map(len, words))
    lines = zip(*([""] * (height - len(w)) + w for w in words), strict=True)
    return ["  ".join(w.rjust(n) for w, n in zip(line, widths, strict=True)) for line in lines]
