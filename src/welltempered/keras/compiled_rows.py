"""Whether rows of a batch can be left out of a Keras model's step, and the step that does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import keras

from welltempered.jax.programs import setting

__all__ = ["can_leave_out", "leaving_out"]

# What looks at each row by itself. Others may, too, but their last batch gets a shape of its own.
_LAYERS = """
Activation Add Attention AdditiveAttention AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D
Bidirectional Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose Cropping1D
Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot Dropout EinsumDense ELU Embedding Flatten
GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention GRU GRUCell
Identity InputLayer LayerNormalization LeakyReLU LSTM LSTMCell Maximum MaxPooling1D MaxPooling2D MaxPooling3D
Minimum MultiHeadAttention Multiply Permute PReLU ReLU RepeatVector Rescaling Reshape RMSNormalization
SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D
Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
ZeroPadding3D Sequential Functional
"""
_OPERATIONS = frozenset({"Add", "Divide", "Multiply", "Relu", "Subtract", "TrueDivide"})
_LOSSES = """
binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy
categorical_hinge cosine_similarity hinge huber kl_divergence log_cosh mean_absolute_error
mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error poisson
sparse_categorical_crossentropy squared_hinge
"""
_METRICS = frozenset(
    {"AUC", "FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"}
)


def can_leave_out(model: Any, batch: tuple[Any, ...]) -> tuple[bool, bool]:
    """Whether padded rows would leave no trace in a training step, and in one of validation.

    They get the weight 0, and all else must look at each row by itself. Batch normalisation does in validation, not in
    training. Masks drawn for a padded batch begin with those of the smaller one, as JAX's generator draws them by now.
    """
    simple = _ours(model) and _simple(batch) and _measures_rows(model)
    simple = simple and bool(setting("jax_threefry_partitionable"))
    strange = [one for one in _operations(model) if not _by_row(one)] if simple else []
    calm = all(type(one) is keras.layers.BatchNormalization for one in strange)
    return simple and not strange, simple and calm


def _simple(batch: tuple[Any, ...]) -> bool:
    """One array of targets, and if there are weights one per row."""
    leaves = [jax.tree.leaves(part) for part in batch[1:]]
    single = [part[0] for part in leaves if len(part) == 1]
    return 0 < len(leaves) == len(single) and all(weights.ndim == 1 for weights in single[1:])


def _measures_rows(model: Any) -> bool:
    """Whether loss and metrics are means, or counts, over rows."""
    losses: list[Any] = getattr(model._compile_loss, "_flat_losses", None) or []
    metrics = model._compile_metrics.metrics if model._compile_metrics is not None else ()
    return len(losses) == 1 and _mean_of_rows(losses[0].loss) and all(map(_counts_rows, metrics))


def _mean_of_rows(loss: Any) -> bool:
    name = getattr(getattr(loss, "fn", None), "__name__", "")
    return _ours(loss) and name in _LOSSES.split() and loss.reduction in {"sum_over_batch_size", "mean"}


def _counts_rows(metric: Any) -> bool:
    function = getattr(metric, "_fn", None)
    if isinstance(metric, keras.metrics.MeanMetricWrapper):
        return _ours(metric) and str(getattr(function, "__module__", "")).startswith("keras.")
    return _ours(metric) and type(metric).__name__ in _METRICS


def _operations(model: Any) -> Iterator[Any]:
    """All that a model computes with, inner models opened."""
    yield from model._flatten_layers(include_self=False)
    for part in [model, *model._flatten_layers(include_self=False)]:
        yield from (one for one in getattr(part, "operations", ()) if not isinstance(one, keras.Layer))


def _by_row(one: Any) -> bool:
    if not isinstance(one, keras.Layer):
        return _ours(one) and type(one).__name__ in _OPERATIONS
    told = getattr(one, "activity_regularizer", None) or getattr(one, "mask_zero", False)
    return _ours(one) and type(one).__name__ in _LAYERS.split() and not told and not getattr(one, "stateful", False)


def _ours(one: Any) -> bool:
    return type(one).__module__.startswith("keras.")


@contextmanager
def leaving_out(model: Any, batch: tuple[Any, ...], present: Any) -> Iterator[tuple[Any, ...]]:
    """The batch to hand to Keras' own step, so that rows where `present` is 0 do not count."""
    x, y, *weights = batch
    count = jnp.sum(present)
    weighted = present if not weights else present * weights[0]

    def update(variables: Any, loss: Any, x: Any, y: Any, y_pred: Any, _: Any) -> tuple[Mapping[str, Any], list[Any]]:  # noqa: ARG001 - as Keras calls it
        with keras.StatelessScope(list(zip(model.metrics_variables, variables, strict=True))) as scope:
            model._loss_tracker.update_state(loss, sample_weight=count)
            for metric in _lists(model, "_flat_metrics"):
                metric.update_state(y, y_pred, present)
            for metric in _lists(model, "_flat_weighted_metrics"):
                metric.update_state(y, y_pred, weighted)
        return {}, [scope.get_current_value(v) for v in model.metrics_variables]

    space = vars(model)
    space["_update_metrics_variables"] = update  # Keras counts the rows of the padded batch
    try:  # the loss is the mean over the padded rows, too
        yield x, y, weighted * (present.shape[0] / count)
    finally:
        del space["_update_metrics_variables"]


def _lists(model: Any, name: str) -> Iterator[Any]:
    return (metric for metric in getattr(model._compile_metrics, name, ()) if metric)
