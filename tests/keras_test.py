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
"""Keras 2: `compile` and mixed precision work with the optimizer."""

from __future__ import absolute_import, division, print_function

import unittest

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import test_util

v1 = tf.compat.v1
v1.enable_eager_execution()

_ROWS = np.float32([[3., 4.], [0.3, 0.4], [6., 8.], [5., 12.]])


_needs_mixed_precision = unittest.skipIf(
    test_util.VERSION < (1, 15), "TensorFlow 1.14 has no mixed precision.")


@unittest.skipIf(getattr(tf.keras, "__version__", "2").startswith("3"),
                 "Keras 3 accepts only its own optimizers.")
class KerasTest(test_util.TestCase):

  def test_fit(self):
    """Trains and clips the rows that were looked up, and no others."""
    embedding = tf.keras.layers.Embedding(4, 2)
    pooling = tf.keras.layers.GlobalAveragePooling1D()
    model = tf.keras.Sequential([embedding, pooling])
    embedding.set_weights([_ROWS])
    var = embedding.embeddings
    opt = test_util.clip([(var, [1])], opt=v1.train.AdagradOptimizer(0.01))
    model.compile(opt, loss="mse")
    model.fit(np.array([[0, 2, 0], [1, 0, 2]]), np.full([2, 2], 9.), epochs=3,
              verbose=0)
    rows, = embedding.get_weights()
    self.assertAllClose([1., 1.], np.linalg.norm(rows[[0, 2]], axis=1))
    self.assertAllInRange(np.linalg.norm(rows[1]), 0.51, 0.6)
    self.assertAllEqual(_ROWS[3], rows[3])

  def test_fit_in_graph(self):
    with tf.Graph().as_default():
      self.test_fit()

  def _create_layer(self):
    """Returns a layer that computes in float16, with float32 variables."""
    mixed_precision = tf.keras.mixed_precision
    if hasattr(mixed_precision, "Policy"):
      policy = mixed_precision.Policy("mixed_float16")
    else:  # TensorFlow 2.3 and older have no other class.
      policy = mixed_precision.experimental.Policy(
          "mixed_float16", loss_scale=None)
    layer = tf.keras.layers.Dense(2, use_bias=False, dtype=policy)
    layer.build([None, 4])
    return layer

  @parameterized.named_parameters(
      ("_of_layer", lambda layer, _: layer.trainable_variables),
      ("_of_tape", lambda _, tape: tape.watched_variables()))
  @_needs_mixed_precision
  def test_mixed_precision(self, variables):
    """A layer wraps its variables, but a tape may watch the variables inside.

    The optimizer must clip the kernel in both cases.
    """
    layer = self._create_layer()
    layer.set_weights([_ROWS])
    opt = test_util.clip([(layer.kernel, [0])])
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(layer(np.ones([1, 4], np.float32)))
    variables = variables(layer, tape)
    opt.apply_gradients(zip(tape.gradient(loss, variables), variables))
    kernel, = layer.get_weights()
    self.assertAllClose(test_util.clip_by_norm(_ROWS, 1., [0]), kernel)

  @parameterized.named_parameters(
      ("_of_layer", lambda layer: layer.trainable_variables),
      ("_of_collection", lambda _: v1.trainable_variables()))
  @_needs_mixed_precision
  def test_mixed_precision_in_graph(self, variables):
    with tf.Graph().as_default(), v1.Session() as sess:
      layer = self._create_layer()
      loss = tf.reduce_sum(layer(tf.ones([1, 4])))
      variables = variables(layer)
      train_op = test_util.clip([(layer.kernel, [0])]).minimize(
          loss, var_list=variables)
      sess.run(v1.global_variables_initializer())
      sess.run(variables[0].assign(_ROWS))
      sess.run(train_op)
      self.assertAllClose(test_util.clip_by_norm(_ROWS, 1., [0]),
                          sess.run(variables[0]))


if __name__ == "__main__":
  tf.test.main()
