"""Repeat: the config as it was given, and what it takes to train the same again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from nntrain.report.markup import Html, section, table, tag
from nntrain.report.told import Told

MOST_LETTERS = 300


def config(told: Told) -> Html | None:
    """config.yaml, to the letter."""
    return section("Config", tag("pre", told.config)) if told.config else None


def again(told: Told) -> Html | None:
    """The commands, and what the bits depend on."""
    facts = told.run.manifest
    if not facts:
        return None
    run = shlex.quote(told.path)
    lines = [f"nntrain runs verify {run}   # trains again, compares to the bit", *_fit(told)]
    rows = [(name, value) for name, value in _facts(facts) if value]
    commands = tag("pre", "\n".join(lines))
    return section("To repeat it", commands, table(("depends on", ""), rows, "ll"))


def _fit(told: Told) -> Iterator[str]:
    """The command that trains the same anew, with the paths that the data was found by."""
    facts = told.run.manifest
    data, threads = facts.get("data"), facts.get("threads")
    paths = {key: data.get(key) for key in ("path", "test_path")} if isinstance(data, dict) else {}
    given = {key: path for key, path in paths.items() if path and isinstance(path, str)}
    if "path" in given and type(threads) is int:
        sets = (f"--set {shlex.quote(f'data.{key}={path}')}" for key, path in given.items())
        config = shlex.quote(f"{told.path}/config.resolved.yaml")
        yield " ".join(["nntrain fit", config, *sets, f"--threads {threads}"])


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "nntrain", _text(facts.get("nntrain"))
    yield "seed", _text(facts.get("seed"))
    for key, word in (
        ("path", "data"),
        ("sha256", "SHA-256 of the data"),
        ("test_path", "test rows"),
    ):
        data = facts.get("data")
        yield word, _text(data.get(key)) if isinstance(data, dict) else ""
    yield "threads", _text(facts.get("threads"))
    yield "Python", _text(facts.get("python"))
    yield "NumPy", _text(facts.get("numpy"))
    yield "linear algebra", _text(facts.get("blas"))
    yield "machine", _text(facts.get("machine"))


def _text(value: Any) -> str:
    """A plain value in words."""
    if isinstance(value, dict):
        found = " ".join(filter(None, map(_text, value.values())))
    elif isinstance(value, list):
        found = ", ".join(map(_text, value))
    else:
        found = "" if value is None else str(value)
    return found if len(found) <= MOST_LETTERS else f"{found[:MOST_LETTERS]}…"
