"""An example of each key: a value that may stand there, for `check --explain` and for editors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Annotated, Any, Literal, get_args, get_origin

from nntrain.config.grammar import default, fields, is_family, is_spec, options, required, unfold
from nntrain.config.tree import Place, from_plain, plain
from nntrain.families import to_plain

TYPICAL: dict[str, Any] = {
    "activation": "relu",
    "averaging": "ema",
    "batch_size": 64,
    "categorical": {"encode": "embedding"},
    "checkpoint_steps": 1000,
    "class_weight": "balanced",
    "column": "customer",
    "columns": {"postcode": "categorical"},
    "comment": "#",
    "data": {"path": "data.csv", "target": "species"},
    "date": {"parts": ["elapsed", "weekday"]},
    "early_stopping": {"patience": 15},
    "eta": 0.01,
    "exclude": ["year"],
    "expect": {"test_accuracy": ">= 0.95"},
    "features": {"exclude": ["year"]},
    "filters": 32,
    "floor": 0.01,
    "folds": 5,
    "gradient_clip_norm": 1.0,
    "gradient_clip_value": 0.5,
    "gradient_noise": {"eta": 0.01},
    "groups": [{"layers": ["layers.0"], "frozen": True}],
    "heads": 4,
    "horizon": 1,
    "id": "passenger",
    "include": ["age", "fare"],
    "input": "input",
    "k_fold": {"folds": 5, "fold": 1},
    "kernel_size": 3,
    "key_dim": 16,
    "l1": 0.0001,
    "l2": 0.0001,
    "label_smoothing": 0.1,
    "layers": [{"type": "dense", "units": 64}],
    "learning_rate": 0.003,
    "length": 12,
    "loss": "cross_entropy",
    "losses": ["mean_squared_error", "mean_absolute_error"],
    "lr_schedule": "cosine",
    "max_epochs": 50,
    "max_memory": "2 GB",
    "max_norm": 3.0,
    "metadata": {"purpose": "a first try"},
    "metrics": ["accuracy"],
    "micro_batch_size": 16,
    "milestones": [30, 60],
    "min_count": 5,
    "min_delta": 0.001,
    "model": {"layers": [{"type": "dense", "units": "auto"}]},
    "momentum": 0.9,
    "monitor": "validation_loss",
    "na_values": ["?"],
    "name": "first-try",
    "nodes": {"a": {"input": "input", "layers": [{"type": "dense", "units": 8}]}},
    "numeric": {"scale": "min_max"},
    "on_divergence": {"max_retries": 2},
    "optimizer": {"type": "adam", "learning_rate": 0.003},
    "output_dim": 32,
    "outputs": "a",
    "path": "data.csv",
    "positive": "yes",
    "preprocessing": {"numeric": {"scale": "min_max"}},
    "rate": 0.2,
    "regularization": {"l2": 0.0001},
    "split": {"validation": 0.2, "test": 0.2},
    "target": "species",
    "test_path": "test.csv",
    "trainer": {"max_epochs": 50, "batch_size": 64},
    "units": 64,
    "validation_path": "validation.csv",
    "warmup_epochs": 2,
    "weight_decay": 0.01,
    "window": {"length": 12},
}
"""What people write; by the name of a key, for all places where it is right."""

NUMBERS = (1, 2, 0.5, 10, 0.25, 0, 100)


def example(spec: Any, name: str) -> Any:
    """The first of what people write, the default and simple values that may stand there."""
    annotation = fields(spec)[name]
    given = [TYPICAL[name]] if name in TYPICAL else []
    usual = None if required(spec, name) else to_plain(default(spec, name))
    if usual not in (None, [], {}, "", False):
        given.append(_short(usual))
    return next(v for v in chain(given, _simple(annotation)) if fits(spec, name, v))


def fits(spec: Any, name: str, value: Any) -> bool:
    """Whether a value in plain types may stand there."""
    from nntrain.config.judge import ValidationError  # late, as in `validation`
    from nntrain.config.schema import validator

    node = unfold(from_plain(value, Place()), fields(spec)[name])
    try:
        validator(spec, name).validate_python(plain(node))
    except ValidationError:
        return False
    return True


def _simple(annotation: Any) -> Iterator[Any]:
    for option in options(annotation):
        if get_origin(option) is Annotated:
            option = get_args(option)[0]
        origin, args = get_origin(option), get_args(option)
        if origin is Literal:
            yield args[0]
        elif origin is tuple:
            count = 1 if args[-1] is Ellipsis else len(args)
            yield from ([value] * count for value in _simple(args[0]))
        elif origin is Mapping:
            yield from ({"NAME": value} for value in _simple(args[1]))
        elif is_family(option):
            yield from option.kinds
            yield from ({"type": word, **_needed(kind)} for word, kind in option.kinds.items())
        elif is_spec(option):
            first = next(iter(fields(option)))
            yield _needed(option) or {first: example(option, first)}
        elif option in (int, float):
            yield from map(option, NUMBERS)
        else:
            yield True if option is bool else "NAME"


def _short(value: Any) -> Any:
    """A kind with all its defaults, as its bare word."""
    return value["type"] if isinstance(value, dict) and "type" in value else value


def _needed(spec: Any) -> dict[str, Any]:
    return {key: example(spec, key) for key in fields(spec) if required(spec, key)}
