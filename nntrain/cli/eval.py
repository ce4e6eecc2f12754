"""`nntrain eval`: how good a trained network is, and whether that is good enough."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nntrain.cli.arguments import Debug, Json, Quiet, Verbose, bound
from nntrain.errors import ConfigError, GateError


def evaluate(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder or a model file. [the newest run]")
    ] = "",
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other data, all of its rows.")
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="train, validation or test. [test]")
    ] = "",
    fail_under: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=VALUE", help="Exit 5 if it is lower.")
    ] = None,
    fail_over: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=VALUE", help="Exit 5 if it is higher.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Evaluate a trained network on rows that it has not been trained on."""
    gates = [(*bound("--fail-under", text), ">=") for text in fail_under or []]
    gates += [(*bound("--fail-over", text), "<=") for text in fail_over or []]
    if split and data:
        raise ConfigError("eval: --split and --data exclude each other")
    if split not in ("", "train", "validation", "test"):
        raise ConfigError(f"--split: expected train, validation or test, got {split}")

    from nntrain.display import plain
    from nntrain.run.trained import open_run
    from nntrain.training.evaluate import confusion
    from nntrain.training.evaluate import evaluate as measure

    trained = open_run(run)
    model = trained.model
    known = ("loss", *(metric.kind for metric in model.experiment.metrics or ()))
    _check_names(gates, known)
    part, what = trained.rows(split, data)
    scores = measure(model, part)
    result = {
        "run": str(trained.path),
        **what,
        "rows": len(part.x),
        "metrics": {name: v if v - v == 0 else None for name, v in scores.items()},
    }
    if as_json:
        print(json.dumps(result))
    else:
        print("\n".join(plain.evaluated(result)))
        if model.preprocessor.classes:
            counts = confusion(model, part)
            print("\n".join(["", *plain.confusion(model.preprocessor.classes, counts)]))
    _judge(gates, scores)


def _check_names(gates: list[tuple[str, float, str]], known: tuple[str, ...]) -> None:
    for name, _, sign in gates:
        if name not in known:
            flag = "--fail-under" if sign == ">=" else "--fail-over"
            raise GateError(
                f"{flag}: this run does not measure `{name}`; it measures {', '.join(known)}"
            )


def _judge(gates: list[tuple[str, float, str]], scores: dict[str, Any]) -> None:
    from nntrain.training.gates import failures

    for name, value, sign in gates:
        for line in failures({name: f"{sign} {value!r}"}, scores):
            print(f"error: {line}", file=sys.stderr)
            raise typer.Exit(5)
