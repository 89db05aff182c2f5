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
"""Trains one step, like a program in a workspace that uses the library."""

import os

import numpy as np
import tensorflow.compat.v1 as tf
import tf_contrib_opt

# This must be the library in Bazel's runfiles. A copy that pip installed would
# hide a mistake in the BUILD files.
assert tf_contrib_opt.__file__.startswith(os.environ["TEST_SRCDIR"])

with tf.Graph().as_default(), tf.Session() as sess:
  embeddings = tf.get_variable("embeddings", initializer=[[4., 5.], [0., 0.]])
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.train.GradientDescentOptimizer(1.), {embeddings: [1]}, max_norm=1.)
  train_op = opt.minimize(tf.reduce_sum(tf.gather(embeddings, [0])))
  sess.run(tf.global_variables_initializer())
  sess.run(train_op)
  # [4, 5] is updated to [3, 4], whose norm is 5.
  np.testing.assert_allclose(
      sess.run(embeddings), [[0.6, 0.8], [0., 0.]], rtol=1e-6)
