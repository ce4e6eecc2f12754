"""Rules between keys that each are right by themselves; none of them reads data.

A rule is a function whose parameters are named after the sections that it looks at; it runs when
those are sound, and yields what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nntrain.config.rules import (
    augmentation,
    data,
    loss,
    model,
    naming,
    outputs,
    scores,
    sweep,
    training,
)
from nntrain.config.rules.finding import Findings
from nntrain.config.tree import Node, place_of
from nntrain.errors import Problem

RULES: tuple[Callable[..., Findings], ...] = (
    naming.run_name, naming.metadata_is_finite,
    data.split_column, data.split_sizes, data.folds,
    data.split_leaves_rows, data.validation_rows_once, data.test_rows_once, data.paths_are_there,
    data.labels_of_one_file, data.windows_foretell,
    data.memory_is_a_size,
    data.columns_once, data.columns_have_one_role, data.ids_are_not_names_of_predictions,
    data.ignored_columns, data.weights_of_rows, data.numbers_are_filled,
    data.categories_are_filled, data.categories_are_known, data.parts_of_dates,
    augmentation.mixed_targets_are_learned,
    model.layers_end_well, model.graphs_are_wired, model.auto_units_last,
    model.no_first_value_without_a_bias,
    outputs.raw_scores_for_cross_entropy, outputs.one_output_for_two_classes,
    outputs.outputs_reach_the_targets,
    loss.target_for_the_loss, loss.text_is_of_classes, loss.heads_are_the_targets,
    loss.heads_have_no_heads, loss.weighted_sum_is_one_loss,
    scores.metrics_score_the_task, scores.metrics_once, scores.classes_of_one_target,
    scores.monitor, scores.monitor_of_plateau, scores.gates,
    training.nesterov_needs_momentum, training.groups_change_something,
    training.step_sizes_in_order, training.one_way_of_clipping,
    training.micro_batches_are_smaller, training.averaging_begins_in_time,
    sweep.space_has_keys, sweep.keys_may_change, sweep.axes_are_whole,
    sweep.epochs_are_for_halving,
)  # fmt: skip


def check(sections: Mapping[str, Any], root: Node) -> list[Problem]:
    """The problems that all rules find in these sections."""
    problems: list[Problem] = []
    for rule in RULES:
        wanted = rule.__annotations__.keys() - {"return"}  # all are annotated
        if wanted <= sections.keys():
            problems += told(rule(**{name: sections[name] for name in wanted}), root)
    return problems


def told(findings: Findings, root: Node) -> list[Problem]:
    """What was found, at its place."""
    return [
        place_of(root, found.path, key=found.about_key).problem(
            found.path, found.message, found.hint
        )
        for found in findings
    ]
