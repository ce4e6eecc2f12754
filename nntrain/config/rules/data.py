"""Columns, splits and windows."""

from __future__ import annotations

from nntrain.config.rules.finding import Finding, Findings, twice
from nntrain.config.tree import KeyPath
from nntrain.data.memory import UNITS, bytes_of
from nntrain.data.settings import Data, Split
from nntrain.wording import listed, quoted


def split_leaves_rows(data: Data) -> Findings:
    split: Split = data.split
    if sum(size for size in (split.validation, split.test) if size < 1) >= 1:
        parts = f"validation {split.validation:g} and test {split.test:g}"
        message = f"{parts} leave no rows to train on"
        yield Finding(("data", "split"), message, "their sum must be below 1")


def test_rows_once(data: Data) -> Findings:
    if data.test_path is not None and data.split.test:
        message = "the test has the rows of `data.test_path` already"
        yield Finding(("data", "split", "test"), message, "leave one of the two out")


def paths_are_there(data: Data) -> Findings:
    for name in ("path", "test_path"):
        if getattr(data, name) == ():
            yield Finding(("data", name), "expected at least one file, got an empty list")


def labels_of_one_file(data: Data) -> Findings:
    several = data.test_path is not None or not isinstance(data.path, str)
    if several and getattr(data.format, "labels", None):
        there = "`data.test_path` there are two" if data.test_path else "a list there are several"
        message = f"`labels` names the labels of one file, and with {there}"
        hint = "leave it out: `…-labels-idx1-ubyte` beside `…-images-idx3-ubyte` is found by itself"
        yield Finding(("data", "format", "labels"), message, hint)


def memory_is_a_size(data: Data) -> Findings:
    if data.max_memory is not None and not bytes_of(data.max_memory):
        message = f"expected a size such as `500 MB`, got {quoted(data.max_memory)}"
        yield Finding(("data", "max_memory"), message, f"units are {listed(UNITS)}")


def windows_foretell(data: Data) -> Findings:
    if not data.window:
        return
    if not data.targets:
        message = "a window needs a target: the columns that it foretells"
        yield Finding(("data", "window"), message, "add `data.target: COLUMN`")
    if data.split.by == "random":
        message = "windows overlap, so rows drawn at random would be in training and test at once"
        yield Finding(("data", "split", "by"), message, "leave it out, or write `by: time`")


def columns_once(data: Data) -> Findings:
    lists = {"target": data.targets, "id": data.ids}
    for name, columns in lists.items():
        if not columns and getattr(data, name) is not None:
            yield Finding(("data", name), "expected at least one column, got an empty list")
        yield from twice(("data", name), columns)
    yield from twice(("data", "features", "include"), data.features.include or ())
    yield from twice(("data", "features", "exclude"), data.features.exclude)
    if data.features.include == ():
        message = "expected at least one column, got an empty list"
        yield Finding(("data", "features", "include"), message, "leave it out to use all columns")


def columns_have_one_role(data: Data) -> Findings:
    """A column is a target, an id, a feature, or left out: the later listing is the mistake."""
    roles = {"the target": data.targets, "an id": data.ids}
    places: list[tuple[KeyPath, tuple[str, ...]]] = [
        (("data", "id"), data.ids),
        (("data", "features", "include"), data.features.include or ()),
    ]
    places.append((("data", "features", "exclude"), data.features.exclude))
    for path, columns in places:
        for i, column in enumerate(columns):
            role = next((role for role, names in roles.items() if column in names), "")
            if not role or (path == ("data", "id") and role == "an id"):
                continue
            at = path if isinstance(data.id, str) and path == ("data", "id") else (*path, i)
            hint = "" if path[-1] == "id" else "targets and ids are never features"
            yield Finding(at, f"{quoted(column)} is {role} already", hint)
    for i, column in enumerate(data.features.exclude):
        if column in (data.features.include or ()):
            message = f"{quoted(column)} stands in `include` too"
            yield Finding(("data", "features", "exclude", i), message)


def ids_are_not_names_of_predictions(data: Data) -> Findings:
    for i, column in enumerate(data.ids):
        if column == "prediction" or column.startswith(("prediction_", "probability_")):
            at: KeyPath = ("data", "id") if isinstance(data.id, str) else ("data", "id", i)
            message = f"{quoted(column)} is the name of a column that `predict` writes"
            yield Finding(at, message, "give the id column another name")


def ignored_columns(data: Data) -> Findings:
    for column, kind in data.columns.items():
        if kind == "ignore" and column in (*data.targets, *data.ids):
            role = "the target" if column in data.targets else "an id"
            yield Finding(
                ("data", "columns", column), f"{quoted(column)} is {role}, it can not be ignored"
            )
