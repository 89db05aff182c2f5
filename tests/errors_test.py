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
"""Bad input is refused early, with the remedy (D14), or causes a warning."""

from __future__ import absolute_import, division, print_function

import decimal
import re
import sys

from absl import logging
import numpy as np
import tensorflow as tf2
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

clip = test_util.clip
with_variable_kinds = test_util.with_variable_kinds

_SGD = tf.train.GradientDescentOptimizer(0.1)


class _SyncReplicasWithoutOpt(object):
  """A program's own SyncReplicasOptimizer with another attribute."""

  def get_init_tokens_op(self):
    raise NotImplementedError

  def apply_gradients(self, grads_and_vars, global_step):
    raise NotImplementedError


class ErrorsTest(test_util.GraphTestCase):

  def _assert_refused(self, error, pattern, use_resource, opt=_SGD, key=None,
                      dims=(1,), max_norm=1.):
    """Asserts the error of the constructor. `key` makes a key from `var`."""
    var = tf.get_variable("emb", [2, 3], use_resource=use_resource)
    if key is not None:
      var = key(var)
    if callable(max_norm):  # It creates a Tensor in the graph of the test.
      max_norm = max_norm()
    with self.assertRaisesRegex(error, pattern):
      tf_contrib_opt.VariableClippingOptimizer(opt, {var: dims}, max_norm)

  @with_variable_kinds(
      ("_keras", lambda: tf.keras.optimizers.SGD(),
       r"opt must be .*SGD.*tf\.keras\.constraints\.MaxNorm"),
      ("_keras_of_tf2", lambda: tf2.keras.optimizers.Adam(),
       r"opt must be .*Adam.*tf\.keras\.constraints\.MaxNorm"),
      ("_string", lambda: "adam", "opt must be .*'adam'.* an object such as"),
      ("_class", lambda: tf.train.AdamOptimizer,
       r"opt must be .*AdamOptimizer.* an object such as .*Optimizer\(0.1\)"),
      ("_saver", lambda: tf.train.Saver, "opt must be .*Saver"),
      ("_none", lambda: None, "opt must be .*None"),
      ("_swapped", lambda: {"emb": [1]},
       "opt must be .*'emb'.* the second is vars_to_clip_dims"),
      ("_sync_replicas", lambda: _SyncReplicasWithoutOpt(),
       "_SyncReplicasWithoutOpt.*not in an attribute _opt"),
  )
  def test_opt_is_not_a_v1_optimizer(self, create, pattern, use_resource):
    self._assert_refused(TypeError, pattern, use_resource, opt=create())

  @with_variable_kinds(
      ("_name", lambda var: var.name, "'emb:0'"),
      ("_tensor", tf.convert_to_tensor, "Tensor"),
      ("_none", lambda _: None, "None"),
      ("_tuple", lambda var: (var,), r"\(<tf.Variable 'emb:0'"),
      ("_module", lambda _: tf.Module(), "Module"),
  )
  def test_key_is_not_a_variable(self, key, key_repr, use_resource):
    self._assert_refused(
        TypeError, "A key of vars_to_clip_dims must be a tf.Variable.*not .*" +
        key_repr, use_resource, key=key)

  @with_variable_kinds(
      ("_none", None), ("_list", []), ("_variables", "emb"))
  def test_vars_to_clip_dims_is_not_a_dict(self, vars_to_clip_dims,
                                           use_resource):
    tf.get_variable("emb", [2, 3], use_resource=use_resource)
    with self.assertRaisesRegex(TypeError, "vars_to_clip_dims must be a dict"):
      tf_contrib_opt.VariableClippingOptimizer(
          tf.train.AdamOptimizer(), vars_to_clip_dims, 1.)

  @with_variable_kinds(
      ("_none", None), ("_int", 1), ("_floats", [1.]), ("_string", "1"),
      ("_names", ["width"]), ("_nested", [[1]]),
      ("_placeholder", lambda: tf.placeholder(tf.int32, [1])))
  def test_dims_of_a_wrong_type(self, dims, use_resource):
    if callable(dims):
      dims = dims()
    self._assert_refused(
        TypeError, "vars_to_clip_dims .*list of integers.*variable emb:0.*"
        r"use \[\]", use_resource, dims=dims)

  def _assert_refused_with_gradient(self, error, pattern, value, grad,
                                    use_resource, dims, max_norm=1.,
                                    dtype=tf.float32):
    """Asserts the error of `apply_gradients`, and that nothing was applied."""
    var = test_util.get_variable(value, use_resource, dtype, name="emb")
    opt = clip({var: dims}, max_norm() if callable(max_norm) else max_norm)
    train_op = opt.apply_gradients(
        [(None, var), (tf.zeros([]), tf.get_variable("b", []))])
    with self.assertRaisesRegex(error, pattern):
      opt.apply_gradients([(grad, var)])
    self.assertEqual([train_op], tf.get_collection(tf.GraphKeys.TRAIN_OP))
    self.assertEmpty(
        [op for op in tf.get_default_graph().get_operations()
         if var.op.outputs[0] in op.inputs and re.search(
             "Apply|Scatter|Sub", op.type)])

  @with_variable_kinds(
      ("_high", 2), ("_higher", 3), ("_low", -3), ("_lower", -4))
  def test_dims_out_of_range(self, dim, use_resource):
    self._assert_refused_with_gradient(
        ValueError, r"vars_to_clip_dims .*dimension {} .*variable emb:0 of "
        r"shape \(2, 3\).*Use dimensions in \[-2, 2\)".format(dim),
        np.ones([2, 3]), tf.ones([2, 3]), use_resource, [1, dim])

  @with_variable_kinds()
  def test_dims_of_a_scalar(self, use_resource):
    self._assert_refused_with_gradient(
        ValueError, r"dimension 0 .*emb:0 of shape \(\)\. Use \[\]\.", 1.,
        tf.ones([]), use_resource, [0])

  @with_variable_kinds(
      ("_complex", tf.complex64, "complex64"), ("_int", tf.int32, "int32"))
  def test_dtype_that_cannot_be_clipped(self, dtype, name, use_resource):
    self._assert_refused_with_gradient(
        TypeError, "variable emb:0 of .*{}.*floating".format(name),
        np.ones([2, 3]), tf.ones([2, 3], dtype), use_resource, [1], dtype=dtype)

  @with_variable_kinds(
      ("_rows", [3, 1]), ("_columns", [2]), ("_rank", [1, 2, 3]),
      ("_tensor", tf.ones))
  def test_max_norm_that_does_not_broadcast(self, shape, use_resource):
    max_norm = shape([3, 1]) if callable(shape) else np.ones(shape)
    self._assert_refused_with_gradient(
        ValueError, r"max_norm has shape \(.*\).*variable emb:0 is dense.*"
        r"broadcasts to shape \(2, 3\)", np.ones([2, 3]), tf.ones([2, 3]),
        use_resource, [1], max_norm)

  @with_variable_kinds(
      ("_column", np.ones([2, 1])), ("_matrix", np.ones([2, 3])),
      ("_rank", np.ones([1, 1, 1])), ("_tensor", tf.ones))
  def test_max_norm_that_varies_from_row_to_row(self, max_norm, use_resource):
    if callable(max_norm):
      max_norm = max_norm([2, 1])
    rows = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([0]))
    self._assert_refused_with_gradient(
        ValueError, r"max_norm has shape \(.*\).*variable emb:0 is sparse.*"
        r"broadcasts to shape \(1, 3\)", np.ones([2, 3]), rows, use_resource,
        [1], max_norm)

  @with_variable_kinds(
      ("_vector", [2], [-1]), ("_columns", [2, 3], [-2]),
      ("_matrix", [2, 3], [-1, -2]), ("_mixed", [2, 3], [1, -2]))
  def test_norms_across_rows_of_unknown_rank(self, shape, dims, use_resource):
    var = tf.get_variable(
        "emb",
        initializer=tf.placeholder_with_default(np.ones(shape, np.float32),
                                                None),
        use_resource=use_resource,
        validate_shape=False)
    opt = tf_contrib_opt.VariableClippingOptimizer(
        tf.train.GradientDescentOptimizer(0.1), {var: dims}, 1.)
    train_op = opt.minimize(test_util.lookup(var, [0]))
    self.initialize()
    with self.assertRaisesRegex(
        tf.errors.InvalidArgumentError, "variable emb:0.*is dimension 0.*Count "
        "dimensions from 0"):
      self.sess.run(train_op)

  @with_variable_kinds()
  def test_two_keys_for_one_variable(self, use_resource):
    var = tf.get_variable(
        "emb", [4, 3], use_resource=use_resource,
        partitioner=tf.fixed_size_partitioner(2))
    with self.assertRaisesRegex(
        ValueError, "vars_to_clip_dims has two keys for variable "
        "emb/part_1:0, with different dimensions. Keep one"):
      tf_contrib_opt.VariableClippingOptimizer(
          tf.train.AdamOptimizer(), {var: [1], list(var)[1]: []}, 1.)

  @with_variable_kinds()
  def test_two_keys_for_one_variable_by_two_objects(self, use_resource):
    var = tf.get_variable("emb", [4, 3], use_resource=use_resource)
    copy = type(var).from_proto(var.to_proto())
    clip({var: [1], copy: [1]}).apply_gradients([(tf.ones([4, 3]), var)])
    with self.assertRaisesRegex(
        ValueError, "two keys for variable emb:0, with different dimensions"):
      clip({var: [1], copy: [0]}).apply_gradients([(tf.ones([4, 3]), var)])

  @with_variable_kinds(
      ("_none", None), ("_string", "1"), ("_strings", ["1"]), ("_dict", {}),
      ("_array_of_strings", np.array(["1"])),
      ("_string_tensor", lambda: tf.constant("1")))
  def test_max_norm_of_a_wrong_type(self, max_norm, use_resource):
    self._assert_refused(
        TypeError, "max_norm must be (a number, a Tensor or a list of these|"
        "numeric), not", use_resource, max_norm=max_norm)

  @with_variable_kinds(
      ("_empty", []), ("_empty_row", [[]]), ("_ragged", [[1.], [2., 3.]]),
      ("_ragged_tensors", lambda: [tf.constant([1.]), tf.constant([2., 3.])]))
  def test_max_norm_that_is_empty_or_ragged(self, max_norm, use_resource):
    self._assert_refused(
        ValueError, "max_norm must not be empty or ragged.* Use a number",
        use_resource, max_norm=max_norm)

  @with_variable_kinds(
      ("_zero", 0), ("_negative", -1.), ("_nan", float("nan")),
      ("_infinite", float("inf")), ("_numpy", np.float32(-1)),
      ("_list", [1., 0.]), ("_array", np.array([[1.], [np.nan]])),
      ("_huge", 10**400), ("_decimal", decimal.Decimal("NaN")),
      ("_tensor", lambda: tf.constant(0.)),
      ("_int_tensor", lambda: tf.constant([1, -1])),
      ("_tensors", lambda: [tf.constant(1.), tf.constant(float("inf"))]))
  def test_max_norm_out_of_range(self, max_norm, use_resource):
    self._assert_refused(
        ValueError, "max_norm must be positive and finite.*omit it from "
        "vars_to_clip_dims", use_resource, max_norm=max_norm)


  @with_variable_kinds(
      ("_float16", tf.float16, 1e5), ("_small", tf.float16, 1e-9),
      ("_in_list", tf.float16, [1., 1e5]),
      ("_tensor", tf.float16, lambda: tf.constant(1e5)),
      ("_float32", tf.float32, sys.float_info.max),
      ("_bfloat16", tf.bfloat16, sys.float_info.max))
  def test_max_norm_that_the_dtype_cannot_hold(self, dtype, max_norm,
                                               use_resource):
    self._assert_refused_with_gradient(
        ValueError, "max_norm is .*, which {}, the dtype of variable emb:0, "
        "cannot hold. Use another".format(dtype.name), np.ones([2, 2]),
        tf.ones([2, 2], dtype), use_resource, [1], max_norm, dtype)

  @with_variable_kinds()
  def test_constant_bound_can_still_be_fed(self, use_resource):
    var = test_util.get_variable([[3., 4.]], use_resource)
    max_norm = tf.constant(1.)
    train_op = clip({var: [1]}, max_norm).minimize(tf.reduce_sum(var))
    self.initialize()
    self.sess.run(train_op, {max_norm: 2.})
    self.assertAllClose([[1.2, 1.6]], self.sess.run(var))


class WarningsTest(test_util.GraphTestCase):

  def setUp(self):
    super(WarningsTest, self).setUp()
    patch = tf.test.mock.patch.object(logging, "warning")
    self._warning = patch.start()
    self.addCleanup(patch.stop)

  def _create_variables(self, use_resource):
    return [test_util.get_variable([3., 4.], use_resource, name=name)
            for name in ("a", "b", "c")]

  def _messages(self):
    return [call[0][0] % call[0][1:] for call in self._warning.call_args_list]

  @with_variable_kinds()
  def test_no_key_is_in_a_call(self, use_resource):
    a, b, c = self._create_variables(use_resource)
    opt = clip({a: [0]}, opt=clip({b: [0]}), name="Outer")
    for _ in range(2):  # minimize passes all keys, also without a gradient.
      opt.apply_gradients([(tf.ones([2]), c), (None, a), (None, b)])
    inner, outer = self._messages()
    self.assertRegex(
        inner, r"VariableClipping clips nothing in this call.*\(b:0\)")
    self.assertRegex(
        outer, r"Outer clips nothing in this call .*\(c:0\).* key .*\(a:0\)")

  @with_variable_kinds()
  def test_many_keys_and_variables(self, use_resource):
    variables = [tf.get_variable("v%d" % i, [], use_resource=use_resource)
                 for i in range(13)]
    opt = clip({var: [] for var in variables[:6]})
    opt.apply_gradients([(tf.ones([]), var) for var in variables[6:]])
    message, = self._messages()
    self.assertIn("(v6:0, v7:0, v8:0, v9:0, v10:0, ...)", message)
    self.assertNotIn("v11", message)

  @with_variable_kinds()
  def test_five_keys_and_a_variable_without_a_name(self, use_resource):
    variables = [tf.get_variable("v%d" % i, [], use_resource=use_resource)
                 for i in range(5)]

    class Nameless(object):

      op = tf.no_op()

      def __str__(self):
        return "nameless"

    inner = tf.test.mock.Mock(spec=["apply_gradients"])
    inner.apply_gradients.return_value = tf.no_op()
    clip({var: [] for var in variables}, opt=inner).apply_gradients(
        [(tf.ones([]), Nameless())])
    message, = self._messages()
    self.assertIn("(nameless)", message)
    self.assertRegex(message, r"\(v\d:0(, v\d:0){4}\)")

  @with_variable_kinds()
  def test_no_key(self, use_resource):
    """A ready-made Estimator creates the optimizer before it has variables."""
    a, _, _ = self._create_variables(use_resource)
    clip({v: [0] for v in ()}).apply_gradients([(tf.ones([2]), a)])
    message, = self._messages()
    self.assertRegex(
        message, r"clips nothing in this call.*\(a:0\).*\(none\)")

  @with_variable_kinds()
  def test_key_that_is_trained_later(self, use_resource):
    """A generator is trained before the critic, whose weights are keys."""
    a, b, _ = self._create_variables(use_resource)
    opt = clip({a: [0]})
    opt.apply_gradients([(tf.ones([2]), b)])
    train_op = opt.apply_gradients([(tf.ones([2]), a)])
    message, = self._messages()
    # The warning is about this call alone, because a later one may clip.
    self.assertIn("in this call", message)
    self.train(train_op)
    self.assertAllClose([[0.6, 0.8]], [self.sess.run(a)])

  @with_variable_kinds()
  def test_key_is_in_each_call(self, use_resource):
    a, b, _ = self._create_variables(use_resource)
    opt = clip({a: [0]}, opt=clip({b: [0]}))
    opt.minimize(tf.reduce_sum(a) + tf.reduce_sum(b), var_list=[a, b])
    self._warning.assert_not_called()

  @with_variable_kinds()
  def test_norms_across_rows_of_a_sparse_gradient(self, use_resource):
    """The optimizer warns once for each variable."""
    a, b, _ = self._create_variables(use_resource)
    opt = clip({a: [0], b: [0]})
    for _ in range(2):
      opt.minimize(test_util.lookup(a, [0]) + test_util.lookup(b, [0]))
    self.assertRegex(
        " ".join(self._messages()),
        "^The whole variable a:0 [^:]*The whole variable b:0 [^:]*$")


if __name__ == "__main__":
  tf.test.main()
