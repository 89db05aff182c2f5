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
  sparse gradient (a `tf.IndexedSlices`), only the looked-up rows are clipped,
  unless dimension 0 is a clip dimension: then norms span several rows.

  To give variables different bounds, wrap one `VariableClippingOptimizer` in
  another. A `tf.train.Checkpoint` stores the inner optimizer instead (D9).
  """

  def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False,
               colocate_clip_ops_with_vars=False, name="VariableClipping"):
    """Creates the wrapper.

    Args:
      opt: The inner optimizer: a `tf.compat.v1.train.Optimizer`, or an object
        with its methods that are called, at least `apply_gradients`.
      vars_to_clip_dims: A dict from floating-point variables, or their `ref()`
        (D13), to lists of dimensions along which norms are taken. For a matrix,
        `[1]` bounds each row, `[0]` each column, `[0, 1]` the whole matrix and
        `[]` each element. Negative dimensions count from the last one (D7). A
        partitioned or sharded variable stands for its parts (D6).
      max_norm: The bound: a positive finite number, or a scalar `tf.Tensor` or
        `tf.Variable` of any dtype. Other shapes are broadcast. The bound may
        differ from row to row only if the gradient is dense.
      use_locking: Whether to lock ref variables. Resource variables ignore it.
      colocate_clip_ops_with_vars: Whether to compute norms on the device of the
        variable. Sparse reads and all writes are always placed there.
      name: The name scope of ops, and of variables of the inner optimizer that
        are not slots, in checkpoints, too: `VariableClipping/beta1_power`.

    Raises:
      TypeError: If an argument has a wrong type (D14).
      ValueError: If `max_norm` is not positive and finite (D14), if a variable
        has two lists of dimensions, or if a norm would span partitions (D6).
    """
    super(VariableClippingOptimizer, self).__init__(use_locking, name)
    _check_optimizer(opt)
    self._opt = opt
    self._is_synchronous = _is_synchronous(opt)
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
    try:
      return self._opt.variables()
    except AttributeError:  # It has no such method, or no state: see below.
      return []

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
      ValueError: If there is no gradient, or if the dimensions or the shape of
        `max_norm` do not fit a variable that has one (D14).
    """
    grads_and_vars = list(grads_and_vars)
    train_ops = tf.get_collection(tf.GraphKeys.TRAIN_OP)
    with tf.name_scope(name, self.get_name()) as scope:
      to_clip = self._variables_to_clip(grads_and_vars)
      update_op = self._opt.apply_gradients(
          grads_and_vars, global_step=global_step)
      if tf.distribute.has_strategy():
        to_clip = [
            (var, dims, None if ids is None else _count_lookups(ids, var))
            for var, dims, ids in to_clip]
        clip_ops = [tf.distribute.get_replica_context().merge_call(
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
    # Deep copies of this object hold other variables, so look them up here.
    clip_dims = {_identity(key): (key, dims)
                 for key, dims in self._vars_and_clip_dims}
    grads_of = collections.OrderedDict()  # Pairs may share a variable (D15).
    for grad, var in grads_and_vars:
      grads_of.setdefault(_identity(var), []).append(grad)
    if not any(identity in clip_dims for identity in grads_of):
      self._warn_once(
          "keys", "%s clips nothing in this call of apply_gradients, which has "
          "no key of vars_to_clip_dims. If the program trains copies of the "
          "keys, use the copies as keys. The keys are: %s.", self.get_name(),
          ", ".join(var.name for var, _ in clip_dims.values()) or "none")
    to_clip = []
    for identity, grads in grads_of.items():
      grads = [grad for grad in grads if grad is not None]
      if identity in clip_dims and grads:
        var, dims = clip_dims[identity]
        dims = _normalize_dims(dims, var)
        is_sparse = all(isinstance(grad, tf.IndexedSlices) for grad in grads)
        if is_sparse and 0 in dims:
          is_sparse = False
          self._warn_once(
              id(var), "The whole variable %s is clipped after each step. Its "
              "gradient is sparse, but norms along dimension 0 span rows.",
              var.name)
        _check_can_be_clipped(var, self._max_norm, is_sparse)
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
        counts = None  # The gradient of a replica is dense.
      else:  # The strategy sums gradients in the same way.
        counts, = strategy.extended.batch_reduce_to(
            tf.distribute.ReduceOp.SUM, [(counts, var)])
      clip_ops.append(strategy.extended.update(
          var, self._clip, args=(dims, counts, update_op)))
    return tf.group(*clip_ops)

  def _clip(self, var, dims, ids, update_op):
    """Clips the rows `ids`, the rows with counts, or all rows if None."""
    if isinstance(ids, tf.IndexedSlices):  # In TF 2.2 to 2.4, counts may be 0.
      ids = tf.boolean_mask(ids.indices, ids.values > 0)
    # The name of an eager variable may be no valid name scope.
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", var.name.split(":")[0])
    with tf.name_scope("clip_" + name):
      if ids is None:
        return self._clip_dense(var, dims, update_op)
      return self._clip_sparse(var, dims, ids, update_op)

  def _clip_dense(self, var, dims, update_op):
    """Clips the whole variable, with the nodes of tf.contrib's graph."""
    with tf.control_dependencies([update_op]):
      with _colocate_with(var, self._colocate_clip_ops_with_vars):
        value = var.read_value()
        if self._is_synchronous and var.shape.ndims != 0:  # A ref may change.
          value = tf.gather(value, tf.range(tf.shape(value)[0]))
        clipped = tf.clip_by_norm(value, self._max_norm_as(value.dtype), dims)
        if not self._is_synchronous:
          excess = value - clipped
        elif var.shape.ndims != 0:  # tf.where takes no scalars.
          over = tf.where_v2(
              self._is_over(value, dims) & tf.ones_like(value, tf.bool))
          clipped = tf.gather_nd(clipped, over)
      with _colocate_with(var):
        if not self._is_synchronous:  # Keep what other workers add meanwhile.
          return var.assign_sub(excess, use_locking=self._use_locking)
        # Here, each worker would subtract the excess of the same value (D5).
        if var.shape.ndims == 0:
          return var.assign(clipped, use_locking=self._use_locking)
        return tf.scatter_nd_update(var, over, clipped, self._use_locking)

  def _clip_sparse(self, var, dims, ids, update_op):
    """Writes the clipped rows, and only rows that are over the bound.

    If several workers clipped a row by subtracting the excess, each would
    subtract it. Writing other rows would undo what other workers add meanwhile.
    """
    with _colocate_with(var):
      # Grappler merges this op with the tf.unique of the inner optimizer.
      ids, _ = tf.unique(ids)
      with tf.control_dependencies([update_op]):
        rows = _read_rows(var, ids)
    with _colocate_with(var, self._colocate_clip_ops_with_vars):
      if any(dim < 0 for dim in dims):  # The rank was unknown.
        rows = _assert_norms_within_rows(rows, dims, var)
      over = tf.where_v2(tf.reduce_any(
          self._is_over(rows, dims), axis=tf.range(1, tf.rank(rows))))
      clipped = tf.clip_by_norm(
          tf.gather_nd(rows, over), self._max_norm_as(rows.dtype), dims)
    with _colocate_with(var):
      return var.scatter_update(
          tf.IndexedSlices(clipped, tf.gather_nd(ids, over)),
          use_locking=self._use_locking)

  def _is_over(self, values, dims):
    # This op has no XLA kernel. That is a guard: if XLA of TensorFlow 2.16 to
    # 2.21 compiles a sparse step for a CPU, the results are wrong.
    norms = tf.math.reduce_euclidean_norm(values, dims, keepdims=True)
    # Before TensorFlow 2.1, the norm of one element has the element's sign.
    return tf.abs(norms) > self._max_norm_as(values.dtype)

  def _max_norm_as(self, dtype):
    if tf.is_tensor(self._max_norm) and self._max_norm.dtype != dtype:
      return tf.cast(self._max_norm, dtype)
    return self._max_norm

  # tf.train.Checkpoint refuses slots that two objects report. So this object
  # takes the place of the inner optimizer (D9). All versions call what follows.

  @property
  def _trackable(self):
    # Some subclasses in tf.contrib never call the constructor that sets this.
    if hasattr(self._opt, "_non_slot_dict"):
      return self._opt
    return super(VariableClippingOptimizer, self)  # tf.contrib does it, too.

  def _maybe_initialize_trackable(self):
    super(VariableClippingOptimizer, self)._maybe_initialize_trackable()
    self._trackable._maybe_initialize_trackable()

  @property
  def _checkpoint_dependencies(self):  # Only TensorFlow 1.14 to 2.7 calls it.
    return self._trackable._checkpoint_dependencies

  @property
  def _deferred_dependencies(self):
    return self._trackable._deferred_dependencies

  def _trackable_children(self, *args, **kwargs):  # TensorFlow 2.8 to 2.21.
    return self._trackable._trackable_children(*args, **kwargs)

  def _lookup_dependency(self, *args, **kwargs):
    return self._trackable._lookup_dependency(*args, **kwargs)

  def _create_or_restore_slot_variable(self, *args, **kwargs):
    return self._trackable._create_or_restore_slot_variable(*args, **kwargs)


def _check_optimizer(opt):
  # Keras optimizers have get_config. A wrapper may delegate it per instance.
  if isinstance(opt, type) or not isinstance(opt, tf.train.Optimizer) and (
      hasattr(type(opt), "get_config") or not hasattr(opt, "apply_gradients")):
    raise TypeError(
        "opt must be a tf.compat.v1.train.Optimizer, not {!r}. With a Keras "
        "optimizer, create the variable with the argument constraint="
        "tf.keras.constraints.MaxNorm(...) instead.".format(opt))


def _is_synchronous(opt):
  opts = [opt]
  for opt in opts:  # The loop also visits what it appends.
    opts += [value for value in getattr(opt, "__dict__", {}).values()
             if hasattr(value, "apply_gradients") and value not in opts]
  return any(isinstance(opt, tf.train.SyncReplicasOptimizer) for opt in opts)


def _identity(var):
  """Returns a number that is the same for all objects of one variable.

  A pair may contain a component of a mirrored key, the variable inside a Keras
  AutoCastVariable, or a copy by `from_proto`. They share a handle or an op.
  """
  return id(var.handle if hasattr(var, "handle") else getattr(var, "op", var))


@contextlib.contextmanager
def _colocate_with(var, condition=True):
  """Colocates ops with `var` if `condition` holds and `var` has a graph."""
  graph = tf.get_default_graph()
  if condition and getattr(var, "graph", None) is graph:
    with graph.colocate_with(var.op):
      yield
  else:
    yield


def _all_ids(grads):
  ids = [tf.convert_to_tensor(grad.indices) for grad in grads]
  ids = [i if i.shape.ndims == 1 else tf.reshape(i, [-1]) for i in ids]
  return ids[0] if len(ids) == 1 else tf.concat(
      [tf.cast(i, tf.int64) for i in ids], axis=0)


def _count_lookups(ids, var):
  """Returns a 1 for each id, which costs less to send than a row."""
  return tf.IndexedSlices(tf.ones_like(ids, tf.float32), ids,
                          tf.shape(var, out_type=ids.dtype)[:1])


def _read_rows(var, ids):
  try:
    return var.sparse_read(ids)
  except AttributeError:  # tf.gather(ref_var) reads its cached copy (D12).
    return tf.gather(var.read_value(), ids)


def _assert_norms_within_rows(rows, dims, var):
  with tf.control_dependencies([tf.debugging.assert_rank_at_least(
      rows, 1 - min(dims), message="A dimension of {} for variable {} is "
      "dimension 0. Count dimensions from 0.".format(dims, var.name))]):
    return tf.identity(rows)


def _check_can_be_clipped(var, max_norm, is_sparse):
  if not var.dtype.base_dtype.is_floating:
    raise TypeError(
        "vars_to_clip_dims has variable {} of {}. Only variables of a floating "
        "dtype can be clipped.".format(var.name, var.dtype.base_dtype))
  # With a sparse gradient, the bound must fit any row.
  shape = tf.TensorShape([1] if is_sparse else var.shape[:1]).concatenate(
      var.shape[1:])
  sizes = []
  while isinstance(max_norm, list):
    sizes.append(len(max_norm))
    max_norm = max_norm[0] if max_norm else 1.
  bound = tf.TensorShape(sizes).concatenate(getattr(max_norm, "shape", []))
  try:
    tf.broadcast_static_shape(bound, shape).assert_is_compatible_with(shape)
  except ValueError:
    raise ValueError(
        "max_norm has shape {}, and the gradient of variable {} is {}. Use a "
        "max_norm that broadcasts to shape {}.".format(
            bound, var.name, "sparse" if is_sparse else "dense", shape))


def _normalize_max_norm(max_norm):
  # A partitioned variable has as_tensor, an array of NumPy has tolist.
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


def _normalize_clip_dims(vars_to_clip_dims):
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
      if clip_dims.setdefault(id(part), (part, dims))[1] != dims:
        raise ValueError("vars_to_clip_dims has two keys for variable {}, with "
                         "different dimensions. Keep one.".format(part.name))
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


def _check_not_split(var, part, dims):
  rank = var.shape.ndims or 0
  for axis in range(rank):
    if part.shape[axis] != var.shape[axis] and {axis, axis - rank} & set(dims):
      raise ValueError(
          "vars_to_clip_dims gives dimensions {} for variable {}, whose "
          "partitions a norm would span. Partition it along another dimension "
          "than {}.".format(dims, var.name, axis))


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


def _normalize_dims(dims, var):
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
