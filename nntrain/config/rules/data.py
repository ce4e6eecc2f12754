"""Columns, splits and windows."""

from __future__ import annotations

from nntrain.config.rules.finding import Finding, Findings, twice
from nntrain.config.tree import KeyPath
from nntrain.data.settings import Data, Split
from nntrain.wording import quoted

LOOKS = ("group", "column", "hash")  # ways to split that look at a column


def split_column(data: Data) -> Findings:
    """What looks at a column needs one, and nothing else has one."""
    split, path = data.split, ("data", "split", "column")
    if split.by in LOOKS and split.column is None:
        message = f"`by: {split.by}` looks at a column: which one?"
        yield Finding(("data", "split", "by"), message, "write `column: NAME` beside it")
    elif split.by not in LOOKS and split.column is not None:
        message = f"`by: {split.by}` looks at no column"
        hint = "rows with equal cells together: `by: group`; cells that say `train` or `test`: "
        yield Finding(path, message, f"{hint}`by: column`; by an id: `by: hash`")
    elif split.column in data.targets:
        message = f"{quoted(split.column or '')} is the target: a part would know its answers"
        yield Finding(path, message, "name another column, such as an id")


def split_sizes(data: Data) -> Findings:
    """Parts whose sizes follow from something else have none to be chosen."""
    split = data.split
    own = {"validation": (split.validation, data.validation_path),
           "test": (split.test, data.test_path)}  # fmt: skip
    for part, (size, file) in own.items():
        default = getattr(Split, part) if file is None else 0.0
        if split.by == "column" and size != default:
            message = f"the cells of `data.split.column` say which rows are the {part}'s"
            yield Finding(("data", "split", part), message, "leave it out")
        elif split.by == "hash" and size >= 1:
            message = f"a hash gives each row a part by itself, so that {size:,} rows can't be kept"
            yield Finding(("data", "split", part), message, "write a share, such as 0.15")


def folds(data: Data) -> Findings:
    split, path = data.split, ("data", "split", "k_fold")
    if split.k_fold is None:
        return
    if split.k_fold.folds < 2:
        yield Finding((*path, "folds"), "expected at least 2 folds: each is trained on the others")
    elif split.k_fold.fold > split.k_fold.folds:
        message = f"there are only {split.k_fold.folds} folds, numbered from 1"
        yield Finding((*path, "fold"), message)
    if split.by == "column":
        message = "the cells of a column say which rows are the test, so there is nothing to fold"
        hint = "`by: group` holds out the rows of each cell together"
        yield Finding(path, message, hint)
    if data.test_path is not None:
        message = "the rows that a fold holds out are its test, and `data.test_path` has others"
        hint = "leave it out, `--set data.test_path=null`, and `nntrain eval --data` it later"
        yield Finding(path, message, hint)


def split_leaves_rows(data: Data) -> Findings:
    split: Split = data.split
    if split.by == "column":
        return
    if sum(size for size in (split.validation, split.test) if size < 1) >= 1:
        parts = f"validation {split.validation:g} and test {split.test:g}"
        message = f"{parts} leave no rows to train on"
        yield Finding(("data", "split"), message, "their sum must be below 1")


def test_rows_once(data: Data) -> Findings:
    if data.test_path is not None and data.split.test:
        message = "the test has the rows of `data.test_path` already"
        yield Finding(("data", "split", "test"), message, "leave one of the two out")


def validation_rows_once(data: Data) -> Findings:
    if data.validation_path is not None and data.split.validation:
        message = "the rows of `data.validation_path` judge each epoch already"
        yield Finding(("data", "split", "validation"), message, "leave one of the two out")


def paths_are_there(data: Data) -> Findings:
    for name in ("path", "validation_path", "test_path"):
        if getattr(data, name) == ():
            yield Finding(("data", name), "expected at least one file, got an empty list")


def labels_of_one_file(data: Data) -> Findings:
    other = "test_path" if data.test_path is not None else "validation_path"
    several = getattr(data, other) is not None
    if (several or not isinstance(data.path, str)) and getattr(data.format, "labels", None):
        there = f"`data.{other}` there are two" if several else "a list there are several"
        message = f"`labels` names the labels of one file, and with {there}"
        hint = "leave it out: `…-labels-idx1-ubyte` beside `…-images-idx3-ubyte` is found by itself"
        yield Finding(("data", "format", "labels"), message, hint)


def windows_foretell(data: Data) -> Findings:
    if not data.window:
        return
    if not data.targets:
        message = "a window needs a target: the columns that it foretells"
        yield Finding(("data", "window"), message, "add `data.target: COLUMN`")
    if data.split.by != "time":
        drawn = "at random" if data.split.by == "random" else f"by {data.split.by}"
        message = f"windows overlap, so rows drawn {drawn} would be in training and test at once"
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
    roles = {"the target": data.targets, "an id": data.ids, "the weight of rows": data.weights}
    places: list[tuple[KeyPath, tuple[str, ...]]] = [
        (("data", "id"), data.ids),
        (("data", "weight"), data.weights),
        (("data", "features", "include"), data.features.include or ()),
    ]
    places.append((("data", "features", "exclude"), data.features.exclude))
    for path, columns in places:
        for i, column in enumerate(columns):
            role = next((role for role, names in roles.items() if column in names), "")
            own = {"id": "an id", "weight": "the weight of rows"}.get(str(path[-1]))
            if not role or role == own:
                continue
            at = path if isinstance(getattr(data, str(path[-1]), ()), str) else (*path, i)
            hint = "" if own else "targets and ids are never features"
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
        if kind == "ignore" and column in (*data.targets, *data.ids, *data.weights):
            role = "the target" if column in data.targets else "an id"
            role = "the weight of rows" if column in data.weights else role
            yield Finding(
                ("data", "columns", column), f"{quoted(column)} is {role}, it can not be ignored"
            )


def weights_of_rows(data: Data) -> Findings:
    if data.text and data.weight is not None:
        message = "a text has no rows, so there is nothing that could count more"
        yield Finding(("data", "weight"), message, "leave it out")


def numbers_are_filled(data: Data) -> Findings:
    how = data.preprocessing.numeric
    if how.fill != 0.0 and how.impute != "constant":
        path: KeyPath = ("data", "preprocessing", "numeric", "fill")
        message = f"`impute: {how.impute}` finds its number in the training rows"
        yield Finding(path, message, "leave `fill` out, or write `impute: constant`")


def categories_are_filled(data: Data) -> Findings:
    how, path = data.preprocessing.categorical, ("data", "preprocessing", "categorical")
    if how.fill is None and how.impute == "constant":
        message = "`impute: constant` needs the category that it fills in"
        yield Finding((*path, "impute"), message, "add `fill: CATEGORY`")
    if how.fill is not None and how.impute != "constant":
        message = f"`impute: {how.impute}` finds its category in the training rows"
        hint = "leave `fill` out, or write `impute: constant`"
        yield Finding((*path, "fill"), message, hint)


def categories_are_known(data: Data) -> Findings:
    """Keys that would do nothing, or the opposite of what another says."""
    how, path = data.preprocessing.categorical, ("data", "preprocessing", "categorical")
    if how.encode == "hashed" and how.unknown != "ignore":
        message = "every category has a bucket where they are hashed, unseen ones too"
        yield Finding((*path, "unknown"), message, "leave it out, or write `encode: one_hot`")
    if how.encode == "hashed" and how.min_count is not None:
        message = "rare categories have buckets like all others where they are hashed"
        yield Finding((*path, "min_count"), message, "leave it out, or write `encode: one_hot`")
    if how.unknown == "error" and how.least > 1:
        message = "rare categories count as unseen, which `unknown: error` refuses"
        yield Finding((*path, "min_count"), message, "write `unknown: category`, or leave it out")
    if how.encode == "embedding" and not data.targets:
        message = "without a target the network learns its own input, and numbers of categories "
        message += "are no amounts"
        yield Finding((*path, "encode"), message, "write `one_hot`, or add `data.target`")


def parts_of_dates(data: Data) -> Findings:
    how, path = data.preprocessing.date, ("data", "preprocessing", "date")
    if how.parts == ():
        message = "expected at least one part, got an empty list"
        hint = "leave it out to take those that differ, or leave the columns out"
        yield Finding((*path, "parts"), message, hint)
    yield from twice((*path, "parts"), how.parts or ())
    if how.format is not None and "date" not in data.columns.values():
        message = "no column is called a date, and dates found without being called are ISO 8601"
        yield Finding((*path, "format"), message, "add `data.columns: {NAME: date}`")
