"""Draft: from a look at the data to the text of a config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nntrain.data.columns import Column, parse
from nntrain.data.settings import Data, Date, Features, Preprocessing
from nntrain.data.table import is_grid
from nntrain.draft.answer import Answer, answers
from nntrain.draft.forecast import Course, find_course, forecast_loss, forecast_recipe
from nntrain.draft.images import image_recipe
from nntrain.draft.language import text_recipe
from nntrain.draft.page import Line, page
from nntrain.draft.recipe import Recipe, expectation, has_heads, loss, metrics, sections
from nntrain.draft.roles import Roles, roles_of
from nntrain.draft.section import (
    kinds_lines,
    preprocessing_lines,
    roles_lines,
    split_lines,
    target_lines,
    top_lines,
)
from nntrain.draft.series import series_recipe
from nntrain.draft.sight import Sight, look
from nntrain.draft.table import dense_recipe, table_recipe
from nntrain.draft.words import free_text, words_recipe
from nntrain.errors import ConfigError, DataError
from nntrain.families import Shape
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted, suggestion

FEWEST_ROWS = 20  # of which some train, some choose and some judge
FEW_ROWS = 100  # below it, scores differ much from split to split
SQUARE = 2.0  # an array without channels is an image where its sides differ by no more than this
SMALLEST_SIDE = 5


@dataclass(frozen=True)
class Draft:
    """A config that was written, and what was seen on the way.

    text: YAML with a comment on each line.
    columns: what each column is under this config.
    notes: sentences about what may be otherwise than it looks.
    """

    text: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...]


def draft(path: str, targets: Sequence[str], folder: str | Path) -> Draft:
    """A config for the data in `path`, as it stands in a file in `folder`."""
    sight = look(path)
    targets = targets or sight.own_target
    _check_targets(sight, targets)
    if sight.is_text:
        return _text(sight, folder)
    return _rows(sight, targets, folder)


def _check_targets(sight: Sight, targets: Sequence[str]) -> None:
    columns = list(sight.table.columns)
    if sight.is_text:
        if targets:
            hint = "leave --target out: the network learns what comes next"
            raise ConfigError(f"--target {targets[0]}: a text has no columns", hint=hint)
        return
    if not targets:
        hint = f"the columns are {listed(columns, most=20)}"
        raise ConfigError("init: expected --target COLUMN, what the network is to learn", hint=hint)
    for name in targets:
        if name not in columns:
            hint = suggestion([name], columns, "columns")
            raise ConfigError(f"--target {name}: the file has no such column", hint=hint)
    if len(set(targets)) < len(targets):
        raise ConfigError("--target: a column is named twice")


def _text(sight: Sight, folder: str | Path) -> Draft:
    tokens = next(iter(sight.table.columns.values()))
    different = len(set(tokens.tolist()))
    recipe, expect = text_recipe(len(tokens), different, sight.whole)
    score = Line(
        "metrics: [bits_per_character]", "how much each character surprises; 0 is none at all"
    )
    goal = [Line("loss: cross_entropy", "a probability for each character that can come next")]
    lines = [
        *top_lines(sight, folder),
        *(line.indented(2) for line in recipe.data),
        *sections(recipe, goal, score, expect),
    ]
    return Draft(page(lines), (), ())


def _rows(sight: Sight, targets: Sequence[str], folder: str | Path) -> Draft:
    roles = roles_of(sight.table, targets)
    found = answers(sight.table, targets, tuple(roles.missing))
    rows = min(answer.rows for answer in found)
    if rows < FEWEST_ROWS:
        have = f"{plural(rows, 'row')} with a value in {listed(targets)}"
        raise sight.table.error(f"{have}: too few, {FEWEST_ROWS} are the least")
    course = find_course(sight.table, roles, found)
    if course and course.clock:
        _give_the_time(course, roles)
    kinds: dict[str, tuple[str, str]] = {}
    if not roles.inputs and not course:
        text = free_text(sight.table, [*roles.ids, *roles.excluded])
        if not text:
            raise _nothing_to_see(sight, roles)
        _read_the_text(text, roles, kinds)
    for answer in found:
        if answer.chosen:
            kinds[answer.name] = ("categorical", "its numbers are classes")
    for name in roles.dates:
        kinds[name] = ("date", "dates, seen in parts such as month and weekday")
    recipe, expect = _recipe(sight, roles, found, course, kinds)
    goal = forecast_loss(course) if course else loss(found, recipe.label_smoothing)
    data = [
        *target_lines(found),
        *roles_lines(roles),
        *kinds_lines(kinds),
        *preprocessing_lines(recipe, roles),
        *recipe.data,
        *split_lines(sight, recipe, found, course),
    ]
    lines = [
        *top_lines(sight, folder),
        *(line.indented(2) for line in data),
        *sections(recipe, goal, _scores(found, course), expect),
    ]
    settings = Data(
        path=sight.path,
        format=sight.given,
        target=tuple(targets),
        id=tuple(roles.ids) or None,
        features=Features(exclude=tuple(roles.excluded)),
        columns={name: kind for name, (kind, _) in kinds.items()},  # type: ignore[misc]
        preprocessing=Preprocessing(date=Date(format=next(iter(roles.dates.values()), None))),
        na_values=tuple(roles.missing),
        window=course.window if course else None,
    )
    return Draft(page(lines), parse(sight.table, settings)[1], tuple(_notes(sight, found, course)))


def _read_the_text(name: str, roles: Roles, kinds: dict[str, tuple[str, str]]) -> None:
    """A column of free text is what the network sees, where there is nothing else."""
    roles.ids.pop(name, None)
    roles.excluded.pop(name, None)
    roles.inputs[name] = "text"
    kinds[name] = ("text", "free text, the only input")


def _give_the_time(course: Course, roles: Roles) -> None:
    """The column that tells the time names a row, and is no input."""
    roles.inputs.pop(course.clock, None)
    roles.dates.pop(course.clock, None)
    roles.excluded.pop(course.clock, None)
    others = [name for name in roles.ids if name != course.clock]
    roles.excluded |= dict.fromkeys(others, "another id")
    rising = "rises from row to row: the rows are in the order of time"
    roles.ids = {course.clock: f"{rising}; it is passed through to predictions"}


def _nothing_to_see(sight: Sight, roles: Roles) -> DataError:
    reasons = [f"{quoted(name)}: {why}" for name, why in (roles.ids | roles.excluded).items()]
    reasons += [f"{quoted(name)}: one value in all rows" for name in roles.constants]
    hint = "; ".join(reasons[:6]) or "there is no other column"
    return sight.table.error("no column is left to learn from", hint=hint)


def _recipe(
    sight: Sight,
    roles: Roles,
    found: Sequence[Answer],
    course: Course | None,
    kinds: dict[str, tuple[str, str]],
) -> tuple[Recipe, Line]:
    if course:
        return forecast_recipe(course, sight.rows)
    rows = min(answer.rows for answer in found)
    expect = expectation(found)
    arrays = roles.of_kind("array")
    if roles.of_kind("text"):
        return words_recipe(rows, found), expect
    if not arrays:
        return table_recipe(sight.table, roles, found), expect
    cells = sight.table.columns[arrays[0]]
    if not is_grid(cells):
        steps = [len(one) for one in cells]
        ends = (min(steps), max(steps))
        return series_recipe(ends, cells[0].shape[1], rows, found), expect
    shape: Shape = cells.shape[1:]
    if len(shape) == 2 and not _is_image(shape):
        kinds[arrays[0]] = ("series", f"arrays of {shape[0]} × {shape[1]}: steps × channels")
        return series_recipe((shape[0], shape[0]), shape[1], rows, found), expect
    if len(shape) in (2, 3):
        channels = shape[2] if len(shape) == 3 else 1
        return image_recipe((*shape[:2], channels), rows, found), expect
    size = 1
    for side in shape:
        size *= side
    told = f"from {plural(size, 'number')} in each row"
    flat = [Line("- {type: flatten}", "all axes in a row")] if len(shape) > 1 else []
    return dense_recipe(rows, size, told, found, before=flat), expect


def _is_image(shape: Shape) -> bool:
    low, high = sorted(shape)
    return low >= SMALLEST_SIDE and high <= SQUARE * low


def _scores(found: Sequence[Answer], course: Course | None) -> Line:
    if course:
        return Line("metrics: [rmse, mae]", "root of the mean squared error; mean absolute error")
    return metrics(found)


def _notes(sight: Sight, found: Sequence[Answer], course: Course | None) -> list[str]:
    """What may be otherwise than it looks."""
    notes = []
    if not sight.whole:
        notes.append(f"the first {plural(sight.rows, 'row')} were looked at; there are more")
    way_on = "`loss: mean_squared_error` and `metrics: [r2, rmse]` learn it"
    for answer in [] if has_heads(found) else found:
        if answer.counts and all(text.lstrip("-").isdigit() for text in answer.counts):
            name = quoted(answer.name)
            notes.append(f"{name} is learned as classes; if it is an amount, {way_on}")
    if course:
        notes.append(
            f"the rows look like steps in time (a row and the next correlate by {course.alike:.2f})"
        )
    elif sight.rows < FEW_ROWS:
        notes.append(
            f"with {plural(sight.rows, 'row')}, scores depend much on which rows are the test"
        )
    return notes
