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
"""What tests of the optimizer share."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import itertools

from absl.testing import parameterized
import numpy as np
import tensorflow.compat.v1 as tf

INNER_OPTIMIZERS = (
    ("_adadelta", lambda: tf.train.AdadeltaOptimizer(5.)),
    ("_adagrad", lambda: tf.train.AdagradOptimizer(0.5)),
    ("_adam", lambda: tf.train.AdamOptimizer(0.5)),
    ("_ftrl", lambda: tf.train.FtrlOptimizer(0.5)),
    ("_gradient_descent", lambda: tf.train.GradientDescentOptimizer(0.5)),
    ("_momentum", lambda: tf.train.MomentumOptimizer(0.5, 0.9)),
    ("_proximal_adagrad", lambda: tf.train.ProximalAdagradOptimizer(0.5)),
    ("_proximal_gradient_descent",
     lambda: tf.train.ProximalGradientDescentOptimizer(0.5)),
    ("_rms_prop", lambda: tf.train.RMSPropOptimizer(0.5)),
)


def with_variable_kinds(*cases):
  """Parameterizes a test by its cases, each with ref and resource variables.

  Args:
    *cases: Tuples of a name and the arguments that precede `use_resource`.

  Returns:
    A decorator of test methods whose last argument is `use_resource`.
  """
  kinds = [("_ref", False), ("_resource", True)]
  return parameterized.named_parameters(
      (case[0] + suffix,) + case[1:] + (use_resource,)
      for case, (suffix, use_resource) in itertools.product(
          cases or [("",)], kinds))


def clip_by_norm(value, max_norm, dims):
  """Returns `value` in float64 with norms along `dims` of up to `max_norm`."""
  value = np.asarray(value, np.float64)
  norm = np.sqrt(np.sum(np.square(value), axis=tuple(dims), keepdims=True))
  return value * max_norm / np.maximum(norm, max_norm)


class TestCase(tf.test.TestCase, parameterized.TestCase):

  test_session = None  # A deprecated method, which unittest takes for a test.


class GraphTestCase(TestCase):
  """Runs each test in a graph and a session of its own."""

  def setUp(self):
    super(GraphTestCase, self).setUp()
    graph = tf.Graph().as_default()
    graph.__enter__()
    self.addCleanup(graph.__exit__, None, None, None)
    self.sess = tf.Session()
    self.addCleanup(self.sess.close)

  def initialize(self):
    self.sess.run(tf.global_variables_initializer())

  def train(self, train_op, steps=1):
    """Initializes all variables and runs `train_op`."""
    self.initialize()
    for _ in range(steps):
      self.sess.run(train_op)
