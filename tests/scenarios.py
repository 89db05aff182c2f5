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
"""Random models to build with this library and with tf.contrib.

A scenario is a dict of JSON values that describes a model. See `generate` for
the keys.
"""

from __future__ import absolute_import, division, print_function

import re
import unittest

import numpy as np
import tensorflow.compat.v1 as tf
import test_util

try:
  from tensorflow.contrib import opt as contrib_opt
except ImportError:
  contrib_opt = None

needs_contrib = unittest.skipIf(
    contrib_opt is None, "tf.contrib ended with TensorFlow 1.15.")

_INNER_OPTIMIZERS = dict(test_util.INNER_OPTIMIZERS)


def generate(seed):
  """Returns a random scenario in which tf.contrib follows its documentation.

  The cases in which this library differs on purpose are left out: repeated ids
  (D1), rows far over the bound (D2), clip dimensions that span partitions (D6),
  and dimension 0 of a sparse gradient, written as a negative number (D7).
  """
  rng = np.random.RandomState(seed)

  def pick(*options):
    return options[rng.randint(len(options))]

  optimizer = sorted(_INNER_OPTIMIZERS)[seed % len(_INNER_OPTIMIZERS)]
  dtypes = ["float32", "float16", "float64"]
  if "proximal" in optimizer:
    del dtypes[1:]  # TensorFlow's proximal optimizers support only float32.
  num_levels = pick(1, 1, 2)
  variables = []
  for i in range(rng.randint(1, 4)):
    # At least one variable needs a gradient.
    gradient = pick("dense", "sparse", None) if i else pick("dense", "sparse")
    rank = rng.randint(gradient == "sparse", 5)
    shape = rng.randint(2, 5, rank).tolist()
    dims = [rng.permutation(rank)[:rng.randint(rank + 1)].tolist()
            for _ in range(num_levels)]
    free = sorted(set(range(rank)).difference(*dims))
    if gradient == "sparse":
      free = free[:free[:1] == [0]]
    for level in range(num_levels):
      if not (gradient == "sparse" and 0 in dims[level]):
        dims[level] = pick(dims[level], dims[level], None,
                           [dim - rank for dim in dims[level]])
    variables.append({
        "name": pick("v{}", "layer/v{}").format(i),
        "shape": shape,
        "dtype": pick(*dtypes),
        "use_resource": pick(False, True),
        "device": pick("", "/cpu:1"),
        "partition_axis": pick(None, *free),
        # For each VariableClippingOptimizer, from the innermost on, the clip
        # dimensions, or None if the variable is not one of its keys.
        "dims": dims,
        "gradient": gradient,
        "ids": (rng.permutation(shape[0])[:rng.randint(1, shape[0])].tolist()
                if gradient == "sparse" else None),
        "ids_dtype": pick("int32", "int64"),
    })
  return {
      "seed": seed,  # The seed of values and gradients.
      "optimizer": optimizer,
      "levels": [{  # The arguments of each VariableClippingOptimizer.
          "max_norm": pick(1, 1.5, 2.),
          "use_locking": pick(False, True),
          "colocate_clip_ops_with_vars": pick(False, True),
          "name": pick("VariableClipping", "VariableClipping", "MaxNorm"),
      } for _ in range(num_levels)],
      "max_norm_is_tensor": (len({v["dtype"] for v in variables}) == 1 and
                             pick(False, True)),
      "variables": variables,
      "scope": pick("", "model"),
      "minimize": pick(False, True),  # Whether to call it.
      "name": pick(None, "train"),  # The argument `name`.
      "global_step": pick(False, True),
  }


def has_negative_dims(scenario):
  return any(dim < 0 for variable in scenario["variables"]
             for dims in variable["dims"] for dim in dims or [])


def contrib_optimizer(opt, vars_to_clip_dims, *args, **kwargs):
  """Returns tf.contrib's optimizer, with partitions as keys.

  tf.contrib ignores partitioned variables (D6), so the partitions replace them.
  """
  return contrib_opt.VariableClippingOptimizer(
      opt, {part: dims for var, dims in vars_to_clip_dims.items()
            for part in _partitions(var)}, *args, **kwargs)


class Model(object):
  """A scenario in a graph and a session of its own.

  Attributes:
    opt: The outermost optimizer.
    train_op: The train op.
    clipped_by_row: The names of the variables that take the sparse path.
    graph_def: The GraphDef. Of the nodes that clip rows, it has only the node
      that writes the rows, because the others differ on purpose. This node has
      the name of the scope, the op "Scatter", and the variable as its only
      input.
    collections: A dict from names of collections to the names of the members.
  """

  def __init__(self, scenario, clipping_optimizer):
    """Builds the model with one of the two clipping optimizers."""
    with tf.Graph().as_default() as graph:
      with tf.variable_scope(scenario["scope"]):
        self._build(scenario, clipping_optimizer)
      self.graph_def = graph.as_graph_def()
      self._simplify_clipping_of_rows()
      self.collections = {
          key: [member.name for member in graph.get_collection(key)]
          for key in graph.get_all_collection_keys()
          if not isinstance(key, tuple)  # Only TensorFlow itself uses tuples.
      }
      self._variables = tf.global_variables()
      self._saver = tf.train.Saver()
      self._sess = tf.Session(config=tf.ConfigProto(device_count={"CPU": 2}))
      self._sess.run(tf.global_variables_initializer())

  def _build(self, scenario, clipping_optimizer):
    """Builds the variables, the gradients and the train op."""
    rng = np.random.RandomState(scenario["seed"])
    variables = [_get_variable(rng, **v) for v in scenario["variables"]]
    global_step = None
    if scenario["global_step"]:
      global_step = tf.get_variable(
          "global_step",
          initializer=tf.constant(0, tf.int64),
          trainable=False,
          use_resource=scenario["variables"][0]["use_resource"])
    self.clipped_by_row = []
    grads_and_vars, losses = [], []
    for var, spec in zip(variables, scenario["variables"]):
      for part in _partitions(var):
        grad, loss = _gradient_and_loss(rng, part, **spec)
        grads_and_vars.append((grad, part))
        losses.append(loss)
        if spec["gradient"] == "sparse" and any(
            dims is not None and 0 not in dims for dims in spec["dims"]):
          self.clipped_by_row.append(part.op.name)
    self.opt = _INNER_OPTIMIZERS[scenario["optimizer"]]()
    for level, kwargs in enumerate(scenario["levels"]):
      if scenario["max_norm_is_tensor"]:
        kwargs = dict(kwargs, max_norm=tf.constant(
            kwargs["max_norm"], scenario["variables"][0]["dtype"],
            name="max_norm"))
      vars_to_clip_dims = {
          var: spec["dims"][level]
          for var, spec in zip(variables, scenario["variables"])
          if spec["dims"][level] is not None
      }
      self.opt = clipping_optimizer(
          self.opt, vars_to_clip_dims=vars_to_clip_dims, **kwargs)
    if scenario["minimize"]:
      self.train_op = self.opt.minimize(
          tf.add_n(losses), global_step, [var for _, var in grads_and_vars],
          name=scenario["name"])
    else:
      self.train_op = self.opt.apply_gradients(
          grads_and_vars, global_step, scenario["name"])

  def _simplify_clipping_of_rows(self):
    in_scope = re.compile("(.*/clip_({})/).*".format(
        "|".join(self.clipped_by_row)))
    nodes = []
    for node in self.graph_def.node:
      match = in_scope.match(node.name)
      if match and "Scatter" in node.op:
        node.name, node.op = match.group(1), "Scatter"
        del node.input[1:]
      if not match or node.op == "Scatter":
        node.input[:] = [in_scope.sub(r"\1", name) for name in node.input]
        nodes.append(node)
    del self.graph_def.node[:]
    self.graph_def.node.extend(nodes)

  def close(self):
    self._sess.close()

  def train(self, steps=1):
    for _ in range(steps):
      self._sess.run(self.train_op)

  def values(self):
    """Returns a dict from names of global variables to arrays."""
    return dict(zip([var.op.name for var in self._variables],
                    self._sess.run(self._variables)))

  def save(self, path):
    with self._sess.graph.as_default():
      self._saver.save(
          self._sess, path, write_meta_graph=False, write_state=False)

  def restore(self, path):
    with self._sess.graph.as_default():
      self._saver.restore(self._sess, path)


def _partitions(var):
  return list(var) if hasattr(var, "as_tensor") else [var]


def _get_variable(rng, name, shape, dtype, use_resource, device,
                  partition_axis, **_):
  partitioner = None
  if partition_axis is not None:
    partitioner = tf.fixed_size_partitioner(2, partition_axis)
  with tf.device(device):
    return tf.get_variable(
        name,
        initializer=tf.constant(rng.uniform(-1, 1, shape), dtype),
        use_resource=use_resource,
        partitioner=partitioner)


def _gradient_and_loss(rng, var, gradient, ids, ids_dtype, **_):
  """Returns a gradient of `var`, and a loss with this gradient."""
  if gradient is None:
    return None, 0.
  if gradient == "dense":
    rows = var.read_value()
  else:
    ids = tf.constant([i for i in ids if i < int(var.shape[0])], ids_dtype)
    rows = tf.nn.embedding_lookup(var, ids)
  grad = rows * tf.constant(rng.uniform(-1, 1, rows.shape), rows.dtype)
  loss = tf.reduce_sum(tf.cast(grad * rows, tf.float32)) / 2
  return (grad if ids is None else tf.IndexedSlices(grad, ids)), loss
