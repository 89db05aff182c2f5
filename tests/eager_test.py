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
"""Eager execution and tf.function (D13)."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import os

from absl.testing import parameterized
import graph_test_case
import numpy as np
import tensorflow as tf
import tf_contrib_opt

tf.compat.v1.enable_eager_execution()


def _key(var):
  """Returns what stands for a variable in a dict: TF 1.14 hashes it as such."""
  for ref in ("ref", "experimental_ref"):
    if hasattr(var, ref):
      return getattr(var, ref)()
  return var


class EagerTest(graph_test_case.TestCase):

  def _clip(self, opt, vars_and_clip_dims, max_norm=1.):
    return tf_contrib_opt.VariableClippingOptimizer(
        opt, {_key(var): dims for var, dims in vars_and_clip_dims}, max_norm)

  @parameterized.named_parameters(
      ("", lambda step: step), ("_in_function", tf.function))
  def test_step(self, decorate):
    """Three steps of dense and sparse gradients, and of none."""
    rows = [[3., 4.], [0.3, 0.4], [6., 8.]]
    dense, sparse, unused = [tf.Variable(rows) for _ in range(3)]
    global_step = tf.Variable(0, dtype=tf.int64)
    opt = self._clip(
        tf.compat.v1.train.MomentumOptimizer(0., 0.9),
        [(dense, [1]), (sparse, [1]), (unused, [1])])

    @decorate
    def step():
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(dense) + tf.reduce_sum(
            tf.nn.embedding_lookup(sparse, [0, 1, 0]))
      variables = [dense, sparse, unused]
      gradients = tape.gradient(loss, variables)
      opt.apply_gradients(zip(gradients, variables), global_step)

    for _ in range(3):
      step()
    self.assertAllClose([[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]],
                        dense.numpy())
    self.assertAllClose([[0.6, 0.8], [0.3, 0.4], [6., 8.]],
                        sparse.numpy())
    self.assertAllEqual(np.float32(rows), unused.numpy())
    self.assertEqual(3, global_step.numpy())

  def test_minimize(self):
    var = tf.Variable([3., 4.])
    opt = self._clip(tf.compat.v1.train.AdamOptimizer(0.1), [(var, [0])])
    opt.minimize(lambda: tf.reduce_sum(var), var_list=[var])
    self.assertAllClose(1., tf.norm(var))
    self.assertLen(opt.variables(), 4)

  def test_checkpoint(self):
    """Restores what Adam had, before Adam has created it (D9)."""

    def build():
      var = tf.Variable([3., 4.])
      opt = self._clip(tf.compat.v1.train.AdamOptimizer(0.1), [(var, [0])])
      return tf.train.Checkpoint(var=var, optimizer=opt)

    def state(checkpoint):
      return [v.numpy() for v in checkpoint.optimizer.variables()]

    def step(checkpoint):
      var = checkpoint.var
      checkpoint.optimizer.minimize(
          lambda: tf.reduce_sum(var * [1., 2.]), var_list=[var])

    saved, restored = build(), build()
    for _ in range(3):
      step(saved)
    path = saved.save(os.path.join(self.get_temp_dir(), "ckpt"))
    status = restored.restore(path)
    step(saved)
    step(restored)
    status.assert_consumed()
    self.assertAllEqual(saved.var.numpy(), restored.var.numpy())
    self.assertLen(state(restored), 4)
    for want, got in zip(state(saved), state(restored)):
      self.assertAllEqual(want, got)


if __name__ == "__main__":
  tf.test.main()
