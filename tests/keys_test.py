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
"""A key is found, whatever object of the variable `apply_gradients` gets.

Components of a mirrored variable are in strategy_test.py, and variables of a
Keras mixed-precision layer in keras_test.py.
"""

from __future__ import absolute_import, division, print_function

import tensorflow.compat.v1 as tf
import test_util

clip = test_util.clip
with_variable_kinds = test_util.with_variable_kinds


class KeysTest(test_util.GraphTestCase):

  def _check(self, key, var, is_sparse):
    """Clips `key` by a gradient of `var`, which is another object of it."""
    self.assertIsNot(key, var)
    gradient = tf.zeros([2, 2])
    if is_sparse:
      gradient = tf.IndexedSlices(gradient, tf.constant([0, 0]))
    train_op = clip({key: [1]}).apply_gradients([(gradient, var)])
    self.sess.run(var.initializer)
    self.sess.run(train_op)
    self.assertAllClose(
        [[0.6, 0.8], [6., 8.] if is_sparse else [0.6, 0.8]],
        self.sess.run(var.read_value()))

  @with_variable_kinds(*[
      (kind + suffix, is_sparse, is_copy_the_key)
      for kind, is_sparse in (("_dense", False), ("_sparse", True))
      for suffix, is_copy_the_key in (("_key", True), ("_pair", False))])
  def test_from_proto(self, is_sparse, is_copy_the_key, use_resource):
    var = test_util.get_variable([[3., 4.], [6., 8.]], use_resource)
    pair = var, type(var).from_proto(var.to_proto())
    if is_copy_the_key:
      pair = reversed(pair)
    self._check(*pair, is_sparse=is_sparse)

  @with_variable_kinds(("_dense", False), ("_sparse", True))
  def test_meta_graph(self, is_sparse, use_resource):
    """Each collection of an imported MetaGraph has objects of its own."""
    test_util.get_variable([[3., 4.], [6., 8.]], use_resource)
    meta_graph = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as self.sess:
      tf.train.import_meta_graph(meta_graph)
      key, = tf.global_variables()
      var, = tf.trainable_variables()
      if key is var:  # Of some versions, they share one.
        var = type(var).from_proto(var.to_proto())
      self._check(key, var, is_sparse)


if __name__ == "__main__":
  tf.test.main()
