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
from nntrain.events import Began, Ended, EpochEnded, EpochRow, Event, Saved, Stepped

REFRESH = 8  # pictures a second


class LiveView:
    """Watches a training in a terminal; use as a context manager."""

    def __init__(self, stream: TextIO):
        self.console = Console(file=stream, highlight=False)
        self.fancy = (stream.encoding or "").lower().replace("-", "").startswith("utf")
        self.live = Live(  # pictures are made when the screen is due, not at each event
            console=self.console,
            get_renderable=self._picture,
            refresh_per_second=REFRESH,
            transient=True,
        )
        self.columns: list[str] = []
        self.rows: list[tuple[EpochRow, str, str]] = []
        self.best = 0
        self.saved: set[int] = set()
        self.max_epochs = 0
        self.now: Stepped | None = None

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
            if self.rows:
                self.console.print(self._table(self.console.height * 2))

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
        room = max(4, self.console.height - 8)
        return Group(self._table(room), self._bar())

    def _table(self, room: int) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("epoch", justify="right")
        for name in [*self.columns, "learning_rate", "samples/s", "time"]:
            table.add_column(name.replace("_", " "), justify="right", overflow="fold")
        table.add_column("")
        for row, speed, seconds in self._shown(room):
            epoch = int(row["epoch"])
            table.add_row(
                str(epoch),
                *(text.number(row[name]) for name in self.columns),
                text.rate(row["learning_rate"]),
                speed,
                seconds,
                self._marks(epoch),
                style="bold green" if epoch == self.best else "",
            )
        return table

    def _shown(self, room: int) -> list[tuple[EpochRow, str, str]]:
        newest = self.rows[-room:]
        best = [entry for entry in self.rows[:-room] if int(entry[0]["epoch"]) == self.best]
        return [*best, *newest[len(best) :]]

    def _marks(self, epoch: int) -> str:
        star, disk = ("★", "▪") if self.fancy else ("*", "s")
        best = f"{star} best" if epoch == self.best else ""
        saved = f"{disk} saved" if epoch in self.saved else ""
        return " ".join(filter(None, (best, saved)))

    def _bar(self) -> Table:
        line = Table.grid(padding=(0, 1))
        now, done = self.now, len(self.rows)
        epoch = f"epoch {min(done + 1, self.max_epochs)}/{self.max_epochs}"
        if now:
            bar = ProgressBar(total=now.batches, completed=now.batch, width=24)
            tail = f"loss {text.number(now.loss)}  {text.speed(now.samples_per_second)} samples/s"
        else:
            bar = ProgressBar(total=self.max_epochs, completed=done, width=24)
            tail = ""
        line.add_row(Text(epoch), bar, Text(tail))
        return line
