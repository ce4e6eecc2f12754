"""`nntrain eval`: how good a trained network is, and whether that is good enough."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from click.exceptions import Exit

from nntrain.cli import completion
from nntrain.cli.actions import add_summary, complain
from nntrain.cli.actions import gates as judged
from nntrain.cli.arguments import bound, common_options, json_option, plugin_option
from nntrain.cli.loading import begin_work, run_plugins
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, GateError
from nntrain.lean import load_numpy
from nntrain.threads import use_all_cores


@click.command(short_help="Measure a run on rows that it has not seen; gates for CI.")
@click.argument("run", default="", metavar="[RUN]", shell_complete=completion.runs)
@click.option(
    "--data",
    type=Path,
    metavar="FILE",
    shell_complete=completion.files,
    help="Other data, all of its rows.",
)
@click.option(
    "--split",
    default="",
    metavar="NAME",
    shell_complete=completion.splits,
    help="train, validation or test (default).",
)
@click.option(
    "--fail-under",
    multiple=True,
    metavar="METRIC=VALUE",
    shell_complete=completion.scores,
    help="Exit 5 if the score is lower.",
)
@click.option(
    "--fail-over",
    multiple=True,
    metavar="METRIC=VALUE",
    shell_complete=completion.scores,
    help="Exit 5 if the score is higher.",
)
@plugin_option
@json_option
@common_options
def evaluate(
    run: str,
    data: Path | None,
    split: str,
    fail_under: tuple[str, ...],
    fail_over: tuple[str, ...],
    plugins: tuple[Path, ...],
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Evaluate RUN, a run folder or model file (the newest run), on rows it has not seen."""
    gates = [(*bound("--fail-under", text), ">=") for text in fail_under]
    gates += [(*bound("--fail-over", text), "<=") for text in fail_over]
    if split and data:
        raise ConfigError("eval: --split and --data exclude each other")
    if split not in ("", "train", "validation", "test"):
        raise ConfigError(f"--split: expected train, validation or test, got {split}")

    use_all_cores()
    load_numpy()
    from nntrain.data.report import Report
    from nntrain.display import job_summary, plain
    from nntrain.display.printer import Printer
    from nntrain.display.reading import reading
    from nntrain.run.trained import open_run
    from nntrain.training.evaluate import confusions
    from nntrain.training.evaluate import evaluate as measure

    run_plugins(plugins)
    begin_work()
    trained = open_run(run)
    model = trained.model
    known = ("loss", *(score.name for score in model.scores))
    _check_names(gates, known)
    report = Report()
    with reading(Printer(sys.stderr, quiet=quiet)):
        part, what = trained.rows(split, data, report)
    if not quiet:
        for line in report.lines():
            print(f"note: {line}", file=sys.stderr)
    scores = measure(model, part)
    result = {
        "run": str(trained.path),
        **what,
        "rows": len(part.x),
        "metrics": {name: v if v - v == 0 else None for name, v in scores.items()},
    }
    if as_json:
        print_json(result)
    else:
        show(*plain.evaluated(result))
        several = len(model.preprocessor.each_target) > 1
        for target, counts in confusions(model, part):
            head = [f"{target.name}:"] if several else []
            show("", *head, *plain.confusion(target.classes, counts))
    asked = [{name: f"{sign} {value!r}"} for name, value, sign in gates]
    met = [one for gate in asked for one in judged(gate, scores)]
    add_summary(lambda: job_summary.evaluated(result, met))
    _judge(asked, scores)


def _check_names(gates: list[tuple[str, float, str]], known: tuple[str, ...]) -> None:
    for name, _, sign in gates:
        if name not in known:
            flag = "--fail-under" if sign == ">=" else "--fail-over"
            raise GateError(
                f"{flag}: this run does not measure `{name}`; it measures {', '.join(known)}"
            )


def _judge(asked: list[dict[str, str]], scores: dict[str, Any]) -> None:
    from nntrain.training.gates import failures

    lines = [line for gate in asked for line in failures(gate, scores)]
    for line in lines:
        complain(line)
    if lines:
        raise Exit(GateError.exit_code)
