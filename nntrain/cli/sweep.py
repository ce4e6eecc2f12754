"""`nntrain sweep`: train with many settings and find the best."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from nntrain.cli import completion
from nntrain.cli.arguments import common_options, json_option, plugin_option, seconds, set_option
from nntrain.cli.leaving import going_on
from nntrain.cli.loading import describe, load_config, load_data, run_plugins, tell
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, DivergedError
from nntrain.threads import use_for_training

if TYPE_CHECKING:
    from nntrain.config import Loaded
    from nntrain.data.dataset import Dataset
    from nntrain.display.printer import Printer
    from nntrain.events import Event
    from nntrain.tuning.search import Search


@click.command(short_help="Train with many settings and find the best.")
@click.argument("config", default="", metavar="[CONFIG]", shell_complete=completion.files)
@set_option
@click.option(
    "--output-dir",
    "-o",
    type=Path,
    metavar="DIR",
    help="The sweep's folder; by default sweeps/<name>/001, 002, …",
)
@click.option(
    "--resume",
    type=Path,
    metavar="DIR",
    shell_complete=completion.sweeps,
    help="Go on with this sweep, or join the processes that are at it; without CONFIG.",
)
@click.option(
    "--trials", type=click.IntRange(1), metavar="N", help="How many; with --resume also more."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The same as --set seed=N.")
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="Processes that share the rows of each batch; by default 1.",
)
@click.option("--max-time", default="", metavar="TIME", help="Stop well after 90s, 10m, 2h.")
@plugin_option
@json_option
@common_options
def sweep(
    config: str,
    settings: tuple[str, ...],
    output_dir: Path | None,
    resume: Path | None,
    trials: int | None,
    seed: int | None,
    threads: int | None,
    max_time: str,
    plugins: tuple[Path, ...],
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Train CONFIG with the settings that its `sweep:` block asks for, and keep the best."""
    from nntrain.data.extras import extra
    from nntrain.display.printer import Printer

    limit = seconds(max_time) if max_time else None
    use_for_training(threads)
    begins = settings or output_dir or seed is not None or threads
    _check_arguments(config, resume, begins=bool(begins))
    say = Printer(sys.stderr, quiet=quiet)
    extra("optuna", "optuna", "tune", "settings are found")
    run_plugins(plugins)
    data = Data(say, verbose=verbose)
    if resume:
        from nntrain.tuning.search import Search

        search = Search.resume(resume, trials=trials)
    else:
        given = [*settings, *([] if seed is None else [f"seed={seed}"])]
        search = _begun(Path(config), given, output_dir, trials, threads or 1, data)
    summary, exit_code = _watch(search, data, limit, say)
    _end(search, summary, exit_code, as_json=as_json)


def _check_arguments(config: str, resume: Path | None, *, begins: bool) -> None:
    if bool(config) == bool(resume):
        raise ConfigError(
            "sweep: expected either CONFIG or --resume DIR",
            hint="nntrain sweep config.yaml, or nntrain sweep --resume sweeps/NAME/001",
        )
    if resume and begins:
        raise ConfigError(
            "--resume: the sweep goes on with the config, seed and folder that it has",
            hint="only --trials, --max-time, --json and -q go with it",
        )


class Data:
    """Reads the data of each trial; what was read last is used again where it is the same."""

    def __init__(self, say: Printer, *, verbose: bool):
        self.say, self.verbose = say, verbose
        self.last: tuple[object, Dataset] | None = None
        self.said: list[str] = []

    def __call__(self, loaded: Loaded) -> Dataset:
        from nntrain.run.prepare import check_rows

        experiment = loaded.experiment
        key = (experiment.data, experiment.loss.goal, experiment.seed)
        if self.last and self.last[0] == key:
            check_rows(loaded, self.last[1])
            return self.last[1]
        dataset = load_data(loaded)
        if not self.said:
            self.said = describe(dataset, self.say, every=self.verbose)
        self.last = (key, dataset)
        return dataset


def _begun(
    config: Path,
    settings: list[str],
    output_dir: Path | None,
    trials: int | None,
    threads: int,
    data: Data,
) -> Search:
    from nntrain.config import check_sweep
    from nntrain.tuning.search import Search, check_free

    loaded = load_config(config, settings)
    if loaded.experiment.sweep is None:
        raise ConfigError(
            f"{config}: there is no `sweep:` in it, so there is nothing to try",
            hint="add for example\n"
            "    sweep: {space: {optimizer.learning_rate: {min: 1e-4, max: 0.1, log: true}}}",
        )
    check_sweep(loaded)
    tell(loaded, data.say)
    if output_dir:
        check_free(output_dir)
    return Search.start(loaded, data(loaded), output_dir, trials=trials, threads=threads)


def _watch(
    search: Search, data: Data, limit: float | None, say: Printer
) -> tuple[dict[str, Any], int]:
    """Train, show what happens, and return the summary."""
    from nntrain.cli.signals import Stopper
    from nntrain.display import sweep as display
    from nntrain.events import SweepEnded
    from nntrain.tuning.trials import Sweeping

    summary: dict[str, Any] = {}
    way_on = going_on("sweep", search.folder, search.plugins)
    say(f"sweep: {search.asked} trials of {search.loaded.experiment.name}, in {search.folder.path}")
    say(f"another process can join: {way_on}")
    say("")
    keys = [dimension.key for dimension in search.space]
    watching = display.watching(say, search.monitor, keys)
    with Stopper(limit) as stop, _way_on(way_on), watching as see:
        log = _logs(data)
        for event in Sweeping(search, data, stop).run():
            see(event)
            log(event)
            if isinstance(event, SweepEnded):
                summary = dict(event.summary)
    return summary, stop.exit_code


def _logs(data: Data) -> Callable[[Event], None]:
    """Each trial's log gets what a training tells."""
    from nntrain.display.plain import log_lines
    from nntrain.events import TrialBegan
    from nntrain.run.folder import RunFolder
    from nntrain.run.run import append

    file: list[Path] = []

    def log(event: Event) -> None:
        if isinstance(event, TrialBegan):
            file[:] = [RunFolder(event.folder).log]
            lines = [*([] if event.goes_on else data.said), *(f"note: {n}" for n in event.notes)]
        else:
            lines = log_lines(event)
        if file and lines:
            append(file[0], "\n".join(lines) + "\n")

    return log


@contextmanager
def _way_on(command: str) -> Iterator[None]:
    """Where something ends a sweep, say that it is not lost."""
    try:
        yield
    except Exception:
        print(f"later, go on with: {command}", file=sys.stderr)
        raise


def _end(search: Search, summary: dict[str, Any], exit_code: int, *, as_json: bool) -> None:
    """Print the result and leave with the exit code of the status."""
    from nntrain.display import sweep as display

    if as_json:
        print_json(summary)
    else:
        show(*display.finished(summary))
    running = summary["counts"].get("running", 0)
    if running and summary["status"] == "completed":
        others = "is" if running == 1 else "are"
        print(f"note: {running} of them {others} with other processes still", file=sys.stderr)
    if summary["status"] in ("interrupted", "max_time"):
        way_on = going_on("sweep", search.folder, search.plugins)
        print(f"go on with: {way_on}", file=sys.stderr)
    if summary["status"] == "interrupted":
        raise Exit(exit_code)
    if not summary["best"] and not running and summary["status"] == "completed":
        print("error: no trial completed: all diverged or failed", file=sys.stderr)
        raise Exit(DivergedError.exit_code)
