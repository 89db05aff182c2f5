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
import operator
import re

from absl import logging
import six
from six.moves import collections_abc
import tensorflow.compat.v1 as tf


class VariableClippingOptimizer(tf.train.Optimizer):
  """Clips chosen variables to a maximum L2 norm after each update.

  Replaces `tf.contrib.opt.VariableClippingOptimizer` of TensorFlow 1.14: same
  methods, same op and variable names, same checkpoints.

  ```python
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.compat.v1.train.AdagradOptimizer(0.1), {embeddings: [1]}, max_norm=1.)
  train_op = opt.minimize(loss, global_step=global_step)
  ```

  This is not gradient clipping: gradients are applied as they are, and then the
  variables are scaled back to the bound.

  A dense gradient clips the whole variable. A sparse gradient
  (`tf.IndexedSlices`) clips the rows it names and writes only those that are
  over the bound; if dimension 0 is a clip dimension, norms span rows, so the
  whole variable is clipped and a warning is logged.

  Wrap one `VariableClippingOptimizer` in another for different bounds. Make a
  bound a `tf.Variable` to change it between steps.

  Works in graphs, `tf.function`, eager execution and the replicas of a
  `tf.distribute.Strategy`. A `tf.train.Checkpoint` of this is one of `opt`. The
  README has a table of what differs from tf.contrib, by the numbers Dn below.
  """

  def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False,
               colocate_clip_ops_with_vars=False, name="VariableClipping"):
    """Wraps an optimizer.

    Args:
      opt: A `tf.compat.v1.train.Optimizer`, or what acts as one.
      vars_to_clip_dims: A dict from variables of a floating dtype and any rank
        to lists of dimensions. Norms are taken along these dimensions: `[1]` on
        a `[vocabulary, width]` matrix bounds each row, `[0]` each column,
        `[0, 1]` the whole matrix and `[]` each element. Negative dimensions
        count from the last (D7). A partitioned or sharded variable stands for
        its parts (D6); `variable.ref()` may stand for a variable (D13). Keys
        that get no gradient are left alone.
      max_norm: The bound in units of the variables: a positive finite number,
        or a scalar `tf.Tensor` or `tf.Variable`, such as a schedule, which is
        cast to the dtype of each variable. Other shapes are broadcast, along
        rows only where the gradient is dense.
      use_locking: Whether to hold a ref variable's lock while clipping it.
      colocate_clip_ops_with_vars: Whether to compute norms on the device of the
        variable. Sparse reads and all writes are always placed there.
      name: The scope of all ops, and of the variables that `opt` creates other
        than slots, such as `VariableClipping/beta1_power`.

    Raises:
      TypeError: If an argument is of another type (D14).
      ValueError: If `max_norm` is not positive and finite, a variable has two
        lists of dimensions, or a norm would span parts of one (D6, D14).
    """
    super(VariableClippingOptimizer, self).__init__(use_locking, name)
    is_keras = hasattr(opt, "get_config")
    if isinstance(opt, type) or not isinstance(opt, tf.train.Optimizer) and (
        is_keras or not hasattr(opt, "compute_gradients")):
      raise TypeError(
          "opt must be a tf.compat.v1.train.Optimizer, not {!r}. To bound "
          "norms under a Keras optimizer, create the variable with "
          "constraint=tf.keras.constraints.MaxNorm(...).".format(opt))
    self._opt = opt
    self._vars_and_clip_dims = _normalize_clip_dims(vars_to_clip_dims)
    self._max_norm = _normalize_max_norm(max_norm)
    self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars
    # One list for a chain, of which one wrapper with a key will do.
    self._unseen_keys = getattr(opt, "_unseen_keys", [])
    self._unseen_keys.extend(var for var, _ in self._vars_and_clip_dims)

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
    """Calls `variables` of the wrapped optimizer (D10), if it has that."""
    return getattr(self._opt, "variables", list)()

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
      ValueError: If there is no gradient, if the dimensions of a variable that
        has one are out of its range (D14), or if `max_norm` varies along the
        rows of a variable whose gradient is sparse.
      RuntimeError: If called in a cross-replica context.
    """
    grads_and_vars = list(grads_and_vars)
    self._warn_of_copies(grads_and_vars)
    to_clip = self._select(grads_and_vars)
    train_ops = tf.get_collection(tf.GraphKeys.TRAIN_OP)
    with tf.name_scope(name, self.get_name()) as scope:
      update_op = self._opt.apply_gradients(
          grads_and_vars, global_step=global_step)
      if tf.distribute.has_strategy():
        to_clip = [(var, dims, _mark(rows)) for var, dims, rows in to_clip]
        clip_ops = [tf.distribute.get_replica_context().merge_call(
            self._clip_replicas, args=(to_clip, update_op))]
      else:
        clip_ops = [
            self._clip(var, dims, getattr(rows, "indices", None), update_op)
            for var, dims, rows in to_clip]
      train_op = tf.group(update_op, *clip_ops, name=scope)
    if not tf.executing_eagerly():
      # In place of that of `opt`, which does not clip.
      tf.get_collection_ref(tf.GraphKeys.TRAIN_OP)[:] = train_ops + [train_op]
    return train_op

  def _warn_of_copies(self, grads_and_vars):
    """Logs a warning if the first pairs are not of variables to clip."""
    keys = {id(var): var.name for var in self._unseen_keys}
    if keys and not any(id(var) in keys for _, var in grads_and_vars):
      logging.warning(
          "No gradient is of a key of vars_to_clip_dims yet: %s. If you train "
          "copies of these, they are not clipped: name the copies.",
          ", ".join(keys.values()))
    del self._unseen_keys[:]

  def _select(self, grads_and_vars):
    """Returns (variable, dims, slices of rows or None for all) to clip."""
    # Variables are unhashable in TensorFlow 2. Their ids are taken only now, as
    # a deep copy of this optimizer holds copies of them.
    clip_dims = {id(var): dims for var, dims in self._vars_and_clip_dims}
    selected = []
    for grad, var in grads_and_vars:
      if grad is not None and id(var) in clip_dims:
        dims = _normalize_dims(clip_dims[id(var)], var)
        rows = grad if isinstance(grad, tf.IndexedSlices) else None
        if rows is not None and 0 in dims:
          logging.warning(
              "The gradient of %s is sparse, but norms along dimension 0 span "
              "rows: clipping the whole variable after each step.", var.name)
          rows = None
        selected.append((var, dims, rows))
    return selected

  def _clip_replicas(self, strategy, to_clip, update_op):
    """Clips all copies of variables, where any replica's gradient is (D8)."""
    update_op = tf.group(*strategy.experimental_local_results(update_op))
    clip_ops = []
    for var, dims, marks in to_clip:
      if any(m is None for m in strategy.experimental_local_results(marks)):
        marks = None
      else:  # From the replicas of all workers, as gradients get to `opt`.
        marks, = strategy.extended.batch_reduce_to(
            tf.distribute.ReduceOp.SUM, [(marks, var)])
      clip_ops.append(strategy.extended.update(
          var, self._clip_copy, args=(dims, marks, update_op)))
    return tf.group(*clip_ops)

  def _clip_copy(self, var, dims, marks, update_op):
    """Clips a copy of a variable at `marks`, or all of it if None."""
    indices = None
    if marks is not None:  # TensorFlow 2.2 to 2.4 may mark other rows with a 0.
      indices = tf.boolean_mask(marks.indices, marks.values > 0)
    return self._clip(var, dims, indices, update_op)

  def _clip(self, var, dims, indices, update_op):
    """Clips `var` at `indices`, or all of it if None, after `update_op`."""
    # An eager variable may have any name, a scope in tf.function may not.
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", var.name.split(":")[0])
    with tf.name_scope("clip_" + name):
      if indices is None:
        return self._clip_dense(var, dims, update_op)
      return self._clip_sparse(var, dims, indices, update_op)

  def _clip_dense(self, var, dims, update_op):
    """Subtracts what is over, in the graph of tf.contrib, node for node."""
    with tf.control_dependencies([update_op]):
      with _colocate_with(var if self._colocate_clip_ops_with_vars else None):
        value = var.read_value()
        excess = value - tf.clip_by_norm(value, self._max_norm_like(var), dims)
      with _colocate_with(var):
        return var.assign_sub(excess, use_locking=self._use_locking)

  def _clip_sparse(self, var, dims, indices, update_op):
    """Writes clipped rows, and only where rows are over the bound.

    A difference would be subtracted once by each worker that clips a row, and
    writing other rows would undo what other workers add to them meanwhile.
    """
    with _colocate_with(var):
      ids, _ = tf.unique(indices)  # Grappler merges it with that of `opt`.
      with tf.control_dependencies([update_op]):
        try:
          rows = var.sparse_read(ids)
        except AttributeError:  # A ref variable; gather alone reads its cache.
          rows = tf.gather(var.read_value(), ids)
    with _colocate_with(var if self._colocate_clip_ops_with_vars else None):
      max_norm = tf.convert_to_tensor(self._max_norm_like(var), rows.dtype)
      row = tf.TensorShape([1]).concatenate(var.shape[1:])
      if not tf.broadcast_static_shape(
          max_norm.shape, row).is_compatible_with(row):
        raise ValueError(
            "max_norm has shape {} and must serve for any row of variable {}, "
            "whose gradient is sparse. Use one that broadcasts against shape "
            "{}.".format(max_norm.shape, var.name, row))
      if any(dim < 0 for dim in dims):  # The rank was unknown.
        with tf.control_dependencies([tf.debugging.assert_rank_at_least(
            rows, 1 - min(dims), message="Norms along dimension 0 span rows. "
            "Count dimensions of variable {} from 0.".format(var.name))]):
          rows = tf.identity(rows)
      # Before TensorFlow 2.1, that of a single element has its sign.
      norms = tf.abs(tf.math.reduce_euclidean_norm(rows, dims, keepdims=True))
      is_over = tf.reduce_any(norms > max_norm, axis=tf.range(1, tf.rank(rows)))
      over = tf.where_v2(is_over)
      norms = tf.maximum(tf.gather_nd(norms, over), max_norm)
      # Of max_norm / norms Grappler may make a Reciprocal, which has no kernel
      # for bfloat16 in TensorFlow 1.14 to 2.1.
      scales = tf.minimum(norms, max_norm) / norms
      rows = tf.multiply(tf.gather_nd(rows, over), scales, name="clip_by_norm")
    with _colocate_with(var):
      clipped = tf.IndexedSlices(rows, tf.gather_nd(ids, over))
      return var.scatter_update(clipped, use_locking=self._use_locking)

  def _max_norm_like(self, var):
    dtype = var.dtype.base_dtype
    if tf.is_tensor(self._max_norm) and self._max_norm.dtype != dtype:
      return tf.cast(self._max_norm, dtype)
    return self._max_norm

  # A tf.train.Checkpoint refuses slots that both this and `opt` report. So this
  # takes the place of `opt` in the object graph, with the same checkpoints.

  @property
  def _trackable(self):
    if isinstance(self._opt, tf.train.Optimizer):
      return self._opt
    return super(VariableClippingOptimizer, self)  # As in tf.contrib.

  def _maybe_initialize_trackable(self):
    super(VariableClippingOptimizer, self)._maybe_initialize_trackable()
    self._trackable._maybe_initialize_trackable()

  @property
  def _checkpoint_dependencies(self):  # Until TF 2.8.
    return self._trackable._checkpoint_dependencies

  @property
  def _deferred_dependencies(self):
    return self._trackable._deferred_dependencies

  def _trackable_children(self, *args, **kwargs):  # From TF 2.9.
    return self._trackable._trackable_children(*args, **kwargs)

  def _lookup_dependency(self, *args, **kwargs):
    return self._trackable._lookup_dependency(*args, **kwargs)

  def _create_or_restore_slot_variable(self, *args, **kwargs):
    return self._trackable._create_or_restore_slot_variable(*args, **kwargs)


def _colocate_with(var):
  """Places ops with `var`, unless they follow the resource they use anyway."""
  if getattr(var, "graph", None) is tf.get_default_graph():
    return tf.get_default_graph().colocate_with(var.op)
  return tf.control_dependencies([])  # No change.


def _mark(rows):
  """Returns a one for each of `rows`, which costs less to send than these."""
  if rows is None:
    return None
  return tf.IndexedSlices(
      tf.ones_like(rows.indices, tf.float32), rows.indices,
      None if rows.dense_shape is None else rows.dense_shape[:1])


def _normalize_max_norm(max_norm):
  """Returns `max_norm` with its numbers as positive finite floats."""
  if tf.is_tensor(max_norm) or hasattr(max_norm, "as_tensor"):  # Partitioned.
    return max_norm
  if hasattr(max_norm, "tolist"):
    max_norm = max_norm.tolist()
  if isinstance(max_norm, (list, tuple)):
    return [_normalize_max_norm(bound) for bound in max_norm]
  if not hasattr(max_norm, "__float__"):
    raise TypeError(
        "max_norm must be a number, a Tensor or a list of these, not "
        "{!r}.".format(max_norm))
  if not 0 < max_norm < float("inf"):
    raise ValueError(
        "max_norm must be positive and finite, not {}. To leave a variable "
        "unclipped, omit it from vars_to_clip_dims.".format(max_norm))
  return float(max_norm)


def _normalize_clip_dims(vars_to_clip_dims):
  """Returns a list of (variable, list of ints) pairs."""
  if not isinstance(vars_to_clip_dims, collections_abc.Mapping):
    raise TypeError(
        "vars_to_clip_dims must be a dict from variables to lists of "
        "dimensions, not {!r}.".format(vars_to_clip_dims))
  clip_dims = collections.OrderedDict()
  for key, dims in six.iteritems(vars_to_clip_dims):
    var = key.deref() if hasattr(key, "deref") else key
    if hasattr(var, "read_value"):
      parts = [var]
    elif hasattr(var, "shape") and (
        hasattr(var, "as_tensor") or hasattr(var, "variables")):
      parts = list(var)  # Of a partitioned variable, or of a sharded one.
    else:
      raise TypeError(
          "A key of vars_to_clip_dims must be a tf.Variable, a partitioned or "
          "sharded variable or a variable's ref(), not {!r}.".format(var))
    dims = _to_ints(dims, var)
    for part in parts:
      for dim in dims:
        if part is not var and part.shape[dim:][:1] != var.shape[dim:][:1]:
          raise ValueError(
              "vars_to_clip_dims gives dimension {} for variable {}, which is "
              "partitioned along it, so that its norms would span servers. "
              "Partition it along a dimension that is not clipped.".format(
                  dim, var.name))
      if clip_dims.setdefault(id(part), (part, dims))[1] != dims:
        raise ValueError(
            "vars_to_clip_dims has two lists of dimensions for variable {}. "
            "Keep one of its keys.".format(part.name))
  return list(clip_dims.values())


def _to_ints(dims, var):
  """Returns a list of the integers in `dims`, which may be constant Tensors."""

  def static(value):
    return tf.get_static_value(value) if tf.is_tensor(value) else value

  try:
    return [operator.index(static(dim)) for dim in static(dims)]
  except TypeError:
    raise TypeError(
        "vars_to_clip_dims must give a list of integers for variable {}, not "
        "{!r}. Use [] to clip each element.".format(var.name, dims))


def _normalize_dims(dims, var):
  """Returns `dims` of `var` as distinct non-negative ints, in their order."""
  rank = var.shape.ndims
  if rank is None:
    return dims
  for dim in dims:
    if not -rank <= dim < rank:
      raise ValueError(
          "vars_to_clip_dims gives dimension {} for variable {} of shape {}. "
          "Use {}.".format(
              dim, var.name, var.shape,
              "dimensions in [-{0}, {0})".format(rank) if rank else "[]"))
  return list(collections.OrderedDict.fromkeys(dim % rank for dim in dims))
