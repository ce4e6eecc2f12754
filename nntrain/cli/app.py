"""The commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from nntrain import __version__
from nntrain.cli.actions import annotate
from nntrain.cli.completion import complete
from nntrain.cli.group import Group
from nntrain.cli.output import discard_stdout, print_json, unwritable
from nntrain.errors import ConfigError, DataError, MachineError, NNTrainError, Problem
from nntrain.launched import place

EXIT_CODES = (
    "Exit codes: 0 done, 1 a defect of ours, 2 command line or config, 3 data, "
    "4 training diverged, 5 a gate or check was not met, 6 the machine or a damaged file, "
    "130 and 143 stopped after saving."
)
COMMANDS = {
    "fit": "fit",
    "init": "init",
    "check": "check",
    "lr-find": "lr_find",
    "sweep": "sweep",
    "eval": "evaluate",
    "predict": "predict",
    "runs": "runs",
    "report": "report",
    "export": "export",
    "schema": "schema",
}
HIDDEN = {"train": "fit", "evaluate": "eval"}  # what people type who come from elsewhere


class Commands(Group):
    """All commands, with the hidden names.  Only that is loaded which is asked for."""

    def names(self) -> list[str]:
        return list(COMMANDS)

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        name = HIDDEN.get(name, name)
        if name not in COMMANDS:
            return None
        module = import_module(f"nntrain.cli.{name.replace('-', '_')}")
        command: click.Command = getattr(module, COMMANDS[name])
        return command


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="nntrain %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """Train neural networks from a YAML file, in NumPy."""
    if not context.invoked_subcommand:
        click.echo(context.get_help())


def main() -> None:
    """Run the command line, as one process or as one of several."""
    here = place(os.environ)
    if here.size == 1:
        run()
        return
    from nntrain.cli.ranks import run_as_rank

    run_as_rank(here, run, fail)


def run() -> None:
    """Run a command; every error ends here."""
    for name in ("stdout", "stderr"):  # closed ones are None
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123
    try:
        complete(app)
        with app.make_context("nntrain", sys.argv[1:]) as context:
            app.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except NNTrainError as error:
        fail(error)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "nntrain"
        fail(ConfigError(error.format_message(), hint=f"see {command} --help"))
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        fail(MachineError("there is not enough memory"))
    except BrokenPipeError:  # the reader has seen enough, as in `| head`
        discard_stdout()
    except OSError as error:
        fail(_of_the_machine(error) if error.errno else error)
    except Exception as error:
        fail(error)


def _of_the_machine(error: OSError) -> MachineError:
    """What the system refused, and where, if it says so."""
    if error.filename is None and error.errno == errno.ENOSPC:
        return unwritable(error)
    place = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    return MachineError(f"{place}{error.strerror}")


def fail(error: Exception) -> NoReturn:
    """Say what went wrong, on stderr or as JSON, and exit with its code."""
    from nntrain.display.printer import Printer

    if "--debug" in sys.argv:
        sys.excepthook(type(error), error, error.__traceback__)
    if not isinstance(error, NNTrainError):
        error = DefectError(f"{type(error).__name__}: {error}")
    problem = first_problem(error)
    if "--json" in sys.argv:
        place = {"file": problem.file, "line": problem.line, "column": problem.column}
        known = {key: value or None for key, value in place.items()}
        print_json({"error": {"code": error.code, "message": str(error), **known}})
    # a problem with a place begins with it, so that editors can jump there
    Printer(sys.stderr)(str(error) if problem.line else f"error: {error}")
    annotate(error)
    sys.exit(error.exit_code)


def first_problem(error: NNTrainError) -> Problem:
    if isinstance(error, ConfigError):
        return error.problems[0]
    return error.problem if isinstance(error, DataError) else Problem("")


class DefectError(NNTrainError):
    """What should not happen: a defect of ours."""

    code = "defect"

    def __str__(self) -> str:
        return (
            f"a defect of nntrain, not of your files: {self.args[0]}\n"
            "  run the same command with --debug and report what it prints"
        )
