# Copyright 2026 The tf_contrib_opt Authors.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""An optimizer wrapper that bounds the L2 norm of variables."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import contextlib
import numbers
import operator

from absl import logging
import six
from six.moves import collections_abc
import tensorflow.compat.v1 as tf


def _update(var, fn, args):
  """Does without a strategy what `StrategyExtended.update` does with one."""
  return fn(var, *args)


class VariableClippingOptimizer(tf.train.Optimizer):
  """Clips chosen variables to a maximum L2 norm after each update.

  Replaces `tf.contrib.opt.VariableClippingOptimizer` of TensorFlow 1.14: same
  methods, same op and variable names, same checkpoints. "Dn" below is a row of
  the README's table "Differences from tf.contrib.opt".

  ```python
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.compat.v1.train.AdagradOptimizer(0.1), {embeddings: [1]}, max_norm=1.)
  train_op = opt.minimize(loss, global_step=global_step)
  ```

  A dense gradient clips the whole variable. A sparse gradient
  (`tf.IndexedSlices`) clips the rows it names and writes only those that are
  over the bound (D1, D2, D3); if dimension 0 is a clip dimension, norms span
  rows, so the whole variable is clipped and a warning is logged.

  Works in graphs, in `tf.function`, in eager execution (D13) and in replicas of
  a `tf.distribute.Strategy` (D8). A `tf.train.Checkpoint` of this optimizer is
  a checkpoint of `opt` (D9).
  """

  def __init__(self,
               opt,
               vars_to_clip_dims,
               max_norm,
               use_locking=False,
               colocate_clip_ops_with_vars=False,
               name="VariableClipping"):
    """Wraps an optimizer.

    Args:
      opt: A `tf.compat.v1.train.Optimizer`, which computes and applies the
        gradients.
      vars_to_clip_dims: A dict from variables of a floating dtype and any rank
        to lists of dimensions. Norms are taken along these dimensions: `[1]` on
        a `[vocabulary, width]` matrix bounds each row, `[0]` each column,
        `[0, 1]` the whole matrix and `[]` each element. Negative dimensions
        count from the last (D7). A partitioned variable stands for its
        partitions (D6); `variable.ref()` may stand for a variable (D13). Keys
        that get no gradient are left alone.
      max_norm: The bound in units of the variables: a positive finite number,
        or a scalar `tf.Tensor`, such as a schedule or a placeholder, which is
        cast to the dtype of each variable.
      use_locking: Whether to hold a ref variable's lock while clipping it.
      colocate_clip_ops_with_vars: Whether to compute norms on the device of the
        variable. Sparse reads and all writes are always placed there.
      name: The scope of all ops, and of the variables that `opt` creates other
        than slots, such as `VariableClipping/beta1_power`.

    Raises:
      TypeError: If an argument has a type other than these (D14).
      ValueError: If `max_norm` is out of range or not a scalar, if dimensions
        are out of the variable's range, or negative while its rank is unknown,
        if they include the one a variable is partitioned along, or if a
        variable is named twice (D6, D14).
    """
    super(VariableClippingOptimizer, self).__init__(use_locking, name)
    if not isinstance(opt, tf.train.Optimizer):
      raise TypeError(
          "opt must be a tf.compat.v1.train.Optimizer, not {!r}. To bound "
          "norms under a Keras optimizer, create the variable with "
          "constraint=tf.keras.constraints.MaxNorm(...).".format(opt))
    self._opt = opt
    self._clip_dims = _normalize_clip_dims(vars_to_clip_dims)
    self._max_norm = _normalize_max_norm(max_norm)
    self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars

  def compute_gradients(self, *args, **kwargs):
    """Calls `compute_gradients` of the wrapped optimizer."""
    return self._opt.compute_gradients(*args, **kwargs)

  def get_slot(self, *args, **kwargs):
    """Calls `get_slot` of the wrapped optimizer."""
    return self._opt.get_slot(*args, **kwargs)

  def get_slot_names(self, *args, **kwargs):
    """Calls `get_slot_names` of the wrapped optimizer."""
    return self._opt.get_slot_names(*args, **kwargs)

  def variables(self):
    """Calls `variables` of the wrapped optimizer (D10)."""
    return self._opt.variables()

  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    """Applies gradients with the wrapped optimizer, then clips.

    Args:
      grads_and_vars: An iterable (D4) of (gradient, variable) pairs as returned
        by `compute_gradients`. A gradient has the shape of its variable and is
        a `tf.Tensor`, a `tf.IndexedSlices` or None.
      global_step: An optional integer scalar variable to increment by one.
      name: The scope of the ops made here. Defaults to the optimizer's name.

    Returns:
      The train op, which applies, clips and increments, and stands in the
      collection `tf.GraphKeys.TRAIN_OP` (D11). None in eager execution.

    Raises:
      ValueError: If `grads_and_vars` holds no gradient.
      RuntimeError: If called in a cross-replica context.
    """
    grads_and_vars = list(grads_and_vars)
    train_ops = tf.get_collection_ref(tf.GraphKeys.TRAIN_OP)
    num_train_ops = len(train_ops)
    with tf.name_scope(name, self.get_name()) as scope:
      update_op = self._opt.apply_gradients(grads_and_vars, global_step)
      if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        clip_ops = [
            tf.distribute.get_replica_context().merge_call(
                self._clip_replicas, args=(grads_and_vars, update_op))
        ]
      else:
        clip_ops = [
            self._clip(var, getattr(grad, "indices", None), update_op)
            for grad, var in grads_and_vars
            if grad is not None and id(var) in self._clip_dims
        ]
      train_op = tf.group(update_op, *clip_ops, name=scope)
    if not tf.executing_eagerly():
      train_ops[num_train_ops:] = [train_op]
    return train_op

  def _clip_replicas(self, strategy, grads_and_vars, update_op):
    """Clips all copies of variables, where any replica's gradient is (D8)."""
    update_op = tf.group(*strategy.experimental_local_results(update_op))
    clip_ops = []
    for grad, var in grads_and_vars:
      if grad is not None and id(var) in self._clip_dims:
        grads = strategy.experimental_local_results(grad)
        indices = None
        if isinstance(grads[0], tf.IndexedSlices):
          indices = tf.concat([grad.indices for grad in grads], axis=0)
        clip_ops.append(
            self._clip(var, indices, update_op, strategy.extended.update))
    return tf.group(*clip_ops)

  def _clip(self, var, indices, update_op, update=_update):
    """Clips `var` at `indices`, or all of it if None, after `update_op`."""
    _, dims = self._clip_dims[id(var)]
    if indices is not None and 0 in dims:
      logging.warning(
          "The gradient of %s is sparse, but norms along dimension 0 span "
          "rows: clipping the whole variable after each step.", var.name)
      indices = None
    with tf.name_scope("clip_" + var.name.split(":")[0]):
      if indices is None:
        return update(var, self._clip_dense, args=(dims, update_op))
      return update(var, self._clip_sparse, args=(dims, update_op, indices))

  def _clip_dense(self, var, dims, update_op):
    """Subtracts what is over, so as to keep what others add meanwhile."""
    with tf.control_dependencies([update_op]):
      with self._colocate_clip_ops_with(var):
        value = var.read_value()
        excess = value - tf.clip_by_norm(value, self._max_norm_like(var), dims)
      with _colocate_with(var):
        return var.assign_sub(excess, use_locking=self._use_locking)

  def _clip_sparse(self, var, dims, update_op, indices):
    """Writes clipped rows, and only where rows are over the bound.

    A difference would be subtracted once by each worker that clips a row, and
    writing other rows would undo what other workers add to them meanwhile.
    """
    max_norm = self._max_norm_like(var)
    with _colocate_with(var):
      ids, _ = tf.unique(indices)  # Merged with the one that `opt` may create.
      with tf.control_dependencies([update_op]):
        try:
          rows = var.sparse_read(ids)
        except AttributeError:  # A ref variable; gather alone reads its cache.
          rows = tf.gather(var.read_value(), ids)
    with self._colocate_clip_ops_with(var):
      # Before TensorFlow 2.1, that of a single element has its sign.
      norms = tf.abs(tf.math.reduce_euclidean_norm(rows, dims, keepdims=True))
      over = tf.reduce_any(norms > max_norm, axis=tf.range(1, tf.rank(rows)))
      over = tf.reshape(tf.where_v2(over), [-1])
      scales = max_norm / tf.maximum(tf.gather(norms, over), max_norm)
      rows = tf.multiply(tf.gather(rows, over), scales, name="clip_by_norm")
    with _colocate_with(var):
      clipped = tf.IndexedSlices(rows, tf.gather(ids, over))
      return var.scatter_update(clipped, use_locking=self._use_locking)

  def _colocate_clip_ops_with(self, var):
    return _colocate_with(var if self._colocate_clip_ops_with_vars else None)

  def _max_norm_like(self, var):
    dtype = var.dtype.base_dtype
    if tf.is_tensor(self._max_norm) and self._max_norm.dtype != dtype:
      return tf.cast(self._max_norm, dtype)
    return self._max_norm

  # A tf.train.Checkpoint refuses slots that two optimizers report, and both
  # this one and `opt` do. So this one takes the place of `opt` in the object
  # graph: a model trained with and without clipping has the same checkpoints.

  def _maybe_initialize_trackable(self):
    super(VariableClippingOptimizer, self)._maybe_initialize_trackable()
    self._opt._maybe_initialize_trackable()

  @property
  def _checkpoint_dependencies(self):  # Until TF 2.8.
    return self._opt._checkpoint_dependencies

  @property
  def _deferred_dependencies(self):
    return self._opt._deferred_dependencies

  def _trackable_children(self, *args, **kwargs):  # From TF 2.9.
    return self._opt._trackable_children(*args, **kwargs)

  def _lookup_dependency(self, *args, **kwargs):
    return self._opt._lookup_dependency(*args, **kwargs)

  def _create_or_restore_slot_variable(self, *args, **kwargs):
    return self._opt._create_or_restore_slot_variable(*args, **kwargs)


@contextlib.contextmanager
def _colocate_with(var):
  """Places ops with `var`, if that is in the graph being built.

  In eager execution and in functions, ops follow the resource they use.
  """
  graph = tf.get_default_graph()
  if getattr(var, "graph", None) is graph:
    with graph.colocate_with(var.op):
      yield
  else:
    yield


def _normalize_max_norm(max_norm):
  """Returns `max_norm` as a scalar Tensor or a positive finite float."""
  if tf.is_tensor(max_norm):
    if not max_norm.shape.is_compatible_with([]):
      raise ValueError(
          "max_norm must be a scalar, not of shape {}. To bound variables "
          "differently, wrap one VariableClippingOptimizer in another.".format(
              max_norm.shape))
    return max_norm
  if not (isinstance(max_norm, numbers.Real) or
          getattr(max_norm, "ndim", None) == 0):
    raise TypeError(
        "max_norm must be a number or a scalar Tensor, not {!r}.".format(
            max_norm))
  if not 0 < max_norm < float("inf"):
    raise ValueError(
        "max_norm must be positive and finite, not {}. To leave a variable "
        "unclipped, omit it from vars_to_clip_dims.".format(max_norm))
  return float(max_norm)


def _normalize_clip_dims(vars_to_clip_dims):
  """Returns a dict from id(variable) to (variable, list of dims)."""
  if not isinstance(vars_to_clip_dims, collections_abc.Mapping):
    raise TypeError(
        "vars_to_clip_dims must be a dict from variables to lists of "
        "dimensions, not {!r}.".format(vars_to_clip_dims))
  clip_dims = {}
  for key, dims in six.iteritems(vars_to_clip_dims):
    var = key.deref() if hasattr(key, "deref") else key
    is_partitioned = hasattr(var, "as_tensor")
    if not (is_partitioned or hasattr(var, "read_value")):
      raise TypeError(
          "A key of vars_to_clip_dims must be a tf.Variable, a partitioned "
          "variable or a variable's ref(), not {!r}.".format(var))
    dims = _normalize_dims(dims, var)
    for part in var if is_partitioned else [var]:
      if is_partitioned:
        _check_partition(part, var, dims)
      if id(part) in clip_dims:
        raise ValueError(
            "vars_to_clip_dims names variable {} twice. Keep one of its "
            "keys.".format(part.name))
      clip_dims[id(part)] = part, dims
  return clip_dims


def _normalize_dims(dims, var):
  """Returns `dims` of `var` as distinct non-negative ints, in their order."""
  try:
    dims = [operator.index(dim) for dim in dims]
  except TypeError:
    raise TypeError(
        "vars_to_clip_dims must give a list of integers for variable {}, not "
        "{!r}. Use [] to clip each element.".format(var.name, dims))
  rank = var.shape.ndims
  for dim in dims:
    if rank is None and dim < 0:
      raise ValueError(
          "vars_to_clip_dims gives dimension {} for variable {}, whose rank is "
          "unknown. Count its dimensions from 0.".format(dim, var.name))
    if rank is not None and not -rank <= dim < rank:
      raise ValueError(
          "vars_to_clip_dims gives dimension {} for variable {} of shape {}. "
          "Use dimensions in [-{rank}, {rank}).".format(
              dim, var.name, var.shape, rank=rank))
  return list(
      collections.OrderedDict.fromkeys(dim % rank if rank else dim
                                       for dim in dims))


def _check_partition(part, var, dims):
  """Raises an error if a norm of `var` along `dims` spans its partitions."""
  for dim in dims:
    if part.shape[dim] != var.shape[dim]:
      raise ValueError(
          "vars_to_clip_dims gives dimension {} for variable {}, which is "
          "partitioned along it, so that its norms would span servers. "
          "Partition it along a dimension that is not clipped.".format(
              dim, var.name))
