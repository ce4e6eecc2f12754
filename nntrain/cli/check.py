"""`nntrain check`: what a config and its data come to, without training."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from nntrain.cli import completion
from nntrain.cli.actions import complain
from nntrain.cli.arguments import common_options, json_option, set_option
from nntrain.cli.loading import describe, load_config, load_data, tell
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, GateError
from nntrain.threads import pin
from nntrain.wording import plural

if TYPE_CHECKING:
    from nntrain.audit.audit import Audit
    from nntrain.config import Loaded
    from nntrain.data.dataset import Dataset
    from nntrain.events import GradientRow


@click.command(short_help="Check a config, its data and, if asked, its gradients.")
@click.argument("config", default="", metavar="CONFIG", shell_complete=completion.files)
@set_option
@click.option(
    "--resolved",
    is_flag=True,
    help="The whole config with every default, and where each value came from.",
)
@click.option(
    "--explain",
    default="",
    metavar="KEY",
    shell_complete=completion.keys,
    help="What a key or kind means, takes and is by default; with or without CONFIG.",
)
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
    resolved: bool,
    explain: str,
    gradients: bool,
    audit: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Check CONFIG and its data: columns, rows, the network and what training it takes."""
    if explain or resolved:
        if gradients or audit or (explain and resolved):
            flag = "--explain" if explain else "--resolved"
            raise ConfigError(f"{flag}: it goes with no other check")
        if explain:
            _explain(explain, config, settings, as_json=as_json)
        else:
            _resolve(_named(config), settings, as_json=as_json, quiet=quiet)
        return
    _named(config)
    pin(1)  # as `fit` does: it is timed here
    from nntrain.config import check_sweep
    from nntrain.display import costs as display
    from nntrain.display import plain
    from nntrain.display.printer import Printer

    loaded = load_config(Path(config), list(settings))
    check_sweep(loaded)
    say = Printer(sys.stderr, quiet=quiet)
    dataset = load_data(loaded, say)
    experiment, shape = loaded.experiment, dataset.preprocessor.shape
    result = {"config": config, **_taken(loaded, dataset)}
    compared: list[GradientRow] = []
    audited: Audit | None = None
    if gradients:
        from nntrain.training.gradients import check_gradients

        compared = list(check_gradients(experiment, dataset))
        result["gradients"] = [
            {**vars(row), "error": row.error if math.isfinite(row.error) else None}
            for row in compared
        ]
    if audit:
        from nntrain.audit.audit import audit as look

        audited = look(dataset, experiment.data)
        result["audit"] = audited.to_plain()
    if as_json:
        print_json(result)
    else:
        describe(dataset, say, every=verbose)
        show(*display.network(result, shape, every=verbose), "")
        show(*plain.checked(result["rows"], result["notes"]))
        show(*display.told(result, experiment.trainer.max_epochs))
        if gradients:
            show("", *plain.gradients(compared))
        if audited:
            show("", *plain.audited(audited.findings, audited.limits))
    _judge(compared, audited)


def _taken(loaded: Loaded, dataset: Dataset) -> dict[str, Any]:
    """Rows, layers, and what training takes, in JSON types."""
    from nntrain.display.plain import parameters
    from nntrain.run.checks import notices
    from nntrain.run.model import build_plan
    from nntrain.training.costs import costs

    experiment, known = loaded.experiment, dataset.preprocessor
    plan = build_plan(experiment, known)
    takes = costs(experiment, plan, dataset)
    return {
        "rows": {name: len(part) for name, part in dataset.parts.items()},
        "inputs": known.inputs,
        "outputs": known.outputs,
        "parameters": parameters(plan.layers),
        **takes,
        "layers": [
            {"layer": r.path, "kind": r.kind, "shape": r.shape, "parameters": r.parameters, **own}
            for r, own in zip(plan.layers, takes["layers"], strict=True)
        ],
        "notes": [*loaded.notes, *notices(experiment, plan)],
    }


def _judge(compared: Sequence[GradientRow], audited: Audit | None) -> None:
    """Exit 5 where a check was not met."""
    if wrong := [row for row in compared if not row.ok]:
        what = "wrong" if math.isfinite(wrong[0].error) else "not finite"
        complain(f"the gradient of {wrong[0].name} is {what}")
        raise Exit(GateError.exit_code)
    if audited and audited.serious:
        makes = "make" + "s" * (audited.serious == 1)
        complain(f"{plural(audited.serious, 'finding')} that {makes} scores worthless")
        raise Exit(GateError.exit_code)


def _named(config: str) -> str:
    if not config:
        raise ConfigError("check: expected CONFIG", hint="nntrain check config.yaml")
    return config


def _resolve(config: str, settings: tuple[str, ...], *, as_json: bool, quiet: bool) -> None:
    """The config as YAML that `fit` takes, a value a line."""
    from nntrain.config import origins
    from nntrain.display.printer import Printer

    loaded = load_config(Path(config), list(settings))
    tell(loaded, Printer(sys.stderr, quiet=quiet))
    if as_json:
        found = origins.values(loaded)
        print_json({each.key: {"value": each.value, "from": each.origin} for each in found})
        return
    show(f"# {origins.head(loaded)}", *origins.resolved_with_origins(loaded))


def _explain(key: str, config: str, settings: tuple[str, ...], *, as_json: bool) -> None:
    """What there is to say of a key, and what it is in CONFIG."""
    from nntrain.config.asked import answers
    from nntrain.config.origins import values
    from nntrain.display.explained import explained

    loaded = load_config(Path(config), list(settings)) if config else None
    found = [answer.to_plain() for answer in answers(key, loaded.root if loaded else None)]
    here = []
    if loaded:
        all_of = [each for each in values(loaded) if f"{each.key}.".startswith(f"{key}.")]
        here = [{"key": each.key, "value": each.value, "from": each.origin} for each in all_of]
    result: dict[str, Any] = {"key": key, "answers": found, **({"here": here} if loaded else {})}
    if as_json:
        print_json(result)
    else:
        show(*explained(result))
