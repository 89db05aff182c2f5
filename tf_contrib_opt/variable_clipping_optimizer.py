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
"""An optimizer wrapper that bounds the L2 norms of variables."""

import collections
import contextlib
import operator
import re

from absl import logging
import tensorflow.compat.v1 as tf


class VariableClippingOptimizer(tf.train.Optimizer):
  """Wraps an optimizer, and clips chosen variables after each update.

  This class replaces `tf.contrib.opt.VariableClippingOptimizer` of TensorFlow
  1.14. README.md explains the differences D1 to D15.

  ```python
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.compat.v1.train.AdagradOptimizer(0.1), {embeddings: [1]}, max_norm=1.)
  train_op = opt.minimize(loss, global_step=global_step)
  ```

  This is not gradient clipping. The inner optimizer applies the gradients
  unchanged. Then the variables are scaled back, so that their L2 norms are at
  most `max_norm`, the bound.

  After a dense gradient (a `tf.Tensor`), the whole variable is clipped. After a
  sparse gradient (a `tf.IndexedSlices`), only the looked-up rows are clipped.
  If dimension 0 is a clip dimension, norms span several rows, so the whole
  variable is clipped even after a sparse gradient.

  To give variables different bounds, wrap one `VariableClippingOptimizer` in
  another.

  A `tf.train.Checkpoint` of this optimizer contains the state of the inner
  optimizer (D9).
  """

  def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False,
               colocate_clip_ops_with_vars=False, name="VariableClipping"):
    """Creates the wrapper.

    Args:
      opt: The inner optimizer: a `tf.compat.v1.train.Optimizer`, or any object
        that has `apply_gradients` and the other methods that the program calls.
      vars_to_clip_dims: A dict from floating-point variables, or their `ref()`
        (D13), to lists of dimensions along which norms are taken. For a matrix,
        `[1]` bounds each row, `[0]` each column, `[0, 1]` the whole matrix and
        `[]` each element. Negative dimensions count from the last one (D7). A
        partitioned or sharded variable stands for its parts (D6).
      max_norm: The bound: a positive finite number, or a scalar `tf.Tensor` or
        `tf.Variable` of any dtype. Other shapes are broadcast. The bound may
        differ from row to row only if the gradient is dense.
      use_locking: Whether to lock ref variables. Resource variables ignore it.
      colocate_clip_ops_with_vars: Whether to place all clip ops on the device
        of the variable. By default, only reads, writes and, after a sparse
        gradient, the clip of the rows over the bound are placed there.
      name: The name scope of new ops. It is also the prefix of variables of the
        inner optimizer that are not slots, in the graph and in checkpoints:
        `VariableClipping/beta1_power`.

    Raises:
      TypeError: If an argument has a wrong type (D14).
      ValueError: If `max_norm` is not positive and finite (D14), if a variable
        has two different lists of dimensions, or if a norm would span several
        partitions (D6).
    """
    super(VariableClippingOptimizer, self).__init__(use_locking, name)
    _check_optimizer(opt)
    self._opt = opt
    self._is_synchronous = _has_sync_replicas(opt)
    self._vars_and_clip_dims = _normalize_clip_dims(vars_to_clip_dims)
    self._max_norm = _normalize_max_norm(max_norm)
    self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars
    self._warned_of = set()

  def compute_gradients(self, *args, **kwargs):
    """Calls `compute_gradients` of the inner optimizer."""
    return self._opt.compute_gradients(*args, **kwargs)

  def get_slot(self, *args, **kwargs):
    """Calls `get_slot` of the inner optimizer."""
    return self._opt.get_slot(*args, **kwargs)

  def get_slot_names(self, *args, **kwargs):
    """Calls `get_slot_names` of the inner optimizer."""
    return self._opt.get_slot_names(*args, **kwargs)

  def variables(self):
    """Calls `variables` of the inner optimizer (D10)."""
    inherited = tf.train.Optimizer.variables
    if getattr(type(self._opt), "variables", inherited) == inherited:
      return self._trackable.variables()
    return self._opt.variables()

  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    """Applies gradients with the inner optimizer, then clips the variables.

    Args:
      grads_and_vars: An iterable (D4) of (gradient, variable) pairs as returned
        by `compute_gradients`. A gradient has the shape of its variable and is
        a `tf.Tensor`, a `tf.IndexedSlices` or None.
      global_step: An optional integer scalar variable to increment by one.
      name: The name scope of new ops. Defaults to the name of this optimizer.

    Returns:
      The train op, which applies the gradients, clips the variables and
      increments `global_step`. In eager execution, the result is None.

    Raises:
      TypeError: If a variable to clip is not of a floating-point dtype (D14).
      ValueError: If there is no gradient, if the dimensions or the shape of
        `max_norm` do not fit a variable that has a gradient, or if two keys
        give different dimensions for one variable (D14).
      RuntimeError: If this is called in a cross-replica context.
    """
    grads_and_vars = list(grads_and_vars)
    replica_context = tf.distribute.get_replica_context()
    if replica_context is None:  # The base class raises the RuntimeError.
      return super(VariableClippingOptimizer, self).apply_gradients(
          grads_and_vars, global_step, name)
    train_ops = tf.get_collection(tf.GraphKeys.TRAIN_OP)
    with tf.name_scope(name, self.get_name()) as scope:
      to_clip = self._variables_to_clip(grads_and_vars)
      update_op = self._opt.apply_gradients(
          grads_and_vars, global_step=global_step)
      if tf.distribute.has_strategy():
        to_clip = [
            (var, dims, None if ids is None else _count_lookups(ids, var))
            for var, dims, ids in to_clip]
        clip_ops = [replica_context.merge_call(
            self._clip_copies, args=(to_clip, update_op))]
      else:
        clip_ops = [self._clip(var, dims, ids, update_op)
                    for var, dims, ids in to_clip]
      train_op = tf.group(update_op, *clip_ops, name=scope)
    if not tf.executing_eagerly():  # This replaces the inner train op (D11).
      tf.get_collection_ref(tf.GraphKeys.TRAIN_OP)[:] = train_ops + [train_op]
    return train_op

  def _variables_to_clip(self, grads_and_vars):
    """Returns (variable, dims, ids of rows, or None for all rows) tuples."""
    # Identities are computed in each call, because a deep copy of this object
    # holds other variables.
    clip_dims = {}
    for key, dims in self._vars_and_clip_dims:
      _add_clip_dims(clip_dims, _identity(key), key, dims)
    grads_of = collections.OrderedDict()  # Pairs may share a variable (D15).
    for grad, var in grads_and_vars:
      grads_of.setdefault(_identity(var), []).append(grad)
    if not any(identity in clip_dims for identity in grads_of):
      self._warn_once(
          "keys", "%s clips nothing in this call of apply_gradients, because "
          "none of its variables (%s) is a key of vars_to_clip_dims (%s). This "
          "is right if other calls update the keys. If not, the keys may be "
          "missing in var_list, or be copies of the variables, or be variables "
          "of another graph.", self.get_name(),
          _names([var for _, var in grads_and_vars]),
          _names([key for key, _ in self._vars_and_clip_dims]))
    to_clip = []
    for identity, grads in grads_of.items():
      grads = [grad for grad in grads if grad is not None]
      if identity in clip_dims and grads:
        var, dims = clip_dims[identity]
        dims = _dims_from_0(dims, var)
        is_sparse = all(isinstance(grad, tf.IndexedSlices) for grad in grads)
        if is_sparse and 0 in dims:
          is_sparse = False
          self._warn_once(
              id(var), "The whole variable %s is clipped after each step. Its "
              "gradient is sparse, but norms along dimension 0 span rows.",
              var.name)
        _check_dtype(var)
        _check_max_norm(self._max_norm, var, is_sparse)
        to_clip.append((var, dims, _all_ids(grads) if is_sparse else None))
    return to_clip

  def _warn_once(self, subject, message, *args):
    if subject not in self._warned_of:
      self._warned_of.add(subject)
      logging.warning(message, *args)

  def _clip_copies(self, strategy, to_clip, update_op):
    """Clips the looked-up rows of all replicas in all copies (D8)."""
    update_op = tf.group(*strategy.experimental_local_results(update_op))
    clip_ops = []
    for var, dims, counts in to_clip:
      if any(c is None for c in strategy.experimental_local_results(counts)):
        # The gradient of a replica is dense, so the whole variable is clipped.
        clip, counts = self._clip, None
      else:
        clip = self._clip_counted
        counts, = strategy.extended.batch_reduce_to(
            tf.distribute.ReduceOp.SUM, [(counts, var)])
      # With group=True, the strategy would read the whole variable.
      clip_ops.extend(strategy.experimental_local_results(
          strategy.extended.update(
              var, clip, args=(dims, counts, update_op), group=False)))
    return tf.group(*clip_ops)

  def _clip_counted(self, var, dims, counts, update_op):
    """Clips the rows that were looked up, by the counts of all replicas."""
    # TensorFlow 2.2 to 2.4 also return rows that have a count of 0.
    ids = tf.boolean_mask(counts.indices, counts.values > 0)
    return self._clip(var, dims, ids, update_op)

  def _clip(self, var, dims, ids, update_op):
    """Clips the rows `ids` of a variable, or all of it if `ids` is None."""
    # An eager variable may have a name that is not a valid name scope.
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", var.name.split(":")[0])
    with tf.name_scope("clip_" + name):
      if ids is not None:
        with _colocate_with(var):
          # Grappler merges this op with the tf.unique of the inner optimizer.
          ids, _ = tf.unique(ids)
        return self._clip_rows(var, dims, ids, update_op)
      if self._is_synchronous:
        return self._clip_synchronous(var, dims, update_op)
      return self._clip_all(var, dims, update_op)

  def _clip_all(self, var, dims, update_op):
    """Clips the whole variable, with the nodes of tf.contrib's graph."""
    with tf.control_dependencies([update_op]):
      with _colocate_with(var, self._colocate_clip_ops_with_vars):
        value = var.read_value()
        excess = value - tf.clip_by_norm(
            value, self._max_norm_as(value.dtype), dims)
      with _colocate_with(var):
        # A subtraction keeps what asynchronous workers add after the read.
        return var.assign_sub(excess, use_locking=self._use_locking)

  def _clip_rows(self, var, dims, ids, update_op):
    """Clips the distinct rows `ids`, and writes only rows over the bound.

    A row inside the bound is not written, because a write would undo what other
    workers have added since the read. A row over the bound is overwritten. If
    workers subtracted its excess, each of them would subtract all of it.
    """
    with _colocate_with(var), tf.control_dependencies([update_op]):
      rows = _read_rows(var, ids)
    with _colocate_with(var, self._colocate_clip_ops_with_vars):
      if any(dim < 0 for dim in dims):
        # Negative dimensions are left only if the rank was unknown.
        rows = _assert_norms_within_rows(rows, dims, var)
      max_norm = tf.convert_to_tensor(
          self._max_norm_as(rows.dtype), rows.dtype)
      over = tf.where_v2(tf.reduce_any(
          _is_over(rows, max_norm, dims), axis=tf.range(1, tf.rank(rows))))
    with _colocate_with(var):
      ids = tf.gather_nd(ids, over)
      # The rows are read again just before the write, because other workers may
      # have changed them while the norms were computed on another device.
      with tf.control_dependencies([ids]):
        rows = _read_rows(var, ids)
      return var.scatter_update(
          tf.IndexedSlices(tf.clip_by_norm(rows, max_norm, dims), ids),
          use_locking=self._use_locking)

  def _clip_synchronous(self, var, dims, update_op):
    """Clips the whole variable, for workers that read the same value (D5).

    Each of them would subtract the same excess, so each overwrites what is over
    the bound. It writes nothing else, because the chief may already be applying
    the next update.
    """
    rank = var.shape.ndims
    other_dims = [dim for dim in range(rank or 0) if dim not in dims]
    if len(other_dims) == 1 and _static_shape(self._max_norm).ndims == 0:
      if other_dims == [0]:
        ids = tf.range(_num_rows(var, tf.int32))
        return self._clip_rows(var, dims, ids, update_op)
      return self._clip_slices(var, dims, other_dims[0], update_op)
    with tf.control_dependencies([update_op]):
      with _colocate_with(var, self._colocate_clip_ops_with_vars or rank == 0):
        value = var.read_value()
        if rank != 0:
          # The gather copies the value, because otherwise another worker could
          # change a ref variable between the norm and the division.
          value = tf.gather(value, tf.range(tf.shape(value)[0]))
        max_norm = self._max_norm_as(value.dtype)
        is_over = _is_over(value, max_norm, dims)
        clipped = tf.clip_by_norm(value, max_norm, dims)
      with _colocate_with(var):
        if rank == 0:  # A scatter op cannot write a scalar.
          return var.assign(tf.where(is_over, clipped, value),
                            use_locking=self._use_locking)
        over = tf.where_v2(tf.broadcast_to(is_over, tf.shape(clipped)))
        return tf.scatter_nd_update(
            var, over, tf.gather_nd(clipped, over), self._use_locking)

  def _clip_slices(self, var, dims, axis, update_op):
    """Clips and writes the slices along `axis` that are over the bound."""
    with tf.control_dependencies([update_op]):
      with _colocate_with(var, self._colocate_clip_ops_with_vars):
        value = var.read_value()
        max_norm = self._max_norm_as(value.dtype)
        over = tf.where_v2(tf.reshape(_is_over(value, max_norm, dims), [-1]))
    with _colocate_with(var), tf.control_dependencies([over]):
      over = tf.cast(over[:, 0], tf.int32)
      slices = tf.gather(var.read_value(), over, axis=axis)
      indices = [tf.range(size) for size in tf.unstack(tf.shape(slices))]
      indices[axis] = over
      return tf.scatter_nd_update(
          var, tf.stack(tf.meshgrid(*indices, indexing="ij"), axis=-1),
          tf.clip_by_norm(slices, max_norm, dims), self._use_locking)

  def _max_norm_as(self, dtype):
    if tf.is_tensor(self._max_norm):
      return tf.cast(self._max_norm, dtype)
    return self._max_norm

  # Because tf.train.Checkpoint fails if two objects return the same slots, this
  # object stands in for the inner optimizer in a checkpoint (D9). It delegates
  # the methods that TensorFlow calls to save and to restore it.

  @property
  def _trackable(self):
    # Some optimizers of tf.contrib never call the constructor of their base
    # class, which creates _non_slot_dict. They have no state that this object
    # could save, so a checkpoint has none, as with tf.contrib.
    if hasattr(self._opt, "_non_slot_dict"):
      return self._opt
    return super(VariableClippingOptimizer, self)

  def _maybe_initialize_trackable(self):
    super(VariableClippingOptimizer, self)._maybe_initialize_trackable()
    self._trackable._maybe_initialize_trackable()

  @property
  def _checkpoint_dependencies(self):
    # Only TensorFlow 1.14 to 2.7 calls this.
    return self._trackable._checkpoint_dependencies

  @property
  def _deferred_dependencies(self):
    return self._trackable._deferred_dependencies

  def _trackable_children(self, *args, **kwargs):
    # Only TensorFlow 2.8 to 2.21 calls this.
    return self._trackable._trackable_children(*args, **kwargs)

  def _lookup_dependency(self, *args, **kwargs):
    return self._trackable._lookup_dependency(*args, **kwargs)

  def _create_or_restore_slot_variable(self, *args, **kwargs):
    return self._trackable._create_or_restore_slot_variable(*args, **kwargs)


# The constructor calls these functions.


def _check_optimizer(opt):
  # Keras optimizers have get_config. The type is asked, because the object may
  # be a wrapper that delegates every attribute to its inner optimizer.
  if isinstance(opt, type) or not isinstance(opt, tf.train.Optimizer) and (
      hasattr(type(opt), "get_config") or not hasattr(opt, "apply_gradients")):
    raise TypeError(
        "opt must be a tf.compat.v1.train.Optimizer, not {!r}. With a Keras "
        "optimizer, create the variable with the argument constraint="
        "tf.keras.constraints.MaxNorm(...) instead.".format(opt))


def _has_sync_replicas(opt):
  """Returns whether `opt` is, or wraps, a `SyncReplicasOptimizer`."""
  seen, pending = set(), [opt]
  while pending:
    value = pending.pop()
    if id(value) in seen:
      continue
    seen.add(id(value))
    if isinstance(value, dict):
      pending.extend(value.values())
    elif isinstance(value, (list, tuple)):
      pending.extend(value)
    elif hasattr(value, "apply_gradients"):
      # Programs carry copies of TensorFlow's class, which have this method.
      if hasattr(value, "get_init_tokens_op"):
        return True
      pending.extend(getattr(value, "__dict__", {}).values())
  return False


def _normalize_clip_dims(vars_to_clip_dims):
  """Returns a list of (variable, dims) tuples without partitioned variables."""
  if not hasattr(vars_to_clip_dims, "items"):
    raise TypeError("vars_to_clip_dims must be a dict from variables to lists "
                    "of dimensions, not {!r}.".format(vars_to_clip_dims))
  clip_dims = collections.OrderedDict()
  for key, dims in vars_to_clip_dims.items():
    var = key.deref() if hasattr(key, "deref") else key
    parts = _parts_of(var)
    dims = _to_ints(dims, var)
    for part in parts:
      _check_not_split(var, part, dims)
      _add_clip_dims(clip_dims, id(part), part, dims)
  return list(clip_dims.values())


def _parts_of(var):
  if hasattr(var, "read_value"):
    return [var]
  # A partitioned variable has as_tensor, and a sharded one has variables.
  if hasattr(var, "as_tensor") or (
      hasattr(var, "variables") and hasattr(var, "shape")):
    return list(var)
  raise TypeError(
      "A key of vars_to_clip_dims must be a tf.Variable, a partitioned or "
      "sharded variable or a variable's ref(), not {!r}.".format(var))


def _to_ints(dims, var):
  def static(value):  # Dimensions may be constant Tensors.
    return tf.get_static_value(value) if tf.is_tensor(value) else value

  try:
    return [operator.index(static(dim)) for dim in static(dims)]
  except TypeError:
    raise TypeError(
        "vars_to_clip_dims must give a list of integers for variable {}, not "
        "{!r}. To bound the absolute value of each element, use [].".format(
            var.name, dims))


def _check_not_split(var, part, dims):
  rank = var.shape.ndims or 0
  for axis in range(rank):
    if part.shape[axis] != var.shape[axis] and {axis, axis - rank} & set(dims):
      raise ValueError(
          "vars_to_clip_dims gives dimensions {} for variable {}. A norm would "
          "span several of its partitions, because it is partitioned along "
          "dimension {}. Do not partition it along a clip dimension.".format(
              dims, var.name, axis))


def _add_clip_dims(clip_dims, identity, var, dims):
  if clip_dims.setdefault(identity, (var, dims))[1] != dims:
    raise ValueError("vars_to_clip_dims has two keys for variable {}, with "
                     "different dimensions. Keep one.".format(var.name))


def _normalize_max_norm(max_norm):
  """Returns a float, an object that becomes a Tensor, or a list of these."""
  # A partitioned variable has as_tensor, and a NumPy array has tolist.
  if tf.is_tensor(max_norm) or hasattr(max_norm, "as_tensor"):
    return max_norm
  if hasattr(max_norm, "tolist"):
    max_norm = max_norm.tolist()
  if isinstance(max_norm, (list, tuple)):
    return [_normalize_max_norm(bound) for bound in max_norm]
  if not hasattr(max_norm, "__float__"):
    raise TypeError("max_norm must be a number, a Tensor or a list of these, "
                    "not {!r}.".format(max_norm))
  if not 0 < max_norm < float("inf"):
    raise ValueError("max_norm must be positive and finite, not {}. To leave a "
                     "variable unclipped, omit it from vars_to_clip_dims."
                     "".format(max_norm))
  return float(max_norm)


# apply_gradients calls these functions before the update.


def _identity(var):
  """Returns a number that is the same for all objects of one variable.

  A pair may contain a component of a mirrored key, the variable inside a Keras
  AutoCastVariable, or a copy by `from_proto`. They share a handle or an op.
  """
  return id(var.handle if hasattr(var, "handle") else getattr(var, "op", var))


def _names(variables):
  """Returns the names of the first variables, for a message."""
  names = [getattr(var, "name", str(var)) for var in variables[:5]]
  return ", ".join(names + ["..."] * (len(variables) > 5)) or "none"


def _dims_from_0(dims, var):
  """Returns distinct non-negative ints, or `dims` if the rank is unknown."""
  rank = var.shape.ndims
  if rank is None:
    return dims
  for dim in dims:
    if not -rank <= dim < rank:
      raise ValueError(
          "vars_to_clip_dims gives dimension {} for variable {} of shape {}. "
          "Use {}.".format(dim, var.name, var.shape, "dimensions in "
                           "[-{0}, {0})".format(rank) if rank else "[]"))
  return list(collections.OrderedDict.fromkeys(dim % rank for dim in dims))


def _check_dtype(var):
  dtype = var.dtype.base_dtype
  if not dtype.is_floating:
    raise TypeError(
        "vars_to_clip_dims has variable {} of {}. Only variables of a floating "
        "dtype can be clipped.".format(var.name, dtype))


def _check_max_norm(max_norm, var, is_sparse):
  # With a sparse gradient, the bound must fit any row.
  shape = tf.TensorShape([1] if is_sparse else var.shape[:1]).concatenate(
      var.shape[1:])
  bound = _static_shape(max_norm)
  try:
    tf.broadcast_static_shape(bound, shape).assert_is_compatible_with(shape)
  except ValueError:
    raise ValueError(
        "max_norm has shape {}, and the gradient of variable {} is {}. Use a "
        "max_norm that broadcasts to shape {}.".format(
            bound, var.name, "sparse" if is_sparse else "dense", shape))


def _static_shape(max_norm):
  """Returns the static shape of a result of `_normalize_max_norm`."""
  if isinstance(max_norm, list):
    return tf.TensorShape([len(max_norm)]).concatenate(
        _static_shape(max_norm[0]) if max_norm else [])
  return tf.TensorShape(getattr(max_norm, "shape", []))


def _all_ids(grads):
  ids = [tf.convert_to_tensor(grad.indices) for grad in grads]
  ids = [i if i.shape.ndims == 1 else tf.reshape(i, [-1]) for i in ids]
  return ids[0] if len(ids) == 1 else tf.concat(
      [tf.cast(i, tf.int64) for i in ids], axis=0)


# apply_gradients calls these functions after the update.


def _count_lookups(ids, var):
  """Returns a 1 for each id, which costs less to send than a row."""
  return tf.IndexedSlices(tf.ones_like(ids, tf.float32), ids,
                          tf.stack([_num_rows(var, ids.dtype)]))


def _num_rows(var, dtype):
  num_rows = tf.dimension_value(var.shape[0])
  if num_rows is None:
    return tf.shape(var, out_type=dtype)[0]
  # Outside of graphs, tf.shape would read the whole variable.
  return tf.constant(num_rows, dtype)


@contextlib.contextmanager
def _colocate_with(var, condition=True):
  """Colocates ops with `var` if `condition` holds and `var` is in the graph."""
  graph = tf.get_default_graph()
  if condition and getattr(var, "graph", None) is graph:
    with graph.colocate_with(var.op):
      yield
  else:
    yield


def _read_rows(var, ids):
  if hasattr(var, "handle"):
    return var.sparse_read(ids)
  # tf.gather(var, ids) would read a cached copy of a ref variable (D12).
  return tf.gather(var.read_value(), ids)


def _assert_norms_within_rows(rows, dims, var):
  with tf.control_dependencies([tf.debugging.assert_rank_at_least(
      rows, 1 - min(dims), message="For variable {}, one of the dimensions {} "
      "is dimension 0, but a norm must not span rows, because the gradient is "
      "sparse and the rank is unknown. Count dimensions from 0.".format(
          var.name, dims))]):
    return tf.identity(rows)


def _is_over(values, max_norm, dims):
  # This op has no XLA kernel, so XLA refuses to compile a sparse step. This is
  # wanted, because XLA of TensorFlow 2.16 to 2.21 compiles it wrongly for CPUs.
  norms = tf.math.reduce_euclidean_norm(values, dims, keepdims=True)
  # Before TensorFlow 2.1, the norm of one element has the element's sign.
  return tf.abs(norms) > max_norm
