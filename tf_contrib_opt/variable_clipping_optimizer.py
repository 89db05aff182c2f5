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
import functools
import operator
import re

from absl import logging
import tensorflow.compat.v1 as tf

_VERSION = tuple(map(int, tf.__version__.split(".")[:2]))

# AutoGraph would take seconds to convert this library in the first trace of a
# tf.function. TensorFlow 1.14 has no such decorator.
_do_not_convert = getattr(
    tf.autograph.experimental, "do_not_convert", lambda function: function)


class VariableClippingOptimizer(tf.train.Optimizer):
  """Wraps an optimizer, and clips chosen variables after each update.

  This class replaces `tf.contrib.opt.VariableClippingOptimizer` of TensorFlow
  1.14. docs/differences.md says where it does something else.

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
  optimizer. With tf.contrib, it was not restored.
  """

  def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False,
               colocate_clip_ops_with_vars=False, name="VariableClipping"):
    """Creates the wrapper.

    Args:
      opt: The inner optimizer: a `tf.compat.v1.train.Optimizer`, or any object
        that has `apply_gradients` and the other methods that the program calls.
      vars_to_clip_dims: A dict from floating-point variables to lists of
        dimensions along which norms are taken. For a matrix, `[1]` bounds each
        row, `[0]` each column, `[0, 1]` the whole matrix and `[]` each element.
        Negative dimensions count from the last one. In eager execution on
        TensorFlow 2, a key is the `ref()` of a variable. A partitioned or
        sharded variable stands for its parts.
      max_norm: The bound: a positive finite number, a `tf.Tensor` or
        `tf.Variable` of any numeric dtype, an array or a list. If it is not a
        scalar, it must broadcast to the shape of the variable, or to the shape
        `[1, ...]` of one row if the gradient is sparse.
      use_locking: Whether to lock ref variables. Resource variables ignore it.
      colocate_clip_ops_with_vars: Whether to place all clip ops on the device
        of the variable. By default, reads and writes are placed there, and
        after a sparse gradient also the clip of the rows over the bound.
      name: The name scope of new ops. In the graph and in checkpoints, it is
        also the prefix of variables of the inner optimizer that are not slots,
        for example `VariableClipping/beta1_power`.

    Raises:
      TypeError: If an argument has a wrong type.
      ValueError: If a bound is known and not positive and finite, if `max_norm`
        is empty or ragged, if a variable has two different lists of dimensions,
        or if a norm would span several partitions.
    """
    super(VariableClippingOptimizer, self).__init__(use_locking, name)
    _check_optimizer(opt)
    self._opt = opt
    self._sync_replicas = _find_sync_replicas(opt)
    self._vars_and_clip_dims = _normalize_clip_dims(vars_to_clip_dims)
    self._max_norm = _normalize_max_norm(max_norm)
    self._known_bounds = _known_bounds(self._max_norm)
    self._colocate_clip_ops_with_vars = colocate_clip_ops_with_vars
    self._logged = set()

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
    """Returns the variables of the inner optimizer."""
    inherited = tf.train.Optimizer.variables
    if getattr(type(self._opt), "variables", inherited) == inherited:
      return self._trackable.variables()
    return self._opt.variables()

  @_do_not_convert
  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    """Applies gradients with the inner optimizer, then clips the variables.

    Args:
      grads_and_vars: An iterable of (gradient, variable) pairs as returned by
        `compute_gradients`. A gradient has the shape of its variable and is a
        `tf.Tensor`, a `tf.IndexedSlices` or None. A variable may occur in
        several pairs.
      global_step: An optional integer scalar variable to increment by one.
      name: The name scope of new ops. Defaults to the name of this optimizer.

    Returns:
      The train op, which applies the gradients, clips the variables and
      increments `global_step`. In eager execution, the result is None.

    Raises:
      TypeError: If a variable to clip is not of a floating-point dtype.
      ValueError: If there is no gradient, if the dimensions or `max_norm` do
        not fit a variable that has a gradient, or if two keys give different
        dimensions for one variable.
      RuntimeError: If this is called in a cross-replica context.
    """
    if tf.distribute.get_replica_context() is None:
      raise RuntimeError("apply_gradients of {} must be called in a replica "
                         "context. Call it in a function that strategy.run "
                         "runs.".format(self.get_name()))
    grads_and_vars = list(grads_and_vars)
    # The inner optimizer will add its own train op, which does not clip (D11).
    train_ops = tf.get_collection(tf.GraphKeys.TRAIN_OP)
    with tf.name_scope(name, self.get_name()) as scope:
      with self._clip_in_sync_replicas() as clipped:
        train_op = self._apply_and_clip(
            clipped, self._opt, grads_and_vars, global_step, scope)
    if not tf.executing_eagerly():
      tf.get_collection_ref(tf.GraphKeys.TRAIN_OP)[:] = train_ops + [train_op]
    if not clipped and self._is_first_warning("no key"):
      logging.warning(
          "%s clips nothing in this call of apply_gradients, because no "
          "variable that has a gradient (%s) is a key of vars_to_clip_dims "
          "(%s). This is right if other calls update the keys. If not, the "
          "keys may be missing in var_list, or be copies of the variables, or "
          "be variables of another graph.", self.get_name(),
          _names([var for grad, var in grads_and_vars if grad is not None]),
          _names([key for key, _ in self._vars_and_clip_dims]))
    return train_op

  @contextlib.contextmanager
  def _clip_in_sync_replicas(self):
    """Lets each `SyncReplicasOptimizer` inside clip what it updates (D5).

    Its `_opt` applies the sums of the gradients of all workers, in ops that
    only the chief runs. The workers continue after these ops, so the clip must
    be one of them.

    Yields:
      The set of the ids of all variables that have been clipped.
    """
    clipped = set()
    opts = [sync._opt for sync in self._sync_replicas]
    for sync, opt in zip(self._sync_replicas, opts):
      sync._opt = _ApplyAndClip(opt, functools.partial(
          self._apply_and_clip, clipped, opt))
    try:
      yield clipped
    finally:
      for sync, opt in zip(self._sync_replicas, opts):
        sync._opt = opt

  def _apply_and_clip(self, clipped, opt, grads_and_vars, global_step=None,
                      name=None):
    """Applies gradients with `opt`, and clips what is not in `clipped` yet."""
    grads_and_vars = list(grads_and_vars)
    to_clip = self._variables_to_clip(grads_and_vars)
    update_op = opt.apply_gradients(grads_and_vars, global_step=global_step)
    to_clip = [(var, dims, ids) for var, dims, ids in to_clip
               if id(var) not in clipped]
    clipped.update(id(var) for var, _, _ in to_clip)
    if tf.distribute.has_strategy():
      lookups = [(var, dims, None if ids is None else _count_lookups(ids, var))
                 for var, dims, ids in to_clip]
      clip_ops = [tf.distribute.get_replica_context().merge_call(
          self._clip_copies, args=(lookups, update_op))]
    else:
      clip_ops = [self._clip(var, dims, ids, update_op)
                  for var, dims, ids in to_clip]
    return tf.group(update_op, *clip_ops, name=name)

  def _variables_to_clip(self, grads_and_vars):
    """Returns a list of (variable, dims, ids of the looked-up rows).

    The ids are None if the whole variable is to be clipped.
    """
    # Identities are computed in each call, because a deep copy of this object
    # holds other variables.
    clip_dims = {}
    for key, dims in self._vars_and_clip_dims:
      if tf.distribute.has_strategy():
        # The key may be a component of a mirrored variable.
        key = tf.distribute.get_strategy().extended.value_container(key)
      _add_clip_dims(clip_dims, _identity(key), key, dims)
    grads_of = collections.OrderedDict()  # Pairs may share a variable (D15).
    for grad, var in grads_and_vars:
      if grad is not None:
        grads_of.setdefault(_identity(var), []).append(grad)
    to_clip = []
    for identity, grads in grads_of.items():
      if identity in clip_dims:
        var, dims = clip_dims[identity]
        dims = _dims_from_0(dims, var)
        is_sparse = all(isinstance(grad, tf.IndexedSlices) for grad in grads)
        if is_sparse and 0 in dims:
          is_sparse = False
          if self._is_first_warning("whole variable", id(var)):
            logging.warning(
                "The whole variable %s is clipped after each step. Its "
                "gradient is sparse, but norms along dimension 0 span rows.",
                var.name)
        _check_dtype(var)
        _check_known_bounds(self._known_bounds, var)
        _check_shape_of_max_norm(self._max_norm, var, is_sparse)
        to_clip.append((var, dims, _all_ids(grads) if is_sparse else None))
    return to_clip

  def _is_first_warning(self, *subject):
    """Returns whether no warning about this subject has been logged yet."""
    is_first = subject not in self._logged
    self._logged.add(subject)
    return is_first

  def _clip_copies(self, strategy, lookups, update_op):
    """Clips the rows that any replica looked up, in all copies (D8)."""
    update_op = tf.group(*strategy.experimental_local_results(update_op))
    clip_ops = []
    for var, dims, counts in lookups:
      # With group=True, extended.update would read the whole variable.
      if any(c is None for c in strategy.experimental_local_results(counts)):
        # The gradient of a replica is dense, so the whole variable is clipped.
        clip_op = strategy.extended.update(
            var, self._clip, args=(dims, None, update_op), group=False)
      else:
        total_counts, = strategy.extended.batch_reduce_to(
            tf.distribute.ReduceOp.SUM, [(counts, var)])
        clip_op = strategy.extended.update(
            var, self._clip_counted, args=(dims, total_counts, update_op),
            group=False)
      clip_ops.extend(strategy.experimental_local_results(clip_op))
    return tf.group(*clip_ops)

  def _clip_counted(self, var, dims, total_counts, update_op):
    """Clips the rows with a positive count."""
    # TensorFlow 2.2 to 2.4 also return rows that have a count of 0.
    ids = tf.boolean_mask(total_counts.indices, total_counts.values > 0)
    return self._clip(var, dims, ids, update_op)

  def _clip(self, var, dims, ids, update_op):
    """Clips the rows `ids` of a variable, or all of it if `ids` is None."""
    # An eager variable may have a name that is not a valid name scope.
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", var.name.split(":")[0])
    with tf.name_scope("clip_" + name):
      if ids is None:
        return self._clip_all(var, dims, update_op)
      with _maybe_colocate_with(var):
        # Grappler merges this op with the tf.unique of the inner optimizer.
        ids, _ = tf.unique(ids)
      return self._clip_rows(var, dims, ids, update_op)

  def _clip_all(self, var, dims, update_op):
    """Clips the whole variable, with the nodes of tf.contrib's graph."""
    with tf.control_dependencies([update_op]):
      with _maybe_colocate_with(var, self._colocate_clip_ops_with_vars):
        value = var.read_value()
        excess = value - _clip_by_norm(
            value, self._max_norm_as(value.dtype), dims)
      with _maybe_colocate_with(var):
        # A subtraction keeps what asynchronous workers add after the read.
        return var.assign_sub(excess, use_locking=self._use_locking)

  def _clip_rows(self, var, dims, ids, update_op):
    """Clips the distinct rows `ids`, and writes only rows over the bound.

    A row inside the bound is not written, because a write would undo what other
    workers have added since the read. A row over the bound is overwritten,
    because if several workers subtracted its excess, it would be subtracted
    several times.
    """
    with _maybe_colocate_with(var), tf.control_dependencies([update_op]):
      rows = _read_rows(var, ids)
    with _maybe_colocate_with(var, self._colocate_clip_ops_with_vars):
      if any(dim < 0 for dim in dims):
        # Negative dimensions are left only if the rank was unknown.
        rows = _assert_norms_within_rows(rows, dims, var)
      max_norm = tf.convert_to_tensor(
          self._max_norm_as(rows.dtype), rows.dtype)
      norms = tf.math.reduce_euclidean_norm(rows, dims, keepdims=True)
      # Before TensorFlow 2.1, the norm of one element has the element's sign.
      is_over = tf.reduce_any(
          tf.abs(norms) > max_norm, axis=tf.range(1, tf.rank(rows)))
      if _VERSION < (2, 22):
        over = tf.where_v2(is_over)
    with _maybe_colocate_with(var):
      if _VERSION < (2, 22):
        over_ids = tf.gather_nd(ids, over)
      else:
        # XLA compiles tf.where of a vector of dynamic size wrongly for CPUs.
        # Older versions do not compile this step, and TensorFlow 1.14 has no
        # kernel of this op for int64 ids on GPUs.
        _, over_ids = tf.dynamic_partition(ids, tf.cast(is_over, tf.int32), 2)
      # The rows are read again just before the write, because other workers may
      # have changed them while the norms were computed on another device. The
      # control dependency delays the read of a ref variable.
      with tf.control_dependencies([over_ids]):
        over_rows = _read_rows(var, over_ids)
      return var.scatter_update(
          tf.IndexedSlices(_clip_by_norm(over_rows, max_norm, dims), over_ids),
          use_locking=self._use_locking)

  def _max_norm_as(self, dtype):
    if tf.is_tensor(self._max_norm):
      return tf.cast(self._max_norm, dtype)
    return self._max_norm

  # Because tf.train.Checkpoint fails if two objects return the same slots, this
  # object stands in for the inner optimizer in a checkpoint (D9). It forwards
  # the methods by which TensorFlow saves and restores an optimizer.

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
    # Only TensorFlow 2.8 and newer calls this.
    return self._trackable._trackable_children(*args, **kwargs)

  def _lookup_dependency(self, *args, **kwargs):
    return self._trackable._lookup_dependency(*args, **kwargs)

  def _create_or_restore_slot_variable(self, *args, **kwargs):
    return self._trackable._create_or_restore_slot_variable(*args, **kwargs)


class _ApplyAndClip(object):
  """Stands in for the optimizer inside a `SyncReplicasOptimizer` (D5)."""

  def __init__(self, opt, apply_gradients):
    self._opt = opt
    self.apply_gradients = apply_gradients

  def __getattr__(self, name):
    return getattr(self._opt, name)


# The arguments of the constructor


def _check_optimizer(opt):
  if isinstance(opt, tf.train.Optimizer):
    return
  # All Keras optimizers have get_config. This looks at the type, because the
  # object may be a wrapper that delegates every attribute.
  if hasattr(type(opt), "get_config"):
    raise TypeError(
        "opt must be a tf.compat.v1.train.Optimizer, not the Keras optimizer "
        "{!r}. With a Keras optimizer, create the variable with the argument "
        "constraint=tf.keras.constraints.MaxNorm(...) instead.".format(opt))
  if isinstance(opt, type) or not hasattr(opt, "apply_gradients"):
    raise TypeError(
        "opt must be a tf.compat.v1.train.Optimizer, not {!r}. The first "
        "argument is an object such as tf.compat.v1.train.AdagradOptimizer(0.1)"
        ", and the second is vars_to_clip_dims.".format(opt))


def _find_sync_replicas(opt):
  """Returns all objects like `SyncReplicasOptimizer` that `opt` is or wraps.

  Programs carry copies of this class, so a method identifies it. This looks at
  types, because an attribute of an optimizer may be a `Mock` or a dead proxy.
  """
  found, without_opt, seen, pending = [], [], set(), [opt]
  while pending:
    value = pending.pop()
    if id(value) in seen:
      continue
    seen.add(id(value))
    if hasattr(type(value), "get_init_tokens_op"):
      (found if hasattr(value, "_opt") else without_opt).append(value)
    if isinstance(value, (list, tuple)):
      parts = value
    else:
      parts = (value if isinstance(value, dict)
               else getattr(value, "__dict__", {})).values()
    # An optimizer may hold a list of millions of numbers.
    types = {kind for kind in set(map(type, parts))
             if issubclass(kind, (dict, list, tuple)) or
             hasattr(kind, "apply_gradients")}
    pending.extend(part for part in parts if type(part) in types)
  if without_opt and not found:
    raise TypeError(
        "opt contains {!r}, which looks like a SyncReplicasOptimizer, but its "
        "inner optimizer is not in an attribute _opt, so it cannot clip. Wrap "
        "its inner optimizer in the VariableClippingOptimizer instead.".format(
            without_opt[0]))
  return found


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
  # A partitioned variable has a method `as_tensor`, and a sharded variable has
  # an attribute `variables`.
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
    is_clip_dim = axis in dims or axis - rank in dims
    if is_clip_dim and part.shape[axis] != var.shape[axis]:
      raise ValueError(
          "vars_to_clip_dims gives dimensions {} for variable {}. A norm would "
          "span several of its partitions, because it is partitioned along "
          "dimension {}. Do not partition it along a clip dimension.".format(
              dims, var.name, axis))


def _add_clip_dims(clip_dims, identity, var, dims):
  """Adds `identity: (var, dims)`, unless an equal entry is there already."""

  def dims_from_last(dims):
    rank = var.shape.ndims or 0
    return {dim - rank if dim >= 0 else dim for dim in dims}

  _, present = clip_dims.setdefault(identity, (var, dims))
  if dims_from_last(present) != dims_from_last(dims):
    raise ValueError("vars_to_clip_dims has two keys for variable {}, with "
                     "different dimensions. Keep one.".format(var.name))


def _normalize_max_norm(max_norm):
  """Returns a float, an object that becomes a Tensor, or a list of these."""
  # A partitioned variable has a method `as_tensor`, and an array `tolist`.
  if tf.is_tensor(max_norm) or hasattr(max_norm, "as_tensor"):
    if max_norm.dtype.base_dtype == tf.string:
      raise TypeError("max_norm must be numeric, not {!r}.".format(max_norm))
    return max_norm
  if hasattr(max_norm, "tolist"):
    max_norm = max_norm.tolist()
  if isinstance(max_norm, (list, tuple)):
    bounds = [_normalize_max_norm(bound) for bound in max_norm]
    if not bounds or not all(
        _static_shape(bounds[0]).is_compatible_with(_static_shape(bound))
        for bound in bounds):
      raise ValueError("max_norm must not be empty or ragged, but it is or "
                       "contains {!r}. Use a number.".format(max_norm))
    return bounds
  if not hasattr(max_norm, "__float__"):
    raise TypeError("max_norm must be a number, a Tensor or a list of these, "
                    "not {!r}.".format(max_norm))
  try:
    return float(max_norm)
  except OverflowError:
    return float("inf")


def _known_bounds(max_norm):
  """Returns the least and the greatest known bound, or an empty list."""
  if isinstance(max_norm, list):
    bounds = [known for bound in max_norm for known in _known_bounds(bound)]
  elif isinstance(max_norm, float):
    bounds = [max_norm]
  elif not isinstance(max_norm, tf.Tensor):
    bounds = []  # The value of a variable may change.
  elif hasattr(max_norm, "numpy"):
    bounds = max_norm.numpy().ravel().tolist()
  elif max_norm.op.type == "Const":
    # After tf.get_static_value, programs could no longer feed the Tensor.
    bounds = tf.make_ndarray(max_norm.op.get_attr("value")).ravel().tolist()
  else:
    bounds = []
  for bound in bounds:
    if not 0 < bound < float("inf"):
      raise ValueError(
          "max_norm must be positive and finite, not {}. To leave a variable "
          "unclipped, omit it from vars_to_clip_dims.".format(bound))
  return [min(bounds), max(bounds)] if bounds else []


# The variables to clip, and the checks before the update


def _identity(var):
  """Returns a number that is the same for all objects of one variable.

  A pair may contain a component of a mirrored key, the variable inside a Keras
  AutoCastVariable, or a copy by `from_proto`. They share a handle or an op.
  """
  return id(var.handle if hasattr(var, "handle") else getattr(var, "op", var))


def _names(variables):
  """Returns the names of the first variables, for a message."""
  names = [var.name if hasattr(var, "name") else str(var)
           for var in variables[:5]]
  if len(variables) > 5:
    names.append("...")
  return ", ".join(names) or "none"


def _dims_from_0(dims, var):
  """Returns distinct non-negative ints, or `dims` if the rank is unknown."""
  rank = var.shape.ndims
  if rank is None:
    return dims
  for dim in dims:
    if not -rank <= dim < rank:
      allowed = "dimensions in [-{0}, {0})".format(rank) if rank else "[]"
      raise ValueError(
          "vars_to_clip_dims gives dimension {} for variable {} of shape {}. "
          "Use {}.".format(dim, var.name, var.shape, allowed))
  return list(collections.OrderedDict.fromkeys(dim % rank for dim in dims))


def _check_dtype(var):
  dtype = var.dtype.base_dtype
  if not dtype.is_floating:
    raise TypeError(
        "vars_to_clip_dims has variable {} of {}. Only variables of a floating "
        "dtype can be clipped.".format(var.name, dtype))


def _check_known_bounds(bounds, var):
  dtype = var.dtype.base_dtype
  for bound in bounds:
    if not 0 < float(dtype.as_numpy_dtype(bound)) < float("inf"):
      raise ValueError(
          "max_norm is {}, which {}, the dtype of variable {}, cannot hold. "
          "Use another bound or dtype.".format(bound, dtype.name, var.name))


def _check_shape_of_max_norm(max_norm, var, is_sparse):
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
        _static_shape(max_norm[0]))
  return tf.TensorShape(getattr(max_norm, "shape", []))


def _all_ids(grads):
  ids = [tf.convert_to_tensor(grad.indices) for grad in grads]
  ids = [i if i.shape.ndims == 1 else tf.reshape(i, [-1]) for i in ids]
  return ids[0] if len(ids) == 1 else tf.concat(
      [tf.cast(i, tf.int64) for i in ids], axis=0)


# The clip


def _count_lookups(ids, var):
  """Returns a 1 for each id, which costs less to send than a row."""
  num_rows = tf.dimension_value(var.shape[0])
  if num_rows is None:
    # In a tf.function and in eager execution, this reads the whole variable.
    num_rows = tf.shape(var, out_type=ids.dtype)[0]
  return tf.IndexedSlices(tf.ones_like(ids, tf.float32), ids,
                          tf.convert_to_tensor([num_rows], ids.dtype))


@contextlib.contextmanager
def _maybe_colocate_with(var, condition=True):
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


def _clip_by_norm(values, max_norm, dims):
  if _VERSION >= (2, 22) and _static_shape(max_norm).ndims != 0:
    # There, tf.clip_by_norm selects between two Tensors of the two shapes.
    max_norm = tf.broadcast_to(
        tf.convert_to_tensor(max_norm, values.dtype), tf.shape(values))
  return tf.clip_by_norm(values, max_norm, dims)
