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
"""Bad input is refused at construction, with the remedy (D14)."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import graph_test_case
import numpy as np
import tensorflow.compat.v1 as tf
import tf_contrib_opt

with_variable_kinds = graph_test_case.with_variable_kinds


class ErrorsTest(graph_test_case.GraphTestCase):

  def _assert_refused(self, error, pattern, use_resource, opt=None, key=None,
                      dims=(1,), max_norm=1., shape=(2, 3)):
    """Asserts what a constructor says of an argument, which `key` adapts."""
    var = tf.get_variable(
        "emb",
        initializer=tf.placeholder_with_default(np.ones([2, 3], np.float32),
                                                shape),
        use_resource=use_resource,
        validate_shape=shape is not None)
    if opt is None:
      opt = tf.train.GradientDescentOptimizer(0.1)
    if key is not None:
      var = key(var)
    with self.assertRaisesRegex(error, pattern):
      tf_contrib_opt.VariableClippingOptimizer(opt, {var: dims}, max_norm)

  @with_variable_kinds(
      ("_keras", lambda: tf.keras.optimizers.SGD(),
       r"opt must be .*SGD.*tf\.keras\.constraints\.MaxNorm"),
      ("_string", lambda: "adam", "opt must be .*'adam'"),
      ("_class", lambda: tf.train.AdamOptimizer, "opt must be .*AdamOptimizer"),
  )
  def test_opt(self, create, pattern, use_resource):
    self._assert_refused(TypeError, pattern, use_resource, opt=create())

  @with_variable_kinds()
  def test_no_opt(self, use_resource):
    var = tf.get_variable("emb", [2, 3], use_resource=use_resource)
    with self.assertRaisesRegex(TypeError, "opt must be .*None"):
      tf_contrib_opt.VariableClippingOptimizer(None, {var: [1]}, 1.)

  @with_variable_kinds(
      ("_name", lambda var: var.name, "'emb:0'"),
      ("_tensor", tf.convert_to_tensor, "Tensor"),
      ("_none", lambda _: None, "None"),
      ("_tuple", lambda var: (var,), r"\(<tf.Variable 'emb:0'"),
  )
  def test_key(self, key, key_repr, use_resource):
    self._assert_refused(
        TypeError, "A key of vars_to_clip_dims must be a tf.Variable.*not .*" +
        key_repr, use_resource, key=key)

  @with_variable_kinds(
      ("_none", None), ("_list", []), ("_variables", "emb"))
  def test_no_dict(self, vars_to_clip_dims, use_resource):
    tf.get_variable("emb", [2, 3], use_resource=use_resource)
    with self.assertRaisesRegex(TypeError, "vars_to_clip_dims must be a dict"):
      tf_contrib_opt.VariableClippingOptimizer(
          tf.train.AdamOptimizer(), vars_to_clip_dims, 1.)

  @with_variable_kinds(
      ("_none", None), ("_int", 1), ("_floats", [1.]), ("_string", "1"),
      ("_names", ["width"]), ("_nested", [[1]]))
  def test_dims_of_a_wrong_type(self, dims, use_resource):
    self._assert_refused(
        TypeError, "vars_to_clip_dims .*list of integers.*variable emb:0.*"
        r"Use \[\]", use_resource, dims=dims)

  @with_variable_kinds(("_high", 2), ("_low", -3))
  def test_dims_out_of_range(self, dim, use_resource):
    self._assert_refused(
        ValueError, r"vars_to_clip_dims .*dimension {} .*variable emb:0 of "
        r"shape \(2, 3\).*Use dimensions in \[-2, 2\)".format(dim),
        use_resource, dims=[1, dim])

  @with_variable_kinds()
  def test_dims_of_a_scalar(self, use_resource):
    var = tf.get_variable("emb", [], use_resource=use_resource)
    with self.assertRaisesRegex(
        ValueError, r"dimension 0 .*emb:0 of shape \(\)"):
      tf_contrib_opt.VariableClippingOptimizer(
          tf.train.AdamOptimizer(), {var: [0]}, 1.)

  @with_variable_kinds()
  def test_negative_dim_of_unknown_rank(self, use_resource):
    self._assert_refused(
        ValueError, "vars_to_clip_dims .*dimension -1 .*variable emb:0.*"
        "Count its dimensions from 0", use_resource, dims=[-1], shape=None)

  @with_variable_kinds()
  def test_variable_named_twice(self, use_resource):
    var = tf.get_variable(
        "emb", [4, 3], use_resource=use_resource,
        partitioner=tf.fixed_size_partitioner(2))
    with self.assertRaisesRegex(
        ValueError, "vars_to_clip_dims names variable emb/part_1:0 twice"):
      tf_contrib_opt.VariableClippingOptimizer(
          tf.train.AdamOptimizer(), {var: [1], list(var)[1]: [1]}, 1.)

  @with_variable_kinds(
      ("_none", None), ("_string", "1"), ("_list", [1.]),
      ("_vector", np.ones(1)))
  def test_max_norm_of_a_wrong_type(self, max_norm, use_resource):
    self._assert_refused(TypeError, "max_norm must be a number or a scalar",
                         use_resource, max_norm=max_norm)

  @with_variable_kinds(
      ("_zero", 0), ("_negative", -1.), ("_nan", float("nan")),
      ("_infinite", float("inf")), ("_numpy", np.float32(-1)))
  def test_max_norm_out_of_range(self, max_norm, use_resource):
    self._assert_refused(
        ValueError, "max_norm must be positive and finite.*omit it from "
        "vars_to_clip_dims", use_resource, max_norm=max_norm)

  @with_variable_kinds()
  def test_max_norm_is_no_scalar(self, use_resource):
    self._assert_refused(ValueError, r"max_norm must be a scalar.*\(2,\)",
                         use_resource, max_norm=tf.ones([2]))


if __name__ == "__main__":
  tf.test.main()
