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
"""The genuine optimizer, side by side, where TensorFlow still has it."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import itertools
import unittest

import graph_test_case
import numpy as np
import tensorflow.compat.v1 as tf
import tf_contrib_opt

try:
  from tensorflow.contrib import opt as contrib_opt  # pylint: disable=g-import-not-at-top
except ImportError:
  contrib_opt = None

with_variable_kinds = graph_test_case.with_variable_kinds

_DTYPES = (tf.float16, tf.float32, tf.float64)


@unittest.skipIf(contrib_opt is None, "tf.contrib ended with TensorFlow 1.15.")
class ContribTest(graph_test_case.GraphTestCase):

  def _train(self, module, grad, dims, dtype, use_resource, chained, name,
             **kwargs):
    """Returns the GraphDef and what three steps make of a 3x4 variable."""
    with tf.Graph().as_default() as graph, tf.Session() as sess:
      rng = np.random.RandomState(0)
      var = tf.get_variable(
          "scope/var",
          initializer=tf.constant(rng.randn(3, 4), dtype),
          use_resource=use_resource)
      if grad == "dense":
        loss = tf.reduce_sum(tf.square(var))
      else:
        loss = tf.reduce_sum(tf.nn.embedding_lookup(var, [2, 0]))
      opt = tf.train.AdamOptimizer(0.1)
      if chained:
        opt = module.VariableClippingOptimizer(opt, {var: [1]}, 2)
      opt = module.VariableClippingOptimizer(opt, {var: dims}, 0.7, **kwargs)
      global_step = tf.train.get_or_create_global_step()
      train_op = opt.minimize(loss, global_step=global_step, name=name)
      graph_def = graph.as_graph_def()
      sess.run(tf.global_variables_initializer())
      for _ in range(3):
        sess.run(train_op)
      return graph_def, sess.run(var)

  def _train_both(self, *args, **kwargs):
    return zip(*[self._train(module, *args, **kwargs)
                 for module in (contrib_opt, tf_contrib_opt)])

  @with_variable_kinds(
      ("_columns", "dense", [0]), ("_rows", "dense", [1]),
      ("_elements", "dense", []), ("_matrix", "dense", [1, 0]),
      ("_sparse_columns", "sparse", [0]), ("_sparse_matrix", "sparse", [0, 1]))
  def test_dense_path(self, grad, dims, use_resource):
    """Equal node for node, attribute for attribute, and bit for bit."""
    for dtype, use_locking, colocate, name in itertools.product(
        _DTYPES, (False, True), (False, True), (None, "train")):
      graph_defs, values = self._train_both(
          grad, dims, dtype, use_resource,
          chained=grad == "dense",
          name=name,
          use_locking=use_locking,
          colocate_clip_ops_with_vars=colocate)
      self.assertEqual(*graph_defs)
      self.assertAllEqual(*values)

  @with_variable_kinds()
  def test_sparse_path(self, use_resource):
    """Equal outside the clip scope, and in value within 2 ulp of max_norm."""
    for dtype in _DTYPES:
      graph_defs, values = self._train_both(
          "sparse", [1], dtype, use_resource, chained=False, name=None)
      for graph_def in graph_defs:
        outside = [node for node in graph_def.node if not node.name.startswith(
            "VariableClipping/clip_scope/var/")]
        del graph_def.node[:]
        graph_def.node.extend(outside)
        train_op = graph_def.node[-1]
        self.assertEqual("VariableClipping", train_op.name)
        self.assertStartsWith(
            train_op.input.pop(), "^VariableClipping/clip_scope/var/")
      self.assertEqual(*graph_defs)
      ulp = np.spacing(dtype.as_numpy_dtype(0.7))
      self.assertAllClose(*values, rtol=0, atol=2 * ulp)


if __name__ == "__main__":
  tf.test.main()
