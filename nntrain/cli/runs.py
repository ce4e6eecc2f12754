"""`nntrain runs`: all runs as a table, one of them, two side by side, one trained again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.exceptions import Exit

from nntrain.cli import completion
from nntrain.cli.actions import complain
from nntrain.cli.arguments import common_options, json_option, plugin_option
from nntrain.cli.group import Group
from nntrain.cli.loading import run_plugins
from nntrain.cli.output import print_json, show
from nntrain.errors import ConfigError, GateError
from nntrain.wording import plural

if TYPE_CHECKING:
    from nntrain.run.choosing import Candidate
    from nntrain.run.recorded import Recorded


class Runs(Group):
    """`nntrain runs --json` is `nntrain runs list --json`."""

    def parse_args(self, context: click.Context, words: list[str]) -> list[str]:
        is_option = words and words[0].startswith("-") and words[0] not in ("-h", "--help")
        if is_option or not (words or context.resilient_parsing):  # a shell asks for commands
            words = ["list", *words]
        return super().parse_args(context, words)


@click.group(cls=Runs, short_help="All runs as a table; show, diff and verify them.")
def runs() -> None:
    """What was trained below runs/: `list` (the default), `show`, `diff` and `verify`."""


@runs.command("list", short_help="All runs as a table, the newest last; sorted, filtered.")
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    shell_complete=completion.run_keys,
    help="Only runs for which KEY=VALUE holds (also !=, <, <=, >, >=); repeatable.",
)
@click.option(
    "--sort",
    default="",
    metavar="KEY",
    shell_complete=completion.run_keys,
    help="By this key; -KEY: the largest first.",
)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option(
    "--columns",
    multiple=True,
    metavar="KEYS",
    shell_complete=completion.run_keys,
    help="These columns: run,validation_loss,seed.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    help="table (default), csv, json.",
)
@json_option
@common_options
def list_(
    where: tuple[str, ...],
    sort: str,
    reverse: bool,
    columns: tuple[str, ...],
    form: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
) -> None:
    """Show the runs below runs/, with how they ended and their scores.

    A KEY is run, status, created, epochs, best_epoch, seconds, a score such as validation_loss,
    or a key of the config such as optimizer.type.
    """
    import shutil  # here, since most commands start without it

    from nntrain.display import runs as display
    from nntrain.run import choosing
    from nntrain.run.recorded import everything

    if as_json and form not in (None, "json"):
        raise ConfigError(f"--json: it does not go with --format {form}")
    found = [choosing.Candidate.of(run) for run in everything()]
    choice = choosing.choose(found, where, sort, reverse=reverse)
    keys, asked = _columns(columns, found), choice.keys
    plain, values = [run.plain for run in choice.runs], choice.values(keys or asked)
    for sentence in () if quiet else (line for run in found for line in run.damage):
        print(f"note: {sentence}", file=sys.stderr)
    if as_json or form == "json":
        print_json({"runs": values if keys else plain})
    elif form == "csv":
        show(*display.as_csv(plain, values, keys, asked))
    elif plain:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        show(*display.listed(plain, values, keys, asked, width))
        stopped = [run.run for run in choice.runs if _way_on(run.run)]
        if stopped and not quiet:
            last = max(stopped, key=lambda run: run.created)
            print(f"not finished, goes on with: {_way_on(last)}", file=sys.stderr)
    elif not quiet:
        none = "no run below runs/ yet: nntrain fit CONFIG makes one"
        print(f"none of {plural(len(found), 'run')}" if found else none, file=sys.stderr)


def _columns(asked: tuple[str, ...], runs: list[Candidate]) -> list[str]:
    """The keys that `--columns` names, separated by commas or in several flags."""
    from nntrain.run.choosing import check_key

    keys = [key.strip() for text in asked for key in text.split(",")]
    for key in keys:
        check_key("--columns", key, runs)
    return keys


@runs.command("show", short_help="One run: its end, scores, manifest and files.")
@click.argument("run", default="", metavar="[RUN]", shell_complete=completion.runs)
@json_option
@common_options
def show_(run: str, as_json: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Show what is known of RUN, a run folder (the newest run)."""
    from nntrain.display import runs as display
    from nntrain.run.differences import flat
    from nntrain.run.recorded import named

    found = named(run)
    result: dict[str, Any] = {**found.to_plain(), "files": found.files()}
    for sentence in () if quiet else found.damage:
        print(f"note: {sentence}", file=sys.stderr)
    if as_json:
        print_json({**result, "manifest": found.manifest})
    else:
        facts = {key: value for key, value in flat(found.manifest).items() if key != "created"}
        show(*display.shown({**result, "manifest": facts}, _way_on(found)))


def _way_on(run: Recorded) -> str:
    """The command that goes on with a run; nothing where it has come to its end, or is trained."""
    from nntrain.cli.leaving import going_on

    ended = run.status not in ("unfinished", "interrupted", "max_time")
    return "" if ended else going_on("fit", run.folder, ())


@runs.command("diff", short_help="What two runs have different: config, data, machine, results.")
@click.argument("a", shell_complete=completion.runs)
@click.argument("b", shell_complete=completion.runs)
@json_option
@common_options
def diff(a: str, b: str, as_json: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Show what the runs A and B, two run folders, have different."""
    from nntrain.display import runs as display
    from nntrain.run.differences import differences
    from nntrain.run.recorded import named

    one, other = named(a), named(b)
    parts = differences(one, other).items()
    found = {part: [row.to_plain() for row in rows] for part, rows in parts}
    if as_json:
        print_json({"a": str(one.folder.path), "b": str(other.folder.path), **found})
    else:
        show(*display.differences(str(one.folder.path), str(other.folder.path), found))


@runs.command("verify", short_help="Train a run again and compare, to the bit; exit 5 if not.")
@click.argument("run", default="", metavar="[RUN]", shell_complete=completion.runs)
@plugin_option
@json_option
@common_options
def verify(
    run: str, plugins: tuple[Path, ...], as_json: bool, quiet: bool, verbose: bool, debug: bool
) -> None:
    """Train RUN (the newest run) again in a temporary folder and compare model and metrics.

    Exits 0 where both files come out the same to the bit, 5 where not.
    """
    from nntrain.cli.signals import Stopper
    from nntrain.display import runs as display
    from nntrain.display.printer import Printer
    from nntrain.display.view import view
    from nntrain.run.recorded import named
    from nntrain.training import verify as training

    run_plugins(plugins)
    found, say = named(run), Printer(sys.stderr, quiet=quiet)
    path = str(found.folder.path)
    changed = [row.to_plain() for row in training.surroundings(found)]
    if changed:
        say("note: this run was made under another manifest, so its bits may differ:")
        for line in display.surroundings(changed):
            say(f"  {line}")
    with Stopper() as stop, view(say, lambda line: None) as see:
        events = training.verify(found, stop)
        while True:
            try:
                see(next(events))
            except StopIteration as end:
                verified: training.Verified | None = end.value
                break
    if verified is None:
        raise Exit(stop.exit_code)
    result = {"run": path, **verified.to_plain()}
    if as_json:
        print_json(result)
    else:
        show(*display.verified(path, result))
    if not verified.equal:
        why = ", as it may under another manifest" if changed else " under the same manifest"
        complain(f"{path} did not come out the same{why}")
        raise Exit(GateError.exit_code)
