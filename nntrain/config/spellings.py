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
    "optimizer.weight_decay": "decoupled_weight_decay wd",
    "optimizer.eps": "epsilon adam_epsilon",
    "optimizer.nesterov": "nesterovs_momentum use_nesterov",
    "trainer.max_epochs": "epochs num_epochs n_epochs max_iter n_iter num_train_epochs iterations",
    "trainer.batch_size": "batch bs batches mini_batch mini_batch_size minibatch train_batch_size",
    "trainer.gradient_clip_norm": (
        "clip_norm gradient_clip_val gradient_clip grad_clip max_grad_norm gradient_clipping "
        "global_clipnorm clip_grad_norm"
    ),
    "optimizer.groups": "param_groups parameter_groups params layer_groups",
    "optimizer.rho": "smoothing_constant",
    "optimizer.etas": "etaminus etaplus eta_plus eta_minus",
    "trainer.gradient_clip_value": "clip_value clipvalue clip_grad_value",
    "trainer.gradient_noise": "grad_noise gradient_noise_scale gradient_noise_stddev",
    "trainer.micro_batch_size": "microbatch per_device_batch_size physical_batch_size",
    "regularization": "regularizer penalty regularisation",
    "regularization.l1": "l1_reg l1_regularization lasso l1_lambda",
    "regularization.l2": "l2_reg l2_regularization ridge l2_lambda",
    "regularization.max_norm": "maxnorm max_value kernel_constraint weight_constraint",
    "averaging": "weight_averaging model_averaging average_weights",
    "averaging.start_epoch": "swa_start swa_epoch_start start_averaging",
    "averaging.every": "swa_freq anneal_every average_every",
    "averaging.decay": "ema_decay ema_momentum",
    "trainer": "train training fit trainer_args",
    "lr_schedule": "lr_scheduler scheduler learning_rate_schedule schedule lr_decay",
    "lr_schedule.warmup_epochs": "warmup num_warmup_epochs",
    "loss": "criterion loss_function loss_fn objective",
    "loss.class_weight": "class_weights pos_weight weight balanced",
    "loss.label_smoothing": "smoothing label_smooth",
    "loss.gamma": "focusing_parameter",
    "loss.q": "tau quantile_level",
    "loss.losses": "heads tasks outputs",
    "loss.weights": "loss_weights coefficients task_weights head_weights",
    "metrics": "metric score scoring eval_metric eval_metrics",
    "metrics.positive": "pos_label positive_class target_class",
    "metrics.k": "top_k top_n",
    "metrics.bins": "n_bins num_bins",
    "seed": "random_state random_seed manual_seed rng_seed",
    "name": "experiment_name run_name title project",
    "early_stopping": "early_stop earlystopping_callback",
    "early_stopping.patience": "early_stopping_patience n_iter_no_change",
    "early_stopping.min_delta": "tol threshold",
    "model": "network net architecture arch",
    "data": "dataset datasets input",
    "data.path": (
        "file filename csv csv_path train_path data_path files paths folder directory image_dir "
        "data_dir pattern glob"
    ),
    "data.target": "label labels y targets target_column label_column output_column",
    "data.id": "index index_col id_column ids key",
    "data.format.delimiter": "sep separator",
    "data.format.decimal": "decimal_separator decimal_sign dec decimal_point",
    "data.format.comment": "comment_char comments comment_prefix",
    "data.format.size": "image_size target_size img_size image_shape resize",
    "data.format.color": "colour color_mode colormode mode",
    "data.na_values": "na missing_values missing",
    "data.columns": "dtypes column_types input_types",
    "data.features.exclude": "drop drop_columns ignore_columns ignore",
    "data.features.include": "columns_to_use usecols inputs",
    "data.preprocessing": "transform transforms preprocess",
    "data.weight": "sample_weight sample_weights row_weight row_weights weight_column weights",
    "data.preprocessing.numeric.impute": "imputation fillna imputer",
    "data.preprocessing.numeric.fill": "fill_value missing_value",
    "data.preprocessing.numeric.missing_flag": (
        "add_indicator missing_indicator indicator missing_indicators"
    ),
    "data.preprocessing.categorical.buckets": "n_buckets num_buckets hash_buckets",
    "data.preprocessing.categorical.unknown": "handle_unknown unseen",
    "data.preprocessing.categorical.min_count": "min_frequency min_freq rare_threshold",
    "data.preprocessing.date.parts": "date_features date_parts datetime_features",
    "data.preprocessing.text.vocabulary": "max_tokens max_features num_words",
    "data.preprocessing.text.length": "max_len maxlen max_length output_sequence_length",
    "data.preprocessing.text.unit": "tokenizer analyzer level token",
    "data.preprocessing.numeric.scale": "scaling normalize scaler",
    "data.split.validation": (
        "val_split validation_split validation_fraction validation_size val_size val valid "
        "val_fraction dev"
    ),
    "data.split.test": "test_split test_size test_fraction",
    "data.split.stratify": "stratified",
    "data.split.by": "split_by split_method split_type",
    "data.split.column": (
        "group_column group_col groups split_column fold_column stratify_column group_by"
    ),
    "data.split.k_fold": "kfold cv cross_validation n_splits n_folds num_folds",
    "data.validation_path": "validation_file val_path val_file valid_path dev_path eval_path",
    "data.test_path": "test_file test_csv test_filename",
    "data.augmentation": "augment augmentations data_augmentation random_transforms albumentations",
    "data.augmentation.pixels": "translate max_shift height_factor width_shift_range",
    "data.augmentation.degrees": "angle rotation_range max_angle",
    "data.window": "sliding_window windows sequence rolling",
    "data.window.length": (
        "lookback look_back window_size window_length seq_len sequence_length lags n_lags "
        "input_length input_chunk_length time_steps timesteps n_steps"
    ),
    "data.window.horizon": "forecast_horizon prediction_horizon steps_ahead lead offset delay",
    "data.window.stride": "sequence_stride hop hop_length",
    "data.format.labels": "labels_path label_file labels_file",
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
    "model.layers.recurrent_initializer": "recurrent_init",
    "model.layers.return_sequences": "return_sequence return_all_outputs sequences",
    "model.layers.bidirectional": "bi bidir both_directions",
    "model.layers.heads": "num_heads n_heads n_head nhead nr_heads",
    "model.layers.key_dim": "head_dim d_head d_k head_size",
    "model.layers.causal": "use_causal_mask is_causal autoregressive",
    "model.layers.input_dim": (
        "vocab_size vocabulary_size num_embeddings vocab n_tokens num_tokens n_vocab"
    ),
    "model.layers.output_dim": "embedding_dim embedding_size emb_dim",
    "model.layers.embeddings_initializer": "embedding_init embeddings_init",
    "model.layers.repeat": "repeats n_blocks num_blocks blocks",
    "model.layers.use_bias": "bias has_bias fit_intercept",
    "model.layers": "layer hidden_layers",
    "model.layers.filters": "out_channels channels n_filters num_filters",
    "model.layers.kernel_size": "kernel filter_size kernel_shape",
    "model.layers.strides": "stride",
    "model.layers.padding": "pad padding_mode",
    "model.layers.dilation_rate": "dilation dilations",
    "model.layers.pool_size": "pool pooling_size",
    "model.layers.groups": "num_groups n_groups",
    "model.layers.stddev": "sigma std noise_std",
    "model.layers.size": "scale_factor",
    "model.layers.shape": "target_shape new_shape output_shape",
    "model.layers.dims": "permutation axes perm",
    "lr_schedule.decay": "gamma decay_rate",
    "lr_schedule.drop": "factor lr_factor",
    "lr_schedule.every_epochs": "lr_step_size step_epochs",
    "lr_schedule.floor": "eta_min min_lr lr_min end_learning_rate",
    "lr_schedule.first_epochs": "t_0 first_decay_epochs",
    "lr_schedule.t_mult": "t_mul cycle_mult",
    "lr_schedule.rise": "pct_start",
    "lr_schedule.cycle_epochs": "step_size_up",
    "lr_schedule.milestones": "boundaries",
    "model.layers.activation.negative_slope": "leakiness leak",
    "expect": "gates assert fail_under",
    "metadata": "notes description tags comment author",
    "trainer.checkpoint_seconds": "checkpoint_every save_every",
    "trainer.checkpoint_steps": "save_steps every_n_train_steps save_freq",
    "trainer.deterministic": "torch_deterministic use_deterministic_algorithms",
    "on_divergence": "terminate_on_nan on_nan detect_anomaly",
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
    "gradients of a `batch_size` are summed over portions: `trainer.micro_batch_size`": (
        "accumulate_grad_batches gradient_accumulation_steps gradient_accumulation accum_steps "
        "accumulation_steps accumulate_grad grad_accum"
    ),
    "it is a section: `averaging: {type: ema}`": "use_ema ema ema_model",
    "it is a section: `averaging: {type: swa}`": "use_swa swa stochastic_weight_avg",
    "penalties are a section for all weights: `regularization: {l2: …}`": (
        "kernel_regularizer weight_regularizer activity_regularizer"
    ),
    "it is a kind of its own: `optimizer: {type: amsgrad}`": "use_amsgrad amsgrad",
    "write `frozen` in a group of `optimizer.groups`": "freeze trainable requires_grad",
    "it is a layer of its own: `{type: dropout, rate: …}`": "dropout",
    "weights: `optimizer.weight_decay`; learning rate: `lr_schedule`": "decay",
    "`adam` has `betas` in its place; `sgd` has `momentum`": "momentum",
    "leave it out: training gets the rows that `validation` and `test` leave": (
        "split.train split.training train_size train_split train_fraction"
    ),
    "leave it out: `cross_entropy` always takes raw scores": "from_logits",
    "it is part of the name: `f1_macro`, `f1_micro`, `f1_weighted`; one class is `positive`": (
        "average multi_class"
    ),
    "leave it out: the task follows from `loss`": "task",
    "say how much each class counts by `class_weight`": "loss.alpha",
    "write `{type: leaky_relu, negative_slope: …}`": "activation.alpha",
    "leave it out: training rows are shuffled in each epoch, by `seed`": "shuffle",
    "leave it out: the command line has -q and -v": "verbose",
    "write one layer for each in `model.layers`": "num_layers n_layers num_rnn_layers",
    "leave it out: rows are always the first axis": "batch_first",
    "leave it out: an `lstm` begins with 1 in the bias of its forget gate": "unit_forget_bias",
    "leave it out: a `gru` always resets after the product": "reset_after",
    "leave it out: training runs on the CPU": "device gpus accelerator",
    "it is a flag: nntrain fit … -o DIR": "output_dir save_dir",
    "stopping early is `early_stopping`; progress is always shown": "callbacks",
    "a config builds on another by `extends: file.yaml`": "base include defaults",
}

# Our kind: its foreign names; by family.
KINDS: Mapping[str, Table] = {
    "augmentation": {
        "shift": "translate translation random_translation random_affine random_crop crop",
        "flip": "random_flip horizontal_flip vertical_flip random_horizontal_flip mirror hflip",
        "rotate": "rotation random_rotation turn",
        "zoom": "random_zoom resize random_resized_crop",
        "brightness": "random_brightness color_jitter",
        "noise": "gaussian_noise jitter random_noise jittering",
        "cutout": "random_erasing erase erasing coarse_dropout",
        "scale": "scaling magnitude_scaling",
        "time_shift": "roll temporal_shift",
        "mixup": "mix input_mixup",
        "cutmix": "cut_and_mix",
    },
    "layer": {
        "dense": "linear fully_connected fc affine inner_product hidden perceptron mlp",
        "dropout": "drop dropout1d",
        "simple_rnn": "rnn elman vanilla_rnn recurrent",
        "gru": "gated_recurrent_unit",
        "lstm": "long_short_term_memory",
        "embedding": "embed token_embedding lookup",
        "multi_head_attention": "attention self_attention mha multihead_attention",
        "positional_encoding": "positional_embedding position_encoding position_embedding",
        "residual": "residual_block res_block resnet_block skip skip_connection shortcut",
        "graph": "functional dag branches parallel",
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
        "hard_sigmoid": "hard_logistic",
        "tanh": "hyperbolic_tangent tan_h",
        "relu": "rectifier rectified_linear",
        "leaky_relu": "lrelu leaky leaky_rectify",
        "prelu": "parametric_relu",
        "silu": "swish swish_1 sil",
        "gelu": "gelu_new gelu_tanh gelu_pytorch_tanh",
        "softplus": "smooth_relu soft_relu",
        "log_softmax": "log_soft_max",
    },
    "loss": {
        "mean_squared_error": "mse l2 squared_error mse_loss quadratic rmse",
        "mean_absolute_error": "mae l1 l1_loss absolute_error",
        "huber": "huber_loss smooth_l1 smooth_l1_loss",
        "log_cosh": "logcosh_loss",
        "quantile": "pinball pinball_loss quantile_loss mean_pinball_loss",
        "euclidean_distance": "euclidean l2_distance pairwise_distance norm",
        "cosine_similarity": "cosine cosine_distance cosine_embedding_loss cosine_proximity",
        "poisson": "poisson_nll_loss poisson_nll poisson_loss",
        "kl_divergence": "kl kld kl_div kl_div_loss kullback_leibler kullback_leibler_divergence",
        "hinge": (
            "multi_margin_loss hinge_loss categorical_hinge squared_hinge multi_class_hinge "
            "svm margin crammer_singer hinge_embedding_loss"
        ),
        "focal": (
            "focal_loss categorical_focal_crossentropy binary_focal_crossentropy sigmoid_focal_loss"
        ),
        "weighted_sum": "sum combined multi multi_loss compound",
        "cross_entropy": (
            "categorical_crossentropy sparse_categorical_crossentropy cce ce "
            "softmax_cross_entropy nll nll_loss cross_entropy_loss softmax xent"
        ),
        "binary_cross_entropy": (
            "bce binary_crossentropy log_loss bce_with_logits bce_loss bce_with_logits_loss "
            "logistic sigmoid_cross_entropy"
        ),
        "heads": "multi_task multitask multi_head multi_output",
    },
    "optimizer": {
        "sgd": "gd gradient_descent momentum nesterov sgdm",
        "adam": "adamw",
        "adagrad": "ada_grad adaptive_gradient",
        "rmsprop": "root_mean_square_propagation rms",
        "amsgrad": "adam_amsgrad",
        "rprop": "resilient_backpropagation rpropminus irprop",
        "lion": "evolved_sign_momentum",
    },
    "average": {
        "ema": "exponential_moving_average exponential polyak ema_model",
        "swa": "stochastic_weight_averaging swa_model mean",
    },
    "learning-rate schedule": {
        "cosine": "cosine_annealing cosine_annealing_lr cosine_decay",
        "step": "step_lr step_decay",
        "multi_step": "multi_step_lr piecewise piecewise_constant piecewise_constant_decay",
        "inverse_time": "inverse_time_decay time_decay inv_scaling",
        "polynomial": "polynomial_decay polynomial_lr poly",
        "linear": "linear_lr linear_decay",
        "cosine_restarts": (
            "cosine_annealing_warm_restarts cosine_decay_restarts sgdr cosine_with_restarts"
        ),
        "one_cycle": "one_cycle_lr super_convergence",
        "cyclic": "cyclic_lr clr triangular",
        "inverse_sqrt": "inverse_square_root rsqrt inv_sqrt",
        "noam": "noam_lr transformer",
        "exponential": "exponential_decay exponential_lr exp",
        "plateau": "reduce_lr_on_plateau reduce_on_plateau on_plateau",
        "constant": "none fixed constant_lr",
    },
    "metric": {
        "accuracy": "acc accuracy_score categorical_accuracy binary_accuracy",
        "balanced_accuracy": "balanced_accuracy_score bacc uar mean_recall",
        "top_k": "top_k_accuracy top_k_accuracy_score top_k_categorical_accuracy top_5 top_3",
        "precision": "precision_score ppv",
        "recall": "recall_score sensitivity tpr",
        "f1": "f1_score fscore f_score f_measure dice",
        "f1_macro": "macro_f1",
        "f1_micro": "micro_f1",
        "f1_weighted": "weighted_f1",
        "roc_auc": "auc auroc roc_auc_score roc_auc_ovr area_under_curve",
        "average_precision": "average_precision_score ap pr_auc auprc",
        "log_loss": "logloss nll cross_entropy categorical_crossentropy binary_crossentropy",
        "brier": "brier_score brier_score_loss",
        "calibration_error": "ece expected_calibration_error",
        "matthews": "mcc matthews_corrcoef phi",
        "mae": "mean_absolute_error l1",
        "mse": "mean_squared_error l2",
        "rmse": "root_mean_squared_error",
        "mape": "mean_absolute_percentage_error",
        "r2": "r2_score r_squared rsquared",
        "explained_variance": "explained_variance_score evs",
        "perplexity": "ppl",
        "bits_per_character": "bpc bits_per_char bits_per_byte",
    },
    "initializer": {
        "glorot_uniform": "xavier xavier_uniform glorot",
        "glorot_normal": "xavier_normal",
        "he_uniform": "he kaiming kaiming_uniform",
        "he_normal": "kaiming_normal",
        "lecun_uniform": "lecun",
        "zeros": "zero",
        "ones": "one",
        "constant": "fill constant_",
        "uniform": "random_uniform",
        "normal": "random_normal gaussian",
        "truncated_normal": "trunc_normal trunc_normal_",
        "orthogonal": "orthogonal_ saxe",
    },
    "file format": {
        "csv": "text txt tsv",
        "jsonl": "json ndjson json_lines jsonlines",
        "parquet": "pq",
        "arrow": "feather ipc",
        "images": "image image_folder imagefolder png jpg jpeg",
        "npz": "numpy",
        "idx": "mnist ubyte idx_ubyte",
        "ts": "sktime aeon tsfile uea ucr",
    },
}

# The same, where a bare name would not tell the whole.
KIND_NOTES: Table = {
    "write `{type: adam, weight_decay: 0.01}`, which is AdamW": "adamw",
    "write `{type: sgd, momentum: 0.9}`": "momentum sgdm",
    "write `{type: sgd, momentum: 0.9, nesterov: true}`": "nesterov",
    "write `{type: hinge, squared: true}`": "squared_hinge",
    'write `{type: csv, delimiter: "\\t"}`': "tsv",
    "write `{type: gelu, approximate: true}`": "gelu_new gelu_tanh gelu_pytorch_tanh",
}

# The words that some keys take.
WORDS: Table = {
    "standard": "zscore standardize standardise z",
    "min_max": "normalize range 01",
    "none": "false no off null identity",
    "most_frequent": "mode most_common frequent",
    "mean": "average avg",
    "robust": "robust_scaler iqr",
    "rank_normal": "quantile quantile_normal gauss_rank rank_gauss rankgauss",
    "one_hot": "dummy dummies",
    "ordinal": "label integer label_encoding",
    "hashed": "hash hashing feature_hashing",
    "embedding": "embed entity_embedding",
    "numeric": "number float int numerical continuous",
    "categorical": "category string nominal",
    "date": "datetime timestamp",
    "text": "free_text document",
    "words": "word",
    "characters": "chars char character",
    "weekday": "day_of_week dow dayofweek",
    "ignore": "skip drop exclude",
    "error": "raise fail",
    "time": "temporal chronological chronologically ordered sequential order",
    "random": "shuffle shuffled randomly",
    "group": "grouped groups group_kfold by_group",
    "hash": "hashed md5 checksum id_hash",
    "column": "predefined fixed manual",
    "sqrt": "square_root root",
    "log": "ln natural_log logarithm",
    "log1p": "log_1p log_plus_one",
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
