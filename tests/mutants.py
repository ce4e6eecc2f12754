"""Mutation testing: small changes of the code, one at a time, that some test must notice.

    python -m tests.mutants [AREA...] [--processes 2] [--survivors | --report]

mutmut makes the mutants and runs the tests of an area on each.  Prints the figures of each module
and what survived, as `was → is`; exits 1 where an area has less than 80 % killed, or where a
survivor in a formula is not explained in tests/mutants-explained.toml.

Messages are left out: what stands inside a `raise`, and texts of two or more words.  mutmut itself
leaves out what is decorated (properties), and all that stands outside of functions (the defaults of
keys, docstrings).

--survivors runs those of the last time again, --report only prints.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOME = ROOT / "build" / "mutants"
EXPLAINED = ROOT / "tests" / "mutants-explained.toml"
ENOUGH = 0.8
COPIED = ("nntrain", "tests", "configs", "datasets", "docs")


@dataclass(frozen=True)
class Area:
    """Modules, and the tests that are theirs.  formulas: every survivor must be explained."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    formulas: bool = True


AREAS = {
    "store": Area(
        ("store.py",),
        ("accumulation", "averaging", "dense", "groups", "regularization", "residual", "run",
         "steps", "store"),
    ),
    "optimizers": Area(
        ("optimizers/*.py", "families/optimizer.py"),
        ("groups", "optimizers*", "steps", "training"),
    ),
    "losses": Area(
        ("losses/*.py", "families/loss.py", "heads.py"),
        ("class_weight", "loss*", "several_targets", "text", "undefined_scores"),
    ),
    "checkpoint": Area(
        ("run/archive.py", "run/checkpoint.py"),
        ("checkpoint*", "going_on", "run", "stored_models"),
        formulas=False,
    ),
}  # fmt: skip

STATES = {
    0: "survived", 1: "killed", 3: "killed", 5: "no tests", 33: "no tests",
    24: "timeouts", -24: "timeouts", 36: "timeouts", 152: "timeouts", 255: "timeouts",
}  # fmt: skip
"""What mutmut's exit codes mean; any other is of a process that did not end as pytest does."""


@dataclass(frozen=True)
class Mutant:
    """One change.  where: the function, by its full name.  text: `was → is`."""

    name: str
    where: str
    state: str
    text: str
    message: bool

    @property
    def left(self) -> bool:
        """Whether no test noticed it, though it is no message."""
        return not self.message and self.state not in ("killed", "timeouts")


@dataclass
class Module:
    """A module's mutants, those of messages apart."""

    name: str
    mutants: list[Mutant] = field(default_factory=list)

    def figures(self) -> Counter[str]:
        of_messages = sum(mutant.message for mutant in self.mutants)
        states = Counter(mutant.state for mutant in self.mutants if not mutant.message)
        return states + Counter(mutants=len(self.mutants), messages=of_messages)


def run(name: str, processes: int, names: list[str]) -> None:
    """Let mutmut work on an area, in a folder of its own with a config of its own."""
    folder, area = HOME / name, AREAS[name]
    if not names:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for each in COPIED:
            (folder / each).symlink_to(ROOT / each)
    modules = [f"nntrain/{module}" for module in area.modules]
    paths = [path for each in area.tests for path in (ROOT / "tests").glob(f"test_{each}.py")]
    tests = [f"tests/{path.name}" for path in sorted(paths)]
    print(f"{name}: {', '.join(modules)} by {len(tests)} files of tests", flush=True)
    more = f"only_mutate = {modules}\npytest_add_cli_args_test_selection = {tests}\n"
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    head, mark, rest = config.partition("[tool.mutmut]")
    own, end, rest = rest.partition("\n")
    (folder / "pyproject.toml").write_text(head + mark + own + end + more + rest, encoding="utf-8")
    command = Path(sys.executable).with_name("mutmut")
    log = folder / "log.txt"
    with log.open("w") as out:
        done = subprocess.run(
            [command, "run", "--max-children", str(processes), *names],
            cwd=folder,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=out,
            stderr=out,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"mutmut failed: see {log}")


def found(name: str) -> list[Module]:
    """What the last run of an area left behind."""
    folder = HOME / name / "mutants"
    modules = []
    for path in sorted(folder.rglob("*.py.meta")):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        if codes:
            source = path.with_suffix("")
            module = str(source.relative_to(folder).with_suffix("")).replace(os.sep, ".")
            modules.append(Module(module, list(_mutants(source, module, codes))))
    return modules


def _mutants(source: Path, module: str, codes: dict[str, int | None]) -> Iterator[Mutant]:
    """mutmut writes every mutant as a function beside the original."""
    text = source.read_text(encoding="utf-8")
    functions = {
        node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
    }
    lines = text.splitlines()
    for key, code in codes.items():
        name = key.removeprefix(f"{module}.")
        stem, _, _ = name.partition("__mutmut_")
        old, new = functions[f"{stem}__mutmut_orig"], functions[name]
        own = stem.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        plain = own.rpartition(".")[2]
        yield Mutant(
            key,
            f"{module}.{own}",
            "not run" if code is None else STATES.get(code, f"exit code {code}"),
            _change(_body(lines, old, plain), _body(lines, new, plain)),
            _is_message(old, new),
        )


def _body(lines: list[str], function: ast.FunctionDef, plain: str) -> list[str]:
    """Its lines, under the plain name that original and mutant share."""
    own = lines[function.lineno - 1 : function.end_lineno]
    return [own[0].replace(function.name, plain, 1), *own[1:]]


def _change(old: list[str], new: list[str]) -> str:
    """`was → is`: the lines that differ, and no more of a long statement than that."""
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
    rest = min(len(old), len(new)) - start
    same = next(
        (n for n in range(rest) if old[len(old) - 1 - n] != new[len(new) - 1 - n]),
        rest,
    )
    parts = (old[start : len(old) - same], new[start : len(new) - same])
    was, now = (" ".join(line.strip() for line in part) for part in parts)
    return f"{was} → {now}"


def _is_message(old: ast.AST, new: ast.AST) -> bool:
    """Whether the place where two functions differ is a text, or inside a `raise`."""
    if isinstance(old, ast.Raise):
        return True
    if type(old) is not type(new) or isinstance(old, ast.Constant):
        return _is_text(old)
    for name in old._fields:
        if (name, type(old)) == ("name", ast.FunctionDef):
            continue
        a, b = getattr(old, name), getattr(new, name)
        lists = isinstance(a, list) and isinstance(b, list)
        pairs = list(zip(a, b, strict=False)) if lists else [(a, b)]
        for one, other in pairs:
            if not _equal(one, other):
                both = isinstance(one, ast.AST) and isinstance(other, ast.AST)
                return both and _is_message(one, other)
    return False


def _equal(a: object, b: object) -> bool:
    both = isinstance(a, ast.AST) and isinstance(b, ast.AST)
    return ast.dump(a) == ast.dump(b) if both else a == b  # type: ignore[arg-type]


def _is_text(node: ast.AST) -> bool:
    parts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return isinstance(node, (ast.Constant, ast.JoinedStr)) and any(
        isinstance(part, str) and len(part.split()) > 1 for part in parts
    )


def explained() -> dict[tuple[str, str], str]:
    """Why a mutant that is found to survive may do so, by place and change."""
    entries = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["survivor"]
    return {(e["where"], change): e["why"] for e in entries for change in e["changes"]}


def report(name: str, reasons: dict[tuple[str, str], str]) -> list[str]:
    """Print an area's figures and survivors; what is wrong with it, in words."""
    columns = ("mutants", "messages", "killed", "timeouts", "survived", "no tests")
    total, wrong = Counter[str](), list[str]()
    modules = found(name)
    print(f"\n{name:34}", *(f"{column:>9}" for column in columns), "   share")
    for module in modules:
        figures = module.figures()
        total += figures
        print(f"{module.name:34}", *(f"{figures[key]:9}" for key in columns), _percent(figures))
    print(f"{'':34}", *(f"{total[key]:9}" for key in columns), _percent(total))
    if _share(total) < ENOUGH:
        wrong.append(f"{name}: {_percent(total).strip()} of the mutants are killed")
    left = [mutant for module in modules for mutant in module.mutants if mutant.left]
    for mutant in left:
        why = reasons.get((mutant.where, mutant.text))
        print(f"  {mutant.state}: {mutant.where}: {mutant.text}\n    {why or 'not explained'}")
        if AREAS[name].formulas and not why:
            wrong.append(f"{mutant.name} is not explained")
    here = {(mutant.where, mutant.text) for mutant in left}
    prefixes = tuple(module.name + "." for module in modules)
    for where, text in reasons:
        if where.startswith(prefixes) and (where, text) not in here:
            print(f"  explained, but killed or gone: {where}: {text}")
    return wrong


def _share(figures: Counter[str]) -> float:
    killed = figures["killed"] + figures["timeouts"]
    return killed / max(1, figures["mutants"] - figures["messages"])


def _percent(figures: Counter[str]) -> str:
    return f"{100 * _share(figures):6.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("areas", nargs="*", metavar="AREA", help=", ".join(AREAS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args()
    if unknown := set(asked.areas) - set(AREAS):
        parser.error(f"{unknown.pop()} is none of {', '.join(AREAS)}")
    wrong, reasons = list[str](), explained()
    for name in asked.areas or AREAS:
        again = [
            mutant.name
            for module in (found(name) if asked.survivors else [])
            for mutant in module.mutants
            if mutant.left
        ]
        if not asked.report and (again or not asked.survivors):
            run(name, asked.processes, again)
        wrong += report(name, reasons)
    if wrong:
        raise SystemExit("\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
