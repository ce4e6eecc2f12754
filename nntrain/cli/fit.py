"""`nntrain fit`: train what a config describes, or go on with a run that was stopped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from nntrain.cli import completion
from nntrain.cli.actions import add_summary, complain, gates, group
from nntrain.cli.arguments import common_options, json_option, plugin_option, seconds, set_option
from nntrain.cli.leaving import last_words, leave_report, way_on
from nntrain.cli.loading import describe, load_config, load_data, run_plugins
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, DivergedError, GateError, MachineError
from nntrain.lean import load_numpy
from nntrain.threads import use_for_training

if TYPE_CHECKING:
    from nntrain.cli.signals import Stopper
    from nntrain.config import Loaded
    from nntrain.data.dataset import Dataset
    from nntrain.display.printer import Printer
    from nntrain.events import Warned
    from nntrain.run.folder import RunFolder
    from nntrain.run.run import Run


@click.command(short_help="Train the network that a config describes.")
@click.argument("config", default="", metavar="[CONFIG]", shell_complete=completion.files)
@set_option
@click.option(
    "--output-dir",
    "-o",
    type=Path,
    metavar="DIR",
    help="The run folder; by default runs/<name>/001, 002, …",
)
@click.option(
    "--resume",
    default="",
    metavar="RUN",
    shell_complete=completion.unfinished,
    help="Go on with this run, or with the `last` unfinished one; without CONFIG.",
)
@click.option(
    "--warm-start",
    default="",
    metavar="RUN",
    shell_complete=completion.runs,
    help="Begin with the weights of this run or model file.",
)
@click.option("--overwrite", is_flag=True, help="Replace the run in --output-dir.")
@click.option(
    "--smoke", is_flag=True, help="A few batches through every phase, in a temporary folder."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The same as --set seed=N.")
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="Processes that share the rows of each batch; by default as many as are faster.",
)
@click.option(
    "--k-fold",
    type=click.IntRange(2),
    metavar="N",
    help="Train N times, each time holding out other rows for the test; mean and deviation.",
)
@click.option(
    "--seeds",
    type=click.IntRange(2),
    metavar="N",
    help="Train with N seeds, from that of the config on; mean and deviation.",
)
@click.option("--max-time", default="", metavar="TIME", help="Stop well after 90s, 10m, 2h.")
@plugin_option
@json_option
@common_options
def fit(
    config: str,
    settings: tuple[str, ...],
    output_dir: Path | None,
    resume: str,
    warm_start: str,
    overwrite: bool,
    smoke: bool,
    seed: int | None,
    threads: int | None,
    k_fold: int | None,
    seeds: int | None,
    max_time: str,
    plugins: tuple[Path, ...],
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Train the network that CONFIG describes."""
    from nntrain.cli.signals import Stopper
    from nntrain.display.printer import Printer

    limit = seconds(max_time) if max_time else None
    use_for_training(threads)
    several = k_fold or seeds
    begins = (
        output_dir or warm_start or overwrite or smoke or seed is not None or threads or several
    )
    _check_arguments(config, resume, output_dir, overwrite=overwrite, begins=bool(begins))
    say = Printer(sys.stderr, quiet=quiet)
    load_numpy()
    run_plugins(plugins)
    given = [*settings, *([] if seed is None else [f"seed={seed}"])]
    if several:
        from nntrain.cli.several import Reader, begin, train

        _check_several(k_fold, seeds, warm_start, smoke=smoke)
        read = Reader(say, verbose=verbose)
        with group("data", quiet=quiet):
            trials = begin(
                config, given, "folds" if k_fold else "seeds", several, read, output_dir,
                overwrite=overwrite, threads=threads,
            )  # fmt: skip
        train(trials, read, limit, say, as_json=as_json)
        return
    if resume:
        folder = _unfinished(resume, settings, as_json=as_json)
        from nntrain.run.folder import members

        if members(folder):
            from nntrain.cli import several as trials_of

            trials_of.resume(folder, settings, limit, say, as_json=as_json, verbose=verbose)
            return
        from nntrain.display.reading import reading
        from nntrain.run.run import Run

        with group("data", quiet=quiet), reading(say):
            run = Run.resume(folder, settings)
    else:
        if smoke and warm_start:
            raise ConfigError("--smoke: it begins with random weights, not with --warm-start")
        loaded = load_config(Path(config), given)
        if loaded.experiment.sweep:
            say(f"note: `sweep:` is left alone here; nntrain sweep {config} is what tries it")
        loaded = loaded.alone
        if output_dir:
            from nntrain.run.folder import check_free

            check_free(output_dir, overwrite=overwrite)
        with group("data", quiet=quiet):
            dataset = load_data(loaded, say)
            said = describe(dataset, say, every=verbose)
        if smoke:
            _smoke(loaded, dataset, as_json=as_json)
            return
        from nntrain.run.run import Run
        from nntrain.run.trained import open_run

        run = Run.start(
            loaded,
            dataset,
            output_dir,
            overwrite=overwrite,
            threads=threads,
            warm_start=open_run(warm_start) if warm_start else None,
        )
        run.log("\n".join(said))
    for note in run.notes:
        say(f"note: {note}")
    told = last_words(way_on(run.folder, run.model.experiment))
    with Stopper(limit) as stop, _way_on(run), told, group("training", quiet=quiet):
        summary = _watch(run, stop, say, debug=debug)
        report = leave_report(run, debug=debug)
    _end(run, summary, stop, report, as_json=as_json, quiet=quiet)


def _check_arguments(
    config: str, resume: str, output_dir: Path | None, *, overwrite: bool, begins: bool
) -> None:
    if bool(config) == bool(resume):
        raise ConfigError(
            "fit: expected either CONFIG or --resume RUN",
            hint="nntrain fit config.yaml, or nntrain fit --resume last",
        )
    if overwrite and not output_dir:
        raise ConfigError(
            "--overwrite: expected --output-dir DIR with it",
            hint="without one, every run gets a new folder and replaces nothing",
        )
    if resume and begins:
        raise ConfigError(
            "--resume: the run goes on with the config, seed and folder that it has",
            hint="only --set (trainer.max_epochs, …), --max-time, --json and -q go with it",
        )


def _check_several(k_fold: int | None, seeds: int | None, warm_start: str, *, smoke: bool) -> None:
    flag = "--k-fold" if k_fold else "--seeds"
    if k_fold and seeds:
        raise ConfigError("--seeds: it does not go with --k-fold: every fold has the same seed")
    if k_fold and warm_start:
        raise ConfigError(
            "--warm-start: weights that were trained before may know the rows that a fold holds "
            "out",
            hint="leave it out with --k-fold",
        )
    if warm_start or smoke:
        other = "--warm-start" if warm_start else "--smoke"
        raise ConfigError(f"{other}: it is for one training and does not go with {flag}")


def _unfinished(asked: str, settings: tuple[str, ...], *, as_json: bool) -> RunFolder:
    """The folder to go on in; tells of a run that is finished, and ends there."""
    from nntrain.run.folder import FINISHED, resumable

    folder = resumable(asked)
    try:
        status = folder.status()
    except MachineError as error:
        print(f"note: {error}; the run goes on from its checkpoint", file=sys.stderr)
        status = ""
    if settings or status not in FINISHED:
        return folder
    summary = folder.read_json(folder.summary)
    if as_json:
        print_json(summary)
    print(f"{folder.path} is already finished ({summary['status']})", file=sys.stderr)
    raise Exit(0)


def _smoke(loaded: Loaded, dataset: Dataset, *, as_json: bool) -> None:
    from nntrain.training.smoke import smoke

    report = list(smoke(loaded, dataset))
    if as_json:
        print_json({"smoke": "passed", "phases": report})
    else:
        show(*report, "smoke test passed")


def _watch(run: Run, stop: Stopper, say: Printer, *, debug: bool) -> dict[str, Any]:
    """Train, show what happens, and return the summary."""
    from nntrain.display.view import view
    from nntrain.events import Warned
    from nntrain.training.fit import fit as train

    summary: dict[str, Any] = {}
    warned: list[Warned] = []
    try:
        with view(say, run.log, deadline=stop.deadline) as see:
            for event in train(run, stop):
                see(event)
                warned += [event] if isinstance(event, Warned) else []
                summary = dict(getattr(event, "summary", {}))
    except DivergedError:
        leave_report(run, debug=debug)
        summary = run.folder.read_json(run.folder.summary)
        raise
    finally:
        if summary:
            add_summary(lambda: _told(run, summary, warned))
    return summary


def _told(run: Run, summary: dict[str, Any], warned: list[Warned]) -> list[str]:
    """The summary on GitHub Actions."""
    from nntrain.display.job_summary import trained

    met = gates(run.model.experiment.expect, summary["metrics"])
    return trained(summary, run.progress.history, met, warned)


@contextmanager
def _way_on(run: Run) -> Iterator[None]:
    """Where the machine ends a training, say that it is not lost."""
    try:
        yield
    except (MachineError, MemoryError):
        if run.folder.checkpoint.exists():
            print(f"later, go on with: {way_on(run.folder, run.model.experiment)}", file=sys.stderr)
        raise


def _end(
    run: Run, summary: dict[str, Any], stop: Stopper, report: Path | None, *,
    as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Print the result and leave with the exit code of the status."""
    from nntrain.display.plain import finished

    if as_json:
        print_json(summary)
    else:
        with group("scores", quiet=quiet, stream=sys.stdout):
            show(*finished(summary, report))
    if summary["status"] == "interrupted":
        print(f"go on with: {way_on(run.folder, run.model.experiment)}", file=sys.stderr)
        raise Exit(stop.exit_code)
    if summary["status"] == "max_time":
        _say_what_max_time_left(run, summary)
    if summary["status"] == "gate_failed":
        from nntrain.training.gates import failures

        for line in failures(run.model.experiment.expect, summary["metrics"]):
            complain(f"expect: {line}")
        raise Exit(GateError.exit_code)


def _say_what_max_time_left(run: Run, summary: dict[str, Any]) -> None:
    if not summary["best_epoch"]:
        print("note: no epoch was over by then, so there is no model yet", file=sys.stderr)
    if run.model.experiment.expect:
        print("note: `expect` is judged at the end of a whole training only", file=sys.stderr)
    print(f"go on with: {way_on(run.folder, run.model.experiment)}", file=sys.stderr)
