"""`nntrain check`: what a config and its data come to, without training."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from nntrain.cli.arguments import common_options, json_option, set_option
from nntrain.cli.loading import describe, load_config, load_data
from nntrain.cli.output import print_json, show
from nntrain.errors import GateError
from nntrain.wording import plural

if TYPE_CHECKING:
    from nntrain.events import GradientRow


@click.command(short_help="Check a config, its data and, if asked, its gradients.")
@click.argument("config", metavar="CONFIG")
@set_option
@click.option(
    "--gradients",
    is_flag=True,
    help="Compare every gradient with finite differences; exit 5 where they differ.",
)
@click.option(
    "--audit",
    is_flag=True,
    help="Look for what spoils results in the data; exit 5 for what makes scores worthless.",
)
@json_option
@common_options
def check(
    config: str,
    settings: tuple[str, ...],
    gradients: bool,
    audit: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Check CONFIG and its data: the columns, the rows of each split, the network."""
    from nntrain.display import plain
    from nntrain.display.printer import Printer
    from nntrain.run.checks import notices
    from nntrain.run.model import build_plan

    loaded = load_config(Path(config), list(settings))
    say = Printer(sys.stderr, quiet=quiet)
    dataset = load_data(loaded, say)
    experiment, known = loaded.experiment, dataset.preprocessor
    plan = build_plan(experiment, known)
    layers, notes = plan.layers, [*loaded.notes, *notices(experiment, plan)]
    rows = {name: len(part) for name, part in dataset.parts.items()}
    compared: list[GradientRow] = []
    if gradients:
        from nntrain.training.gradients import check_gradients

        compared = list(check_gradients(experiment, dataset))
    audited = None
    if audit:
        from nntrain.audit.audit import audit as look

        audited = look(dataset, experiment.data)
    if as_json:
        result: dict[str, Any] = {
            "config": config,
            "rows": rows,
            "inputs": known.inputs,
            "outputs": known.outputs,
            "parameters": plain.parameters(layers),
            "layers": [
                {"layer": r.path, "kind": r.kind, "shape": r.shape, "parameters": r.parameters}
                for r in layers
            ],
            "notes": notes,
        }
        if gradients:
            result["gradients"] = [
                {**vars(row), "error": row.error if math.isfinite(row.error) else None}
                for row in compared
            ]
        if audited:
            result["audit"] = audited.to_plain()
        print_json(result)
    else:
        describe(dataset, say, every=verbose)
        show(*plain.checked(layers, known.shape, rows, notes))
        if gradients:
            show("", *plain.gradients(compared))
        if audited:
            show("", *plain.audited(audited.findings, audited.limits))
    if wrong := [row for row in compared if not row.ok]:
        what = "wrong" if math.isfinite(wrong[0].error) else "not finite"
        print(f"error: the gradient of {wrong[0].name} is {what}", file=sys.stderr)
        raise Exit(GateError.exit_code)
    if audited and audited.serious:
        what = plural(audited.serious, "finding")
        print(
            f"error: {what} that make{'s' * (audited.serious == 1)} scores worthless",
            file=sys.stderr,
        )
        raise Exit(GateError.exit_code)
