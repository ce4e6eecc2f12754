"""What other tools call things, so that a message can name our word for it.

Each table has our word, and behind it the foreign ones.  Names are compared without case, `_` and
`-`: `ReLU`, `batchSize` and `cross-entropy` need no line here.  `tests/test_config_spellings.py`
checks that every answer exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Table = Mapping[str, str]

# The path of our key: its foreign names.  Kinds and list indices leave no trace in a path.
KEYS: Table = {
    "optimizer.learning_rate": "lr alpha eta eta0 learning_rate_init step_size base_lr",
    "optimizer": "solver optim algorithm",
    "optimizer.weight_decay": "decoupled_weight_decay wd l2 l2_reg",
    "optimizer.eps": "epsilon adam_epsilon",
    "optimizer.nesterov": "nesterovs_momentum use_nesterov",
    "trainer.max_epochs": "epochs num_epochs n_epochs max_iter n_iter num_train_epochs iterations",
    "trainer.batch_size": "batch bs batches mini_batch mini_batch_size minibatch train_batch_size",
    "trainer.gradient_clip_norm": (
        "clip_norm gradient_clip_val gradient_clip grad_clip max_grad_norm gradient_clipping "
        "global_clipnorm clip_grad_norm"
    ),
    "trainer": "train training fit trainer_args",
    "lr_schedule": "lr_scheduler scheduler learning_rate_schedule schedule lr_decay",
    "lr_schedule.warmup_epochs": "warmup num_warmup_epochs",
    "loss": "criterion loss_function loss_fn objective",
    "metrics": "metric score scoring eval_metric eval_metrics",
    "seed": "random_state random_seed manual_seed rng_seed",
    "name": "experiment_name run_name title project",
    "early_stopping": "early_stop earlystopping_callback",
    "early_stopping.patience": "early_stopping_patience n_iter_no_change",
    "early_stopping.min_delta": "tol threshold",
    "model": "network net architecture arch",
    "data": "dataset datasets input",
    "data.path": "file filename csv csv_path train_path data_path",
    "data.target": "label labels y targets target_column label_column output_column",
    "data.id": "index index_col id_column ids key",
    "data.format.delimiter": "sep separator",
    "data.na_values": "na missing_values missing",
    "data.columns": "dtypes column_types input_types",
    "data.features.exclude": "drop drop_columns ignore_columns ignore",
    "data.features.include": "columns_to_use usecols inputs",
    "data.preprocessing": "transform transforms preprocess",
    "data.preprocessing.numeric.impute": "imputation fillna fill",
    "data.preprocessing.numeric.scale": "scaling normalize scaler",
    "data.split.validation": (
        "val_split validation_split validation_fraction validation_size val_size val valid "
        "val_fraction dev"
    ),
    "data.split.test": "test_split test_size test_fraction",
    "data.split.stratify": "stratified",
    "model.layers.units": (
        "n_units num_units neurons out_features hidden_units hidden_size output_size "
        "output_dim hidden_dim width size nodes"
    ),
    "model.layers.rate": "p prob probability dropout_rate drop_rate",
    "model.layers.activation": "act activation_function nonlinearity activation_fn",
    "model.layers.kernel_initializer": (
        "kernel_init weight_initializer init weight_init initializer"
    ),
    "model.layers.bias_initializer": "bias_init",
    "model.layers": "layer hidden_layers",
    "model.layers.filters": "out_channels channels n_filters num_filters",
    "model.layers.kernel_size": "kernel filter_size kernel_shape",
    "model.layers.strides": "stride",
    "model.layers.padding": "pad padding_mode",
    "model.layers.dilation_rate": "dilation dilations",
    "model.layers.pool_size": "pool pooling_size window_size",
    "model.layers.groups": "num_groups n_groups",
    "model.layers.stddev": "sigma std noise_std",
    "model.layers.size": "scale_factor",
    "model.layers.shape": "target_shape new_shape output_shape",
    "model.layers.dims": "permutation axes perm",
    "lr_schedule.decay": "gamma decay_rate",
    "lr_schedule.every_epochs": "lr_step_size step_epochs",
    "lr_schedule.floor": "eta_min min_lr lr_min",
    "expect": "gates assert fail_under",
    "metadata": "notes description tags comment author",
    "trainer.checkpoint_seconds": "checkpoint_every save_every save_steps",
}

# What to do instead, where it is not one key of ours: the foreign keys.
NOTES: Table = {
    "leave it out: the sizes of inputs follow from the data and the layer before": (
        "input_features in_features input_dim input_size input_shape n_features"
    ),
    "`units: auto` in the last layer takes it from the target": (
        "output_features n_classes num_classes classes"
    ),
    "write one `{type: dense, units: …}` for each in `model.layers`": (
        "hidden_layer_sizes hidden_sizes layer_sizes"
    ),
    "write both as `betas: [0.9, 0.999]`": "beta1 beta_1 beta2 beta_2",
    "a layer of type `dense` always has a bias; convolutions have `use_bias`": "bias use_bias",
    "it is a layer of its own: `{type: dropout, rate: …}`": "dropout",
    "weights: `optimizer.weight_decay`; learning rate: `lr_schedule`": "decay",
    "`adam` has `betas` in its place; `sgd` has `momentum`": "momentum",
    "leave it out: training gets the rows that `validation` and `test` leave": (
        "split.train split.training train_size train_split train_fraction"
    ),
    "leave it out: `cross_entropy` always takes raw scores": "from_logits",
    "leave it out: the task follows from `loss`": "task",
    "leave it out: training rows are shuffled in each epoch, by `seed`": "shuffle",
    "leave it out: the command line has -q and -v": "verbose",
    "leave it out: training runs on the CPU": "device gpus accelerator",
    "it is a flag: nntrain fit … -o DIR": "output_dir save_dir",
    "stopping early is `early_stopping`; progress is always shown": "callbacks",
    "a config builds on another by `extends: file.yaml`": "base include defaults",
}

# Our kind: its foreign names; by family.
KINDS: Mapping[str, Table] = {
    "layer": {
        "dense": "linear fully_connected fc affine inner_product hidden perceptron mlp",
        "dropout": "drop dropout1d",
        "flatten": "squeeze",
        "reshape": "view unflatten",
        "permute": "transpose",
        "conv2d": "conv convolution convolution2d convolutional",
        "conv1d": "convolution1d temporal_convolution",
        "conv2d_transpose": (
            "conv_transpose2d convolution2d_transpose deconv deconv2d deconvolution upconv"
        ),
        "max_pool2d": "max_pooling2d max_pooling max_pool pooling pool",
        "max_pool1d": "max_pooling1d",
        "average_pool2d": "average_pooling2d average_pooling avg_pool2d avg_pool mean_pool",
        "average_pool1d": "average_pooling1d avg_pool1d",
        "global_max_pool2d": "global_max_pooling2d adaptive_max_pool2d global_max_pool",
        "global_max_pool1d": "global_max_pooling1d adaptive_max_pool1d",
        "global_average_pool2d": (
            "global_average_pooling2d global_avg_pool2d global_avg_pool adaptive_avg_pool2d gap"
        ),
        "global_average_pool1d": ("global_average_pooling1d global_avg_pool1d adaptive_avg_pool1d"),
        "batch_norm": "batch_normalization batchnorm1d batchnorm2d bn",
        "layer_norm": "layer_normalization ln",
        "group_norm": "group_normalization gn",
        "instance_norm": "instance_normalization instancenorm1d instancenorm2d",
        "rms_norm": "rms_normalization rms_layer_norm",
        "upsample2d": "upsampling2d upsample upsampling interpolate resize",
        "zero_padding2d": "zeropad2d zero_pad pad padding",
        "gaussian_noise": "noise normal_noise",
        "drop_connect": "weight_drop dropconnect_dense",
    },
    "activation": {
        "identity": "linear none null no",
        "sigmoid": "logistic sigm",
        "tanh": "hyperbolic_tangent tan_h",
        "relu": "rectifier rectified_linear",
    },
    "loss": {
        "mean_squared_error": "mse l2 squared_error mse_loss quadratic rmse",
        "cross_entropy": (
            "categorical_crossentropy sparse_categorical_crossentropy cce ce "
            "softmax_cross_entropy nll nll_loss cross_entropy_loss softmax xent"
        ),
        "binary_cross_entropy": (
            "bce binary_crossentropy log_loss bce_with_logits bce_loss bce_with_logits_loss "
            "logistic sigmoid_cross_entropy"
        ),
    },
    "optimizer": {
        "sgd": "gd gradient_descent momentum nesterov sgdm",
        "adam": "adamw",
    },
    "learning-rate schedule": {
        "cosine": "cosine_annealing cosine_annealing_lr cosine_decay",
        "step": "step_lr multi_step_lr step_decay piecewise",
        "exponential": "exponential_decay exponential_lr exp",
        "constant": "none fixed constant_lr",
    },
    "metric": {
        "accuracy": "acc categorical_accuracy binary_accuracy",
        "mae": "mean_absolute_error l1",
        "rmse": "root_mean_squared_error mse mean_squared_error",
        "r2": "r2_score r_squared rsquared",
    },
    "initializer": {
        "glorot_uniform": "xavier xavier_uniform glorot",
        "glorot_normal": "xavier_normal",
        "he_uniform": "he kaiming kaiming_uniform",
        "he_normal": "kaiming_normal",
        "lecun_uniform": "lecun",
        "zeros": "zero constant",
        "ones": "one",
    },
    "file format": {
        "csv": "text txt tsv",
    },
}

# The same, where a bare name would not tell the whole.
KIND_NOTES: Table = {
    "write `{type: adam, weight_decay: 0.01}`, which is AdamW": "adamw",
    "write `{type: sgd, momentum: 0.9}`": "momentum sgdm",
    "write `{type: sgd, momentum: 0.9, nesterov: true}`": "nesterov",
    'write `{type: csv, delimiter: "\\t"}`': "tsv",
}

# The words that some keys take.
WORDS: Table = {
    "standard": "zscore standardize standardise z",
    "min_max": "normalize range 01",
    "none": "false no off null identity",
    "most_frequent": "mode most_common frequent",
    "mean": "average avg",
    "one_hot": "dummy dummies",
    "numeric": "number float int numerical continuous",
    "categorical": "category text string nominal",
    "ignore": "skip drop exclude",
    "error": "raise fail",
    "valid": "no_padding",
    "reflect": "mirror",
    "nearest": "nearest_neighbor neighbor",
    "bilinear": "linear",
}

# Parts of the names of scores, in `monitor` and `expect`.
SCORES: Table = {
    "validation": "val valid dev eval",
    "train": "training",
    "test": "testing",
    "accuracy": "acc",
}


def canonical(name: str) -> str:
    """`name` without what people write differently: case, `_`, `-`, spaces."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def ours(name: str, table: Table) -> str | None:
    """Our word for a foreign one."""
    wanted = canonical(name)
    return next((word for word, names in table.items() if wanted in foreign(names)), None)


def foreign(names: str) -> list[str]:
    """The foreign names of one line of a table, as they are compared."""
    return [canonical(name) for name in names.split()]


def same(name: str, names: Iterable[str]) -> str | None:
    """The name that differs from `name` only in case, `_` or `-`."""
    return next((other for other in names if canonical(other) == canonical(name)), None)
