"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nntrain.config import Experiment, Loaded
from nntrain.config.tree import KeyPath, find
from nntrain.data.columns import Column
from nntrain.data.dataset import Dataset
from nntrain.data.extras import extra
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.sources import Csv
from nntrain.data.targets import Classes
from nntrain.data.texts import Texts
from nntrain.errors import ConfigError, DataError, Problem
from nntrain.families import Group, Layer, Loss, Shape
from nntrain.heads import Heads
from nntrain.layers.chain import LayerError, nested
from nntrain.layers.dense import Dense
from nntrain.layers.embedding import Embedding
from nntrain.layers.graph import Graph
from nntrain.layers.residual import Residual
from nntrain.layers.units import settle_units
from nntrain.layers.wiring import names
from nntrain.losses import WeightedSum
from nntrain.metrics import TopK
from nntrain.network import plan
from nntrain.run import any_length
from nntrain.run.model import lookup_of, settled_layers
from nntrain.store import Plan, of_groups
from nntrain.wording import listed, quoted, suggestion

_KEEP = (
    "a column with the same value in all rows is left out; `data.columns: {NAME: numeric}` keeps it"
)


def check_extras(experiment: Experiment) -> None:
    """Refuse, before anything is made, what needs a package that is not here."""
    if experiment.trainer.tensorboard:
        what = "`trainer.tensorboard`: event files are written"
        extra("tensorboardX", "tensorboardX", "tensorboard", what)


def check_layers_alone(loaded: Loaded) -> None:
    """Refuse, before the data is read, layers that fit onto each other for no data at all.

    Widths stand in for those of the data, where its axes are known: a table is one axis, a window
    of it two.  What then does not fit is a mistake if it stands behind layers that give the same
    shape for all widths, as `dense` does, and else may be right: `reshape` as the first layer
    knows what it wants, and so do the columns that a graph names.
    """
    data, layers = loaded.experiment.data, loaded.experiment.model.layers
    _check_texts(loaded)
    names_columns = any(isinstance(layer, Graph) and layer.inputs for _, layer in nested(layers))
    if not isinstance(data.source(loaded.data_path), Csv) or names_columns:
        return
    one, two = [(data.window.length, n) if data.window else (n,) for n in (1, 2)]
    try:
        planned = _plan(loaded, one)
    except LayerError as error:
        before = layers[: int(keys_of(loaded, error.path)[2])]  # model.layers.2…
        if before and _shape_after(before, one) == _shape_after(before, two) != ():
            raise _located(loaded, error) from None
    else:
        if data.preprocessing.categorical.encode != "embedding":  # they would be a layer more
            _check_groups(loaded, planned)


def check_layers(
    loaded: Loaded, shape: Shape, known: Preprocessor | None = None, hint: str = ""
) -> Plan:
    """The plan of the network; refuses layers that do not fit onto each other, or the data."""
    try:
        planned = _plan(loaded, shape, known)
    except LayerError as error:
        raise _located(loaded, error, hint) from None
    _check_groups(loaded, planned)
    return planned


def _plan(loaded: Loaded, shape: Shape, known: Preprocessor | None = None) -> Plan:
    """Before the data is read, widths of 1 stand in for those of targets."""
    if known:
        layers = settled_layers(loaded.experiment, known)
        return plan(layers, shape, known.places, lookup_of(known))
    layers = loaded.experiment.model.layers
    return plan(settle_units(layers, 1, _ones(layers)), shape)


def _shape_after(layers: Sequence[Layer], shape: Shape) -> Shape:
    """Empty where the layers do not fit either."""
    try:
        return plan(layers, shape).layers[-1].shape
    except LayerError:
        return ()


def _located(loaded: Loaded, error: LayerError, hint: str = "") -> ConfigError:
    return ConfigError(loaded.problem(keys_of(loaded, error.path), error.message, hint))


def _ones(layers: tuple[Layer, ...]) -> tuple[int, ...]:
    last = layers[-1] if layers else None
    return (1,) * len(names(last.outputs)) if isinstance(last, Graph) else (1,)


def keys_of(loaded: Loaded, path: str) -> KeyPath:
    """Where the config has the layer that a network calls `layers.2.blocks.0.layers.1`."""
    keys: KeyPath = ("model",)
    parts = [int(part) if part.isdecimal() else part for part in path.split(".")]
    while parts:
        here = (*keys, parts.pop(0))
        if find(loaded.root, here) is not None:
            keys = here
        elif here[-1] == "blocks" and parts:  # written once for all of them
            parts.pop(0)
        else:
            break
    return keys


def _check_groups(loaded: Loaded, planned: Plan) -> None:
    if problems := list(_problems_of_groups(loaded, planned)):
        raise ConfigError(*problems)


def _problems_of_groups(loaded: Loaded, planned: Plan) -> Iterator[Problem]:
    """Groups that name no layer with weights, or leave nothing to train."""
    groups = loaded.experiment.optimizer.groups
    learning = [row.path for row in planned.layers if row.parameters]
    for i, group in enumerate(groups):
        for j, pattern in enumerate(group.layers):
            one = Group(layers=(pattern,))
            if any(map(one.holds, learning)):
                continue
            idle = [row for row in planned.layers if one.holds(row.path)]
            message = f"there is no layer {quoted(pattern)}"
            if idle:
                message = f"{quoted(pattern)} ({idle[0].kind}) has no weights"
            hint = f"the layers with weights are {listed(learning, most=12)}"
            yield loaded.problem(("optimizer", "groups", i, "layers", j), message, hint)
    numbers = of_groups(list(planned.weights), groups)
    if numbers and all(number and groups[number - 1].frozen for number in numbers):
        message = "all layers with weights are frozen, so there is nothing to train"
        yield loaded.problem(("optimizer", "groups"), message)


def check_outputs(
    loaded: Loaded, preprocessor: Preprocessor, columns: Sequence[Column] = ()
) -> Plan:
    """Refuse a network that does not fit the data: its inputs, or what is to be learned.

    Returns what the network will be.

    columns: of the file; one that was left out may be what the layers counted on.
    """
    check_classes(loaded, preprocessor)
    hint = _KEEP if any(column.constant for column in columns) else ""
    found = check_layers(loaded, preprocessor.shape, preprocessor, hint)
    if isinstance(preprocessor.array, Texts) or getattr(preprocessor.array, "varies", False):
        _check_any_length(loaded, preprocessor)
    shape = found.layers[-1].shape
    if shape == preprocessor.output_shape:
        return found
    layers = loaded.experiment.model.layers
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
    path: KeyPath = ("model", "layers")
    if last is not None and not hasattr(layers[-1], "layers"):
        path = (*path, last, "units")
    needed = f"the data needs {preprocessor.outputs}"
    if preprocessor.tokens and len(shape) == 1:
        message = f"the network gives one answer for {preprocessor.shape[0]} steps of text"
        hint = "every step needs one: `return_sequences: true` in recurrent layers, no pooling"
        raise ConfigError(loaded.problem(("model", "layers"), message, hint))
    if len(shape) != len(preprocessor.output_shape):
        shown = " × ".join(map(str, shape))
        message = f"the network ends with {shown} outputs a row, {needed} on one axis"
        hint = "add a `flatten` or a global pooling layer, and then `{type: dense, units: auto}`"
        raise ConfigError(loaded.problem(("model", "layers"), message, hint))
    message = f"the network ends with {shape[-1]} outputs, {needed}"
    hint = f"{_why(preprocessor)}; write `units: auto` in the last dense layer"
    raise ConfigError(loaded.problem(path, message, hint))


def check_loss(loaded: Loaded, dataset: Dataset) -> None:
    """Refuse classes that are not there, and targets that the loss can not learn."""
    known = dataset.preprocessor
    for path, loss, columns in _losses(loaded, known):
        _check_class_weight(loaded, path, loss, known.classes)
        for part in dataset.parts.values():
            if odd := loss.check_target(part.raw[:, columns] if columns else part.raw):
                row, message = odd
                message = f"data row {part.rows[row] + 1:,}: {message} for `{loss.kind}`"
                raise DataError(message, dataset.name)


def _losses(loaded: Loaded, known: Preprocessor) -> Iterator[tuple[KeyPath, Loss, slice | None]]:
    """Every loss that stands in the config: where, and which columns of the target it learns."""
    loss = loaded.experiment.loss
    if isinstance(loss, Heads):
        for name, head in loss.losses.items():
            column = known.targets.index(name)
            yield ("loss", "losses", name), head, slice(column, column + 1)
    elif isinstance(loss, WeightedSum):
        for i, part in enumerate(loss.losses):
            yield ("loss", "losses", i), part, None
    else:
        yield ("loss",), loss, None


def _check_class_weight(loaded: Loaded, path: KeyPath, loss: Loss, classes: Sequence[str]) -> None:
    given = getattr(loss, "class_weight", None)
    names = given if isinstance(given, Mapping) else ()
    if wrong := [name for name in names if name not in classes]:
        message = f"there is no class {quoted(wrong[0])}"
        hint = suggestion(wrong[:1], classes, "classes")
        place = (*path, "class_weight", wrong[0])
        raise ConfigError(loaded.problem(place, message, hint, about_key=True))


def check_classes(loaded: Loaded, preprocessor: Preprocessor) -> None:
    """Refuse metrics of a class that the target does not have, or of more classes than it has."""
    counts = [len(t.classes) for t in preprocessor.each_target if isinstance(t, Classes)]
    for i, metric in enumerate(loaded.experiment.metrics or ()):
        name = getattr(metric, "positive", None)
        if name is not None and name not in preprocessor.classes:
            message = f"the target has no class {quoted(name)}"
            hint = suggestion([name], preprocessor.classes, "classes")
            raise ConfigError(loaded.problem(("metrics", i, "positive"), message, hint))
        if isinstance(metric, TopK) and counts and metric.k >= max(counts):
            message = f"`{metric.name}` is 1 whatever is predicted: there are {max(counts)} classes"
            hint = "write `{type: top_k, k: …}` with fewer"
            raise ConfigError(loaded.problem(("metrics", i), message, hint))


def _check_texts(loaded: Loaded) -> None:
    """The numbers of tokens are no amounts: what begins the network must know it."""
    data, first = loaded.experiment.data, loaded.experiment.model.layers[0]
    texts = [name for name, kind in data.columns.items() if kind == "text" and data.sees(name)]
    if texts and not isinstance(first, Embedding | Graph | Residual):
        message = f"{quoted(texts[0])} is a text, whose tokens come in as numbers: expected an "
        message += "embedding first"
        hint = "begin with `{type: embedding, input_dim: auto, output_dim: 32}`"
        raise ConfigError(loaded.problem(("model", "layers", 0), message, hint))


def _check_any_length(loaded: Loaded, preprocessor: Preprocessor) -> None:
    layers = settled_layers(loaded.experiment, preprocessor)
    if odd := any_length.fault(layers, preprocessor.shape):
        hint = "bring each series to one vector first: pool it over time, or end a recurrent "
        hint += "layer with its last step; `flatten` keeps all steps"
        what = "texts" if isinstance(preprocessor.array, Texts) else "series"
        message = f"{what} differ in length, and {odd.message}"
        raise ConfigError(loaded.problem(keys_of(loaded, odd.path), message, hint))


def notices(experiment: Experiment, plan: Plan) -> list[str]:
    """What is allowed, and does something else than one may think."""
    found = []
    if experiment.trainer.micro_batch_size and plan.buffers:
        owners = sorted({name.rpartition(".")[0] for name in plan.buffers})
        found.append(
            f"trainer.micro_batch_size: {listed(owners)} takes the statistics of each portion by "
            "itself, so the gradient is not that of the whole batch"
        )
    return found


def _why(preprocessor: Preprocessor) -> str:
    parts = preprocessor.each_target
    if len(parts) > 1:
        each = ", ".join(f"{quoted(part.names[0])} {part.outputs}" for part in parts)
        return f"the targets need {each}"
    if preprocessor.tokens:
        return f"there are {preprocessor.outputs} different tokens"
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
