"""`nntrain fit --k-fold N` and `--seeds N`: a config trained several times."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.exceptions import Exit

from nntrain.cli.actions import add_summary, complain, gates, group
from nntrain.cli.leaving import last_words, leave_report, way_on
from nntrain.cli.loading import describe, load_data
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, GateError

if TYPE_CHECKING:
    from nntrain.config import Loaded
    from nntrain.data.dataset import Dataset
    from nntrain.display.printer import Printer
    from nntrain.display.view import See
    from nntrain.run.folder import RunFolder
    from nntrain.run.trials import Kind, Trials


class Reader:
    """Reads the data of each trial; the first one's columns are told."""

    def __init__(self, say: Printer, *, verbose: bool):
        self.say, self.verbose = say, verbose
        self.first: Dataset | None = None
        self.said: list[str] = []  # of the last one that was read, for its log

    def __call__(self, loaded: Loaded) -> Dataset:
        if self.first:
            dataset, self.first = self.first, None
            return dataset
        from nntrain.display.printer import Printer

        dataset = load_data(loaded)
        quiet = Printer(self.say.stream, quiet=True)
        self.said = describe(dataset, quiet if self.said else self.say, every=self.verbose)
        return dataset


def begin(
    config: str,
    settings: list[str],
    kind: Kind,
    count: int,
    read: Reader,
    output_dir: Path | None,
    *,
    overwrite: bool,
    threads: int | None,
) -> Trials:
    """The folder of all trials, made once the config and the first one's data are sound."""
    from nntrain.run.checks import check_layers_alone
    from nntrain.run.folder import check_free
    from nntrain.run.trials import Trials, load_for, one_of

    loaded = load_for(kind, count, Path(config), settings, trusted=True)
    check_layers_alone(loaded)
    if output_dir:
        check_free(output_dir, overwrite=overwrite)
    first = read(one_of(loaded, kind, count, 0))
    read.first = first
    return Trials.start(
        loaded, kind, count, first, output_dir, overwrite=overwrite, threads=threads
    )


def train(
    trials: Trials, read: Reader, limit: float | None, say: Printer, *, as_json: bool
) -> None:
    """Train all of them, show what happens, and leave with the exit code of the status."""
    from nntrain.cli.signals import Stopper
    from nntrain.display import trials as display
    from nntrain.display.job_summary import several
    from nntrain.events import TrialBegan, TrialEnded, TrialsEnded
    from nntrain.run.folder import RunFolder
    from nntrain.training.trials import train_all

    summary: dict[str, Any] = {}
    told = last_words(way_on(trials.folder, trials.loaded.experiment))
    with Stopper(limit) as stop, told, ExitStack() as views:
        see: See = lambda event: None  # noqa: E731
        for event in train_all(trials, read, stop, leave_report):
            match event:
                case TrialBegan():
                    say(display.began(event))
                    if not event.goes_on:
                        _appender(RunFolder(event.folder).log)("\n".join(read.said))
                    for note in event.notes:
                        say(f"note: {note}")
                    name, quiet = event.folder.name, say.silent
                    views.enter_context(group(f"training {name}", quiet=quiet))
                    see = views.enter_context(_view(event.folder, say, verbose=read.verbose))
                case TrialEnded():
                    views.close()
                    say(display.ended(event))
                case TrialsEnded():
                    views.close()
                    summary = dict(event.summary)
                case _:
                    see(event)
    if as_json:
        print_json(summary)
    else:
        show(*display.finished(summary))
    expect = trials.loaded.experiment.expect
    add_summary(
        lambda: several(summary, display.finished(summary), gates(expect, summary["metrics"]))
    )
    _leave(trials, summary, stop.exit_code)


def _leave(trials: Trials, summary: dict[str, Any], exit_code: int) -> None:
    from nntrain.training.gates import failures

    status = summary["status"]
    if status in ("interrupted", "max_time"):
        print(f"go on with: {way_on(trials.folder, trials.loaded.experiment)}", file=sys.stderr)
    if status == "interrupted":
        raise Exit(exit_code)
    if status == "gate_failed":
        for line in failures(trials.loaded.experiment.expect, summary["metrics"]):
            complain(f"expect: the mean of {line}")
        raise Exit(GateError.exit_code)


@contextmanager
def _view(folder: Path, say: Printer, *, verbose: bool) -> Iterator[See]:
    """What one training shows: in a terminal its epochs as they come; else warnings, and with -v
    all.  Its own log has everything."""
    from nntrain.display import plain
    from nntrain.display.printer import Printer
    from nntrain.display.view import annotate, view
    from nntrain.events import Event, Warned, WentBack
    from nntrain.run.folder import RunFolder

    file = RunFolder(folder).log
    whole = verbose or say.stream.isatty()
    printer = say if whole else Printer(say.stream, quiet=True)
    with view(printer, _appender(file), keep=verbose) as see:

        def see_and_warn(event: Event) -> None:
            see(event)
            if not whole and isinstance(event, Warned | WentBack):
                for line in plain.lines(event):
                    say(f"  {line}")
                annotate(event, say)

        yield see_and_warn


def _appender(file: Path) -> Callable[[str], None]:
    from nntrain.run.run import append

    return lambda line: append(file, line + "\n")


def resume(
    folder: RunFolder, settings: tuple[str, ...], limit: float | None, say: Printer, *,
    as_json: bool, verbose: bool,
) -> None:  # fmt: skip
    """Go on with trials that were stopped."""
    from nntrain.run.trials import Trials

    if settings:
        raise ConfigError(
            f"--set: the trainings in {folder.path} go on with the config that they have",
            hint=f"begin new ones, or go on with one of them: nntrain fit --resume {folder.path}/…",
        )
    trials = Trials.resume(folder)
    train(trials, Reader(say, verbose=verbose), limit, say, as_json=as_json)
