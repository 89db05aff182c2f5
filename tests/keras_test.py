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
"""`compile` of a Keras 2 model takes the optimizer."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import unittest

import numpy as np
import tensorflow as tf
import test_util

v1 = tf.compat.v1
v1.enable_eager_execution()

_ROWS = np.float32([[3., 4.], [0.3, 0.4], [6., 8.], [5., 12.]])


@unittest.skipIf(getattr(tf.keras, "__version__", "2").startswith("3"),
                 "Keras 3 refuses it: see test_common_errors in docs_test.py.")
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


if __name__ == "__main__":
  tf.test.main()
