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
"""Tests of the documented behaviour of tf.contrib, which this library keeps."""

from __future__ import absolute_import, division, print_function

import decimal
import subprocess
import sys

import numpy as np
import tensorflow.compat.v1 as tf
import test_util

clip = test_util.clip
clip_by_norm = test_util.clip_by_norm
get_variable = test_util.get_variable
lookup = test_util.lookup
with_variable_kinds = test_util.with_variable_kinds

_PROGRAM_WITH_TWO_STEPS = """
import tensorflow.compat.v1 as tf
import tf_contrib_opt

with tf.Graph().as_default():
  for use_resource in (False, True):
    dense, sparse = [
        tf.get_variable(name + str(use_resource), [2, 2],
                        use_resource=use_resource) for name in ("a", "b")]
    opt = tf_contrib_opt.VariableClippingOptimizer(
        tf.train.GradientDescentOptimizer(0.), {dense: [1], sparse: [1]}, 1.,
        colocate_clip_ops_with_vars=True)
    loss = tf.reduce_sum(tf.nn.embedding_lookup(sparse, [0])) + dense
    opt.minimize(loss)
  print("%d train ops" % len(tf.get_collection(tf.GraphKeys.TRAIN_OP)))
  with tf.colocate_with(dense):
    pass
"""

_ROWS = [[3., 4.], [0.3, 0.4], [6., 8.], [0., 0.]]
_CLIPPED_ROWS = clip_by_norm(_ROWS, 1., [1])


class ClipTest(test_util.GraphTestCase):
  """Compares values after a step with NumPy in float64."""

  @with_variable_kinds(*[
      ("_{}_{:g}".format(dtype.name, max_norm), dtype, tolerance, max_norm)
      for dtype, tolerance in (
          (tf.bfloat16, 4e-2), (tf.float16, 5e-3), (tf.float32, 1e-6),
          (tf.float64, 1e-14))
      for max_norm in (0.7, 1.)  # Grappler simplifies ops with 1.
  ])
  def test_clips_each_dtype(self, dtype, tolerance, max_norm, use_resource):
    dense = get_variable(_ROWS, use_resource, dtype, "dense")
    sparse = get_variable(_ROWS, use_resource, dtype, "sparse")
    loss = tf.reduce_sum(dense) + lookup(sparse, [0, 1, 2, 3])
    self.train(clip({dense: [1], sparse: [1]}, max_norm).minimize(loss))
    for var in (dense, sparse):
      # NumPy cannot compare bfloat16.
      value = self.sess.run(tf.cast(var, tf.float64))
      self.assertAllClose(
          clip_by_norm(_ROWS, max_norm, [1]), value, rtol=tolerance, atol=0)

  @with_variable_kinds()
  def test_float16_row_far_over_a_small_bound(self, use_resource):
    var = get_variable([[60., 80.]], use_resource, tf.float16)
    self.train(clip({var: [1]}, 1e-3).minimize(lookup(var, [0])))
    self.assertAllClose([[6e-4, 8e-4]], self.sess.run(var), rtol=1e-2, atol=0)

  @with_variable_kinds(
      ("_scalar", [], []),
      ("_vector_elements", [5], []),
      ("_vector", [5], [0]),
      ("_columns", [4, 3], [0]),
      ("_rows", [4, 3], [1]),
      ("_matrix", [4, 3], [1, 0]),
      ("_rank_3", [4, 3, 2], [0, 2]),
      ("_rank_4", [2, 3, 4, 2], [1, 2, 3]),
      ("_rank_4_elements", [2, 3, 4, 2], []),
  )
  def test_dense_gradient(self, shape, dims, use_resource):
    rng = np.random.RandomState(0)
    value, grad = rng.randn(2, *shape)
    var = get_variable(value, use_resource)
    opt = clip({var: dims}, 0.5, tf.train.GradientDescentOptimizer(0.1))
    self.train(opt.minimize(tf.reduce_sum(var * grad.astype(np.float32))))
    expected = clip_by_norm(value - 0.1 * grad, 0.5, dims)
    self.assertAllClose(expected, self.sess.run(var))

  @with_variable_kinds(
      ("_matrix", [1, 2]), ("_first", [1]), ("_last", [2]), ("_elements", []))
  def test_sparse_gradient_of_rank_3(self, dims, use_resource):
    value = [[[0.7, 0.7], [0.7, 0.1]], [[0.8, 0.9], [0.1, 0.]],
             [[0.1, 0.8], [0., 0.9]], [[2., 0.], [0., 0.]]]
    var = get_variable(value, use_resource)
    self.train(clip({var: dims}).minimize(lookup(var, [0, 3, 1, 2])))
    self.assertAllClose(clip_by_norm(value, 1., dims), self.sess.run(var))

  @with_variable_kinds(
      ("_scalar", lambda: tf.constant(2), [2]), ("_list", lambda: [2], [2]),
      ("_matrix", lambda: tf.constant([[2, 0], [0, 2]]), [0, 2]),
      ("_int64", lambda: tf.constant([2, 0, 2], tf.int64), [0, 2]))
  def test_ids_of_other_shapes_and_types(self, ids, looked_up, use_resource):
    var = get_variable(_ROWS, use_resource)
    ids = ids()
    shape = tf.convert_to_tensor(ids).shape.concatenate([2])
    gradient = tf.IndexedSlices(tf.zeros(shape), ids)
    self.train(clip({var: [1]}).apply_gradients([(gradient, var)]))
    expected = np.array(_ROWS)
    expected[looked_up] = _CLIPPED_ROWS[looked_up]
    self.assertAllClose(expected, self.sess.run(var))

  @with_variable_kinds(("_float16", tf.float16), ("_float32", tf.float32))
  def test_written_rows_are_those_of_clip_by_norm(self, dtype, use_resource):
    rows = 3 * np.random.RandomState(0).randn(50, 7)
    var = get_variable(rows, use_resource, dtype)
    expected = tf.clip_by_norm(tf.constant(rows, dtype), 0.7, [1])
    self.train(clip({var: [1]}, 0.7).minimize(lookup(var, list(range(50)))))
    self.assertAllEqual(*self.sess.run([expected, var]))

  @with_variable_kinds()
  def test_unknown_shape(self, use_resource):
    dense, sparse = [
        tf.get_variable(
            name,
            initializer=tf.placeholder_with_default(_ROWS, None),
            use_resource=use_resource,
            validate_shape=False) for name in ("dense", "sparse")
    ]
    loss = tf.reduce_sum(dense) + lookup(sparse, [0, 1, 2])
    self.train(clip({dense: [1], sparse: [1]}).minimize(loss))
    for value in self.sess.run([dense, sparse]):
      self.assertAllClose(_CLIPPED_ROWS, value)

  @with_variable_kinds(
      ("_last", [4, 2], [-1]), ("_twice", [4, 2], [1, 1]),
      ("_rank_3", [2, 2, 2], [-1]), ("_rank_3_first", [2, 2, 2], [1]),
      ("_rank_3_both", [2, 2, 2], [1, 2]), ("_rank_4", [2, 1, 2, 2], [-1, -2]))
  def test_dims_of_unknown_rank(self, shape, dims, use_resource):
    rows = np.reshape(np.float32(_ROWS), shape)
    var = tf.get_variable(
        "var",
        initializer=tf.placeholder_with_default(rows, None),
        use_resource=use_resource,
        validate_shape=False)
    if len(set(dims)) < len(dims) and not hasattr(tf, "contrib"):
      dims = dims[:1]  # TensorFlow 2.4 and newer refuse repeated dimensions.
    clipped = clip_by_norm(rows, 1., dims)
    self.train(clip({var: dims}).minimize(lookup(var, [0])))
    value = self.sess.run(var)
    self.assertAllClose(clipped[0], value[0])
    self.assertAllEqual(rows[1:], value[1:])
    self.train(clip({var: dims}).minimize(tf.reduce_sum(var)))
    self.assertAllClose(clipped, self.sess.run(var))

  @with_variable_kinds(
      ("_tensor", lambda: tf.constant([1])),
      ("_tensors", lambda: [tf.constant(1, tf.int64)]),
      ("_array", lambda: np.array([1])), ("_tuple", lambda: (1,)))
  def test_type_of_dims(self, dims, use_resource):
    dense = get_variable(_ROWS, use_resource, name="dense")
    sparse = get_variable(_ROWS, use_resource, name="sparse")
    opt = clip({dense: dims(), sparse: dims()})
    self.train(opt.minimize(tf.reduce_sum(dense) + lookup(sparse, [0, 2])))
    for var in (dense, sparse):
      self.assertAllClose(_CLIPPED_ROWS, self.sess.run(var))

  @with_variable_kinds()
  def test_empty_batch(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    loss = lookup(var, tf.zeros([0], tf.int32))
    self.train(clip({var: [1]}).minimize(loss))
    self.assertAllEqual(np.float32(_ROWS), self.sess.run(var))

  @with_variable_kinds()
  def test_nan_row_does_not_affect_other_rows(self, use_resource):
    var = get_variable([[np.nan, 0.], [3., 4.]], use_resource)
    self.train(clip({var: [1]}).minimize(lookup(var, [0, 1])))
    self.assertAllClose([[np.nan, 0.], [0.6, 0.8]], self.sess.run(var))

  @with_variable_kinds(*test_util.INNER_OPTIMIZERS)
  def test_inner_optimizer(self, create, use_resource):
    """Each step must equal one of the inner optimizer, clipped by NumPy."""
    names = ("dense", "sparse")
    rows = np.random.RandomState(0).randn(4, 3)
    bare = [get_variable(rows, use_resource, name="bare_" + n) for n in names]
    wrapped = [get_variable(rows, use_resource, name=n) for n in names]
    wrapper = clip({v: [1] for v in wrapped}, 1.2, create())
    steps = [
        opt.minimize(tf.reduce_sum(tf.square(dense)) + lookup(sparse, [2, 0]))
        for opt, (dense, sparse) in ((create(), bare), (wrapper, wrapped))
    ]
    value = tf.placeholder(tf.float32)
    assign_bare = [var.assign(value) for var in bare]
    self.initialize()
    for _ in range(3):
      self.sess.run(steps)
      expected = self.sess.run(bare)
      expected[0] = clip_by_norm(expected[0], 1.2, [1])
      expected[1][[0, 2]] = clip_by_norm(expected[1], 1.2, [1])[[0, 2]]
      for want, var, assign in zip(expected, wrapped, assign_bare):
        self.assertAllClose(want, self.sess.run(var), rtol=1e-5, atol=1e-6)
        self.sess.run(assign, {value: want})

  @with_variable_kinds()
  def test_chain_clips_by_inner_then_outer_bound(self, use_resource):
    inner, outer, both, none = [
        get_variable(_ROWS, use_resource, name=name)
        for name in ("inner", "outer", "both", "none")]
    opt = clip({outer: [0], both: [0]}, 0.5, clip({inner: [1], both: [1]}))
    loss = lookup(inner, [0, 2]) + tf.reduce_sum([outer, both, none])
    self.train(opt.minimize(loss))
    for expected, var in ((_CLIPPED_ROWS, inner),
                          (clip_by_norm(_ROWS, 0.5, [0]), outer),
                          (clip_by_norm(_CLIPPED_ROWS, 0.5, [0]), both),
                          (_ROWS, none)):
      self.assertAllClose(expected, self.sess.run(var))

  @with_variable_kinds()
  def test_no_gradient(self, use_resource):
    var1 = get_variable(_ROWS, use_resource, name="var1")
    var2 = get_variable(_ROWS, use_resource, name="var2")
    opt = clip({var1: [1], var2: [1]})
    grads_and_vars = opt.compute_gradients(tf.reduce_sum(var1), [var1, var2])
    self.assertIsNone(grads_and_vars[1][0])
    self.train(opt.apply_gradients(grads_and_vars))
    self.assertAllClose(_CLIPPED_ROWS, self.sess.run(var1))
    self.assertAllEqual(np.float32(_ROWS), self.sess.run(var2))

  @with_variable_kinds(("_trainable", [1]), ("_rows", [0]), ("_rank_4", [3]))
  def test_keys_without_gradient_have_any_rank(self, dims, use_resource):
    """A dict of all variables has keys whose dimensions are out of range."""
    shapes = [(), (3,), (2, 3), (2, 2, 2, 2)]
    variables = [get_variable(np.ones(shape), use_resource, name="v%d" % i)
                 for i, shape in enumerate(shapes)]
    opt = clip({var: dims for var in tf.global_variables()})
    var = variables[-1]
    self.train(opt.minimize(tf.reduce_sum(var), var_list=[var]))
    values = self.sess.run(variables)
    self.assertAllClose(clip_by_norm(np.ones(shapes[-1]), 1., dims), values[-1])
    for value in values[:-1]:
      self.assertAllEqual(np.ones_like(value), value)

  @with_variable_kinds()
  def test_no_gradients_at_all(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    with self.assertRaisesRegex(ValueError, "No gradients"):
      clip({var: [1]}).apply_gradients([(None, var)])

  @with_variable_kinds()
  def test_global_step_by_keyword(self, use_resource):

    class Inner(tf.train.GradientDescentOptimizer):

      def apply_gradients(self, grads_and_vars, **kwargs):
        return super(Inner, self).apply_gradients(grads_and_vars, **kwargs)

    var = get_variable(_ROWS, use_resource)
    global_step = tf.train.get_or_create_global_step()
    opt = clip({var: [1]}, opt=Inner(0.))
    self.train(opt.minimize(tf.reduce_sum(var), global_step), 3)
    self.assertEqual(3, self.sess.run(global_step))

  @with_variable_kinds(
      ("", 1.), ("_bound_per_row", np.array([[1.], [2.], [3.], [4.]])))
  def test_sparse_gradient_with_norms_across_rows(self, max_norm, use_resource):
    var = get_variable(_ROWS, use_resource)
    self.train(clip({var: [0]}, max_norm).minimize(lookup(var, [1])))
    self.assertAllClose(clip_by_norm(_ROWS, max_norm, [0]), self.sess.run(var))


class MaxNormTest(test_util.GraphTestCase):

  def _assert_clipped(self, max_norm, use_resource, dims=(1,), expected=2.):
    dense = get_variable(_ROWS, use_resource, name="dense")
    sparse = get_variable(_ROWS, use_resource, name="sparse")
    loss = tf.reduce_sum(dense) + lookup(sparse, [0, 1, 2])
    self.train(clip({dense: dims, sparse: dims}, max_norm).minimize(loss))
    for value in self.sess.run([dense, sparse]):
      self.assertAllClose(clip_by_norm(_ROWS, expected, dims), value)

  @with_variable_kinds(
      ("_int", 2),
      ("_float", 2.),
      ("_numpy_scalar", np.float64(2)),
      ("_numpy_array", np.array(2, np.float32)),
      ("_decimal", decimal.Decimal(2)),
  )
  def test_max_norm_is_a_number(self, max_norm, use_resource):
    self._assert_clipped(max_norm, use_resource)

  @with_variable_kinds(
      ("_float32", tf.float32), ("_float64", tf.float64), ("_int32", tf.int32))
  def test_max_norm_is_a_tensor(self, dtype, use_resource):
    self._assert_clipped(tf.constant(2, dtype), use_resource)

  @with_variable_kinds(*[
      (name + dims_name, max_norm, dims)
      for name, max_norm in (
          ("_list", [2.]), ("_tuple", (2., 0.5)), ("_array", np.array([2.])),
          ("_matrix", np.float32([[2.]])), ("_bound_per_column", [2., 0.5]),
          ("_row", np.array([[2, 1]])))
      for dims_name, dims in (("_of_rows", [1]), ("_of_elements", []))])
  def test_max_norm_is_broadcast(self, max_norm, dims, use_resource):
    self._assert_clipped(max_norm, use_resource, dims, np.array(max_norm))

  @with_variable_kinds(
      ("_tensor", tf.constant),
      ("_in_list", lambda bounds: [tf.constant(bound) for bound in bounds]),
      ("_float64", lambda bounds: tf.constant(bounds, tf.float64)))
  def test_max_norm_of_tensors_is_broadcast(self, create, use_resource):
    self._assert_clipped(create([2., 0.5]), use_resource, [1], [2., 0.5])

  @with_variable_kinds()
  def test_max_norm_of_a_variable_is_broadcast(self, use_resource):
    max_norm = get_variable([[2., 0.5]], use_resource, name="max_norm")
    self._assert_clipped(max_norm, use_resource, [1], [[2., 0.5]])

  @with_variable_kinds()
  def test_max_norm_is_a_partitioned_variable(self, use_resource):
    max_norm = get_variable([2., 0.5], use_resource, name="max_norm",
                            partitioner=tf.fixed_size_partitioner(2))
    self._assert_clipped(max_norm, use_resource, [1], [2., 0.5])

  @with_variable_kinds()
  def test_bound_per_row_of_a_dense_gradient(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    bounds = np.array([[1.], [2.], [3.], [4.]])
    self.train(clip({var: [1]}, bounds).minimize(tf.reduce_sum(var)))
    self.assertAllClose(clip_by_norm(_ROWS, bounds, [1]), self.sess.run(var))

  @with_variable_kinds(("_float32", tf.float32), ("_float64", tf.float64))
  def test_max_norm_is_a_variable(self, dtype, use_resource):
    max_norm = get_variable(2, use_resource, dtype, "max_norm")
    self._assert_clipped(max_norm, use_resource)

  @with_variable_kinds()
  def test_max_norm_is_a_placeholder(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    max_norm = tf.placeholder(tf.float32, [])
    train_op = clip({var: [1]}, max_norm).minimize(lookup(var, [0, 1, 2]))
    self.initialize()
    for value in (2., 1.5):
      self.sess.run(train_op, {max_norm: value})
      self.assertAllClose(clip_by_norm(_ROWS, value, [1]), self.sess.run(var))

  @with_variable_kinds()
  def test_max_norm_is_a_schedule(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    epoch = get_variable(0, use_resource, tf.int64, "epoch")
    max_norm = tf.train.exponential_decay(8., epoch, 1, 0.5)
    train_op = clip({var: [1]}, max_norm).minimize(lookup(var, [0, 2]))
    self.train(train_op)
    self.assertAllClose(clip_by_norm(_ROWS, 8., [1]), self.sess.run(var))
    self.sess.run(epoch.assign(1))
    self.sess.run(train_op)
    self.assertAllClose(clip_by_norm(_ROWS, 4., [1]), self.sess.run(var))


class GraphTest(test_util.GraphTestCase):
  """Checkpoints depend on names, and clusters depend on the placement."""

  @with_variable_kinds()
  def test_variable_names(self, use_resource):
    var = get_variable(_ROWS, use_resource, name="emb")
    clip({var: [1]}, opt=tf.train.AdamOptimizer()).minimize(lookup(var, [0]))
    self.assertCountEqual(
        ["emb", "emb/Adam", "emb/Adam_1", "VariableClipping/beta1_power",
         "VariableClipping/beta2_power"],
        [v.op.name for v in tf.global_variables()])

  @with_variable_kinds(("_default", None, "VariableClipping"),
                       ("_named", "bound", "bound"))
  def test_op_names(self, name, scope, use_resource):
    dense = get_variable(_ROWS, use_resource, name="dense")
    sparse = get_variable(_ROWS, use_resource, name="sparse")
    opt = clip({dense: [1], sparse: [1]})
    loss = tf.reduce_sum(dense) + lookup(sparse, [0])
    train_op = opt.minimize(loss, name=name)
    self.assertEqual(scope, train_op.name)
    graph = tf.get_default_graph()
    for op in ("GradientDescent", "clip_dense/clip_by_norm",
               "clip_sparse/clip_by_norm"):
      graph.get_operation_by_name(scope + "/" + op)

  @with_variable_kinds(*[("_" + name, name) for name in ("a.b", "a-b", "a>b")])
  def test_name_of_a_clip_op_has_the_name_of_the_variable(self, name,
                                                          use_resource):
    if ">" in name and test_util.VERSION < (2, 0):
      self.skipTest("TensorFlow 1 refuses such a name.")
    var = get_variable(_ROWS, use_resource, name=name)
    clip({var: [1]}).minimize(lookup(var, [0]))
    tf.get_default_graph().get_operation_by_name(
        "VariableClipping/clip_" + name + "/clip_by_norm")

  @with_variable_kinds()
  def test_name_of_the_optimizer(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    opt = clip({var: [1]}, name="MaxNorm")
    self.assertEqual("MaxNorm", opt.get_name())
    self.assertEqual("MaxNorm", opt.minimize(tf.reduce_sum(var)).name)

  @with_variable_kinds()
  def test_slots_are_those_of_the_inner_optimizer(self, use_resource):
    var = get_variable(_ROWS, use_resource)
    inner = tf.train.MomentumOptimizer(0.1, 0.9)
    opt = clip({var: [1]}, opt=inner)
    opt.minimize(tf.reduce_sum(var))
    self.assertEqual(["momentum"], opt.get_slot_names())
    self.assertIs(inner.get_slot(var, "momentum"),
                  opt.get_slot(var, name="momentum"))

  @with_variable_kinds(("", False), ("_clip_ops_colocated", True))
  def test_colocation(self, colocate, use_resource):
    dense = get_variable(_ROWS, use_resource, name="dense")
    sparse = get_variable(_ROWS, use_resource, name="sparse")
    opt = clip({dense: [1], sparse: [1]}, colocate_clip_ops_with_vars=colocate)
    opt.minimize(tf.reduce_sum(dense) + lookup(sparse, [0]))
    clip_by_norm = {"Mul", "Sum", "Sqrt", "Maximum", "RealDiv"}
    selection = {"EuclideanNorm", "Abs", "Greater", "Any"}
    if test_util.VERSION < (2, 22):
      selection.add("Where")
    for var, moved, colocated in (
        (dense, clip_by_norm | {"Sub"},
         {"AssignSubVariableOp" if use_resource else "AssignSub"}),
        (sparse, selection, clip_by_norm | {
            "Unique",
            "GatherNd" if test_util.VERSION < (2, 22) else "DynamicPartition",
            "ResourceGather" if use_resource else "GatherV2",
            "ResourceScatterUpdate" if use_resource else "ScatterUpdate"})):
      ops = [op for op in tf.get_default_graph().get_operations()
             if op.name.startswith("VariableClipping/clip_%s/" % var.op.name)]
      others = [op for op in ops
                if op.colocation_groups() != var.op.colocation_groups()]
      self.assertContainsSubset(moved | colocated, {op.type for op in ops})
      self.assertEmpty([op for op in others if op.type in colocated])
      if colocate:
        self.assertEmpty(others)
      else:
        self.assertContainsSubset(moved, {op.type for op in others})
    self.assertEmpty([op for op in others if sparse.op.outputs[0] in op.inputs])

  @with_variable_kinds(("", False), ("_locked", True))
  def test_use_locking(self, use_locking, use_resource):
    dense = get_variable(_ROWS, use_resource, name="dense")
    sparse = get_variable(_ROWS, use_resource, name="sparse")
    opt = clip({dense: [1], sparse: [1]}, use_locking=use_locking)
    opt.minimize(tf.reduce_sum(dense) + lookup(sparse, [0]))
    writes = [op for op in tf.get_default_graph().get_operations()
              if "/clip_" in op.name and op.type in (
                  "AssignSub", "ScatterUpdate", "AssignSubVariableOp",
                  "ResourceScatterUpdate")]
    self.assertLen(writes, 2)
    for op in writes:
      if use_resource:  # Ops of resource variables have no such attribute.
        self.assertNotIn("use_locking", op.node_def.attr)
      else:
        self.assertEqual(use_locking, op.get_attr("use_locking"))

  @with_variable_kinds()
  def test_unique_is_shared(self, use_resource):
    """Grappler merges the tf.unique of Adagrad with the one of the clip."""
    var = get_variable(_ROWS, use_resource)
    ids = tf.placeholder(tf.int32, [None])
    train_op = clip({var: [1]}, opt=tf.train.AdagradOptimizer(0.1)).minimize(
        lookup(var, ids))
    num_unique = sum(
        op.type == "Unique" for op in tf.get_default_graph().get_operations())
    self.assertEqual(2, num_unique)
    self.initialize()
    metadata = tf.RunMetadata()
    self.sess.run(
        train_op, {ids: [0, 2, 0]}, run_metadata=metadata,
        options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE))
    self.assertLen([node for device in metadata.step_stats.dev_stats
                    for node in device.node_stats
                    if "= Unique(" in node.timeline_label], 1)

  @with_variable_kinds()
  def test_clips_after_the_update(self, use_resource):
    """Every clip op that reads or writes a variable follows the update."""
    dense = get_variable(_ROWS, use_resource, name="dense")
    sparse = get_variable(_ROWS, use_resource, name="sparse")
    opt = clip({dense: [1], sparse: [1]})
    train_op = opt.minimize(tf.reduce_sum(dense) + lookup(sparse, [0]))
    update_op = tf.get_default_graph().get_operation_by_name(
        "VariableClipping/GradientDescent")
    self.assertIn(update_op, train_op.control_inputs)
    for op in tf.get_default_graph().get_operations():
      if "/clip_" in op.name and {dense.op.outputs[0], sparse.op.outputs[0]
                                 }.intersection(op.inputs):
        self.assertIn(update_op, test_util.ancestors(op), op.name)

  @with_variable_kinds()
  def test_writes_rows_over_the_bound_alone(self, use_resource):
    """A row at the bound is not written, because a worker may update it."""
    var = get_variable([[0., 1.], [3., 4.], [0.3, 0.4]], use_resource)
    clip({var: [1]}).minimize(lookup(var, [2, 1, 0, 1]))
    write, = [op for op in tf.get_default_graph().get_operations()
              if op.type in ("ScatterUpdate", "ResourceScatterUpdate")]
    self.initialize()
    self.assertAllEqual([1], self.sess.run(write.inputs[1]))

  def test_causes_no_deprecation_warning(self):
    """Runs a new process, because TensorFlow logs each warning only once."""
    log = subprocess.check_output(
        [sys.executable, "-c", _PROGRAM_WITH_TWO_STEPS],
        stderr=subprocess.STDOUT).decode()
    self.assertIn("2 train ops", log)
    # The program itself causes a warning, so the log has such warnings.
    self.assertRegex(log, "From <string>:.*colocate_with")
    self.assertNotRegex(log, r"From \S*variable_clipping_optimizer\.py")


if __name__ == "__main__":
  tf.test.main()
