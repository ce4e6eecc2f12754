"""`nntrain lr-find`: which learning rate is worth trying first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from nntrain.cli.arguments import common_options, json_option, set_option
from nntrain.cli.loading import describe, load_config, load_data, tell
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, GateError
from nntrain.threads import pin

if TYPE_CHECKING:
    from nntrain.config import Loaded

MOST_STEPS = 100_000


@click.command(short_help="Look for a learning rate, in one short training.")
@click.argument("config", metavar="CONFIG")
@set_option
@click.option(
    "--from", "lowest", type=float, default=1e-7, metavar="RATE", help="The first, by default 1e-7."
)
@click.option(
    "--to", "highest", type=float, default=10.0, metavar="RATE", help="The last, by default 10."
)
@click.option(
    "--steps",
    type=click.IntRange(20, MOST_STEPS),
    default=200,
    metavar="N",
    help="Steps from the first rate to the last, by default 200.",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="The same as --set seed=N.")
@json_option
@common_options
def lr_find(
    config: str,
    settings: tuple[str, ...],
    lowest: float,
    highest: float,
    steps: int,
    seed: int | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Train CONFIG for a few steps while the learning rate grows, and say which one to try.

    Nothing is written.  Exits 5 where no rate makes the loss fall.
    """
    from nntrain.cli.signals import Stopper
    from nntrain.display.printer import Printer
    from nntrain.run.manifest import limit_threads
    from nntrain.tuning.range_test import range_test

    if not 0.0 < lowest < highest < float("inf"):
        raise ConfigError(f"--from, --to: expected 0 < from < to, got {lowest:g} and {highest:g}")
    pin(1)
    limit_threads(1)
    given = [*settings, *([] if seed is None else [f"seed={seed}"])]
    loaded = load_config(Path(config), given)
    say = Printer(sys.stderr, quiet=quiet)
    tell(loaded, say)
    dataset = load_data(loaded, say)
    if verbose:
        describe(dataset, say, every=True)
    with Stopper() as stop:
        found = range_test(
            loaded.experiment, dataset, stop, lowest=lowest, highest=highest, steps=steps
        )
    if found is None:
        raise Exit(stop.exit_code)
    shipped = loaded.experiment.optimizer.learning_rate
    rate = None if found.suggestion is None else float(f"{found.suggestion:.1e}")
    line = "" if rate is None else _to_paste(loaded, rate)
    if as_json:
        points = [point._asdict() for point in found.points]
        result: dict[str, Any] = {"config": config, "points": points, "learning_rate": shipped}
        print_json({**result, "suggestion": rate, "yaml": line or None})
    else:
        from nntrain.display.range_test import seen

        show(*seen(found.points, found.suggestion, sys.stdout))
        if rate:
            show(f"worth trying: {rate:g} (the config has {shipped:g})", "", line)
    if rate is None:
        print(f"error: {found.why}", file=sys.stderr)
        raise Exit(GateError.exit_code)


def _to_paste(loaded: Loaded, rate: float) -> str:
    """The optimizer as the config has it, with this learning rate."""
    from nntrain.config.tree import find, plain
    from nntrain.config.writing import one_line

    node = find(loaded.root, ("optimizer",))
    given = plain(node) if node else {}
    kind = {"type": loaded.experiment.optimizer.kind}
    return one_line("optimizer", {**kind, **given, "learning_rate": rate})
