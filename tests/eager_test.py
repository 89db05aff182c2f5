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

from __future__ import absolute_import, division, print_function

import copy
import functools
import gc
import itertools
import os
import traceback
import unittest
import weakref

from absl import logging
from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import test_util

clip = test_util.clip

tf.compat.v1.enable_eager_execution()


class EagerTest(test_util.TestCase):

  @parameterized.named_parameters(
      ("", lambda step: step), ("_in_function", tf.function))
  def test_dense_sparse_and_no_gradient(self, decorate):
    """Trains three steps with a dense gradient, a sparse one and none."""
    rows = [[3., 4.], [0.3, 0.4], [6., 8.]]
    dense, sparse, unused = [tf.Variable(rows) for _ in range(3)]
    global_step = tf.Variable(0, dtype=tf.int64)
    opt = clip([(dense, [1]), (sparse, [1]), (unused, [1])],
               opt=tf.compat.v1.train.MomentumOptimizer(0., 0.9))

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

  def test_minimize_of_a_function(self):
    var = tf.Variable([3., 4.])
    opt = clip([(var, [0])], opt=tf.compat.v1.train.AdamOptimizer(0.1))
    opt.minimize(lambda: tf.reduce_sum(var), var_list=[var])
    self.assertAllClose(1., tf.norm(var))
    self.assertLen(opt.variables(), 4)

  @parameterized.named_parameters(*[
      ("_".join(["", strategy[0], kind[0], aggregation.name, mode[0]]),
       strategy[1], kind[1], aggregation, mode[1])
      for strategy, kind, aggregation, mode in itertools.product(
          [("mirrored", lambda: tf.distribute.MirroredStrategy(["/cpu:0"])),
           ("central_storage",
            lambda: tf.distribute.experimental.CentralStorageStrategy(
                ["/cpu:0"], "/cpu:0")),
           ("one_device", lambda: tf.distribute.OneDeviceStrategy("/cpu:0"))],
          [("sparse", True), ("dense", False)],
          [tf.VariableAggregation.NONE, tf.VariableAggregation.MEAN],
          [("eager", lambda step: step), ("function", tf.function)])])
  def test_strategy_of_one_device(self, create_strategy, is_sparse, aggregation,
                                  decorate):
    strategy = create_strategy()
    rows = [[3., 4.], [6., 8.]]
    with strategy.scope():
      var = tf.Variable(rows, aggregation=aggregation)
    opt = clip([(var, [1])])

    def step():
      gradient = tf.zeros([2, 2])
      if is_sparse:
        gradient = tf.IndexedSlices(
            gradient, tf.constant([1, 1]), tf.constant([2, 2]))
      opt.apply_gradients([(gradient, var)])

    run = decorate(test_util.run_in_replicas(strategy))
    for _ in range(2):
      run(step)
    self.assertAllClose([rows[0] if is_sparse else [0.6, 0.8], [0.6, 0.8]],
                        var.numpy())

  @unittest.skipUnless((2, 1) <= test_util.VERSION < (2, 23),
                       "TensorFlow refuses such a name.")
  def test_variable_name_that_is_not_a_scope(self):
    var = tf.Variable([[3., 4.]], name="user=embeddings")
    opt = clip([(var, [1])])

    @tf.function
    def step():
      opt.apply_gradients([(tf.zeros([1, 2]), var)])

    step()
    self.assertAllClose([[0.6, 0.8]], var.numpy())

  @unittest.skipIf(test_util.VERSION < (2, 5), "It has no jit_compile.")
  @parameterized.product(
      ({"shape": (50, 4), "num_ids": 16},
       {"shape": (3000, 32), "num_ids": 900}),
      create=(tf.compat.v1.train.GradientDescentOptimizer,
              tf.compat.v1.train.AdamOptimizer),
      strategy=(None, "/cpu:0"))
  def test_compiled_sparse_step(self, shape, num_ids, create, strategy):
    """Before TensorFlow 2.22, XLA refuses a step that it would get wrong."""
    strategy = (tf.distribute.OneDeviceStrategy(strategy) if strategy
                else tf.distribute.get_strategy())
    rng = np.random.RandomState(0)
    rows = rng.randn(*shape) / np.sqrt(shape[1])
    variables, steps = zip(*[
        self._build_sparse_step(rows, create(0.1), strategy, jit_compile)
        for jit_compile in (False, True)])
    for _ in range(10):
      ids = tf.constant(rng.zipf(1.5, num_ids) % shape[0])
      steps[0](ids)
      if test_util.VERSION < (2, 22):
        with self.assertRaisesRegex(
            tf.errors.OpError, "EuclideanNorm|Unique"):
          steps[1](ids)
        break
      steps[1](ids)
      uncompiled, compiled = [var.numpy() for var in variables]
      self.assertAllInRange(
          np.linalg.norm(compiled[ids.numpy()], axis=1), 0., 1.00001)
      self.assertAllClose(uncompiled, compiled, rtol=1e-4, atol=1e-4)

  def _build_sparse_step(self, rows, opt, strategy, jit_compile):
    with strategy.scope():
      var = tf.Variable(rows, dtype=tf.float32)
    opt = clip([(var, [1])], opt=opt)

    def step(ids):
      with tf.GradientTape() as tape:
        loss = -tf.reduce_sum(tf.square(tf.gather(var, ids)))
      opt.apply_gradients([(tape.gradient(loss, var), var)])

    @functools.partial(tf.function, jit_compile=jit_compile)
    def run(ids):
      strategy.run(step, args=(ids,))

    return var, run

  def test_deep_copy_clips_its_own_variable(self):
    """A copy of a model and its optimizer clips the copy of the variable."""
    var = tf.Variable([[3., 4.]])
    opt = clip([(var, [1])])
    var_copy, opt_copy = copy.deepcopy((var, opt))
    opt_copy.apply_gradients([(tf.zeros([1, 2]), var_copy)])
    self.assertAllClose([[0.6, 0.8]], var_copy.numpy())
    self.assertAllEqual([[3., 4.]], var.numpy())

  def test_keeps_variables_alive(self):
    """If a key were freed, a new variable could get its id."""
    var = tf.Variable([3., 4.])
    opt = clip([(var, [0])], opt=tf.compat.v1.train.AdamOptimizer())
    ref = weakref.ref(var)
    del var
    gc.collect()
    self.assertIsNotNone(ref())
    del opt
    gc.collect()
    self.assertIsNone(ref())

  def test_leaves_collections_alone(self):
    var = tf.Variable([3., 4.])
    opt = clip([(var, [0])], opt=tf.compat.v1.train.AdamOptimizer())
    opt.minimize(lambda: tf.reduce_sum(var), var_list=[var])
    self.assertEmpty(
        tf.compat.v1.get_collection(tf.compat.v1.GraphKeys.TRAIN_OP))

  @parameterized.parameters([[0.]], [[np.nan]], [[1., -1.]])
  def test_constant_bound_out_of_range(self, bounds):
    var = tf.Variable([3., 4.])
    for max_norm in (tf.constant(bounds), [tf.constant(b) for b in bounds]):
      with self.assertRaisesRegex(ValueError, "positive and finite"):
        clip([(var, [0])], max_norm)

  @unittest.skipIf(test_util.VERSION < (1, 15), "It has no do_not_convert.")
  def test_autograph_leaves_the_library_alone(self):
    """A conversion would take seconds in the first trace."""
    var = tf.Variable([[3., 4.]])
    callers = []

    class Inner(tf.compat.v1.train.GradientDescentOptimizer):

      def apply_gradients(self, *args, **kwargs):
        callers.extend(frame[2] for frame in traceback.extract_stack())
        return super(Inner, self).apply_gradients(*args, **kwargs)

    opt = clip([(var, [1])], opt=Inner(0.))

    @tf.function
    def step():
      opt.apply_gradients([(tf.zeros([1, 2]), var)])

    step()
    self.assertIn("tf__step", callers)
    self.assertNotIn("tf__apply_gradients", callers)

  def test_warning_reads_no_variable(self):
    """The names of variables are needed only if a warning is new."""
    var, trained = [tf.Variable([3., 4.]) for _ in range(2)]
    opt = clip([(var, [0])])
    with tf.compat.v1.test.mock.patch.object(
        type(var), "__str__", side_effect=AssertionError) as to_string:
      for _ in range(2):
        opt.apply_gradients([(tf.zeros([2]), trained)])
    to_string.assert_not_called()

  def test_warns_once(self):
    """Warns if a sparse gradient clips all rows, and if a call has no key."""
    var, trained = tf.Variable([[3., 4.]]), tf.Variable([[3., 4.]])
    opt = clip([(var, [0])])
    gradient = tf.IndexedSlices(
        tf.zeros([1, 2]), tf.constant([0]), tf.constant([1, 2]))
    with tf.compat.v1.test.mock.patch.object(logging, "warning") as warning:
      for _ in range(3):
        opt.apply_gradients([(gradient, var)])
      self.assertEqual(1, warning.call_count)
      for _ in range(3):  # A new model, which the optimizer does not know.
        opt.apply_gradients([(gradient, trained)])
    self.assertEqual(2, warning.call_count)

  @parameterized.named_parameters(
      ("", lambda step: step), ("_in_function", tf.function))
  def test_d15_variable_in_several_pairs(self, decorate):
    dense, sparse = [tf.Variable([[3., 4.], [6., 8.]]) for _ in range(2)]
    opt = clip([(dense, [1]), (sparse, [1])])
    rows = tf.IndexedSlices(
        tf.zeros([1, 2]), tf.constant([1]), tf.constant([2, 2]))

    @decorate
    def step():
      opt.apply_gradients([(rows, sparse), (rows, dense),
                           (tf.zeros([2, 2]), dense), (rows, sparse)])

    step()
    self.assertAllClose([[0.6, 0.8], [0.6, 0.8]], dense.numpy())
    self.assertAllClose([[3., 4.], [0.6, 0.8]], sparse.numpy())

  @parameterized.named_parameters(
      ("_max_norm", [1], np.ones([2, 1]), ValueError),
      ("_dims", [2], 1., ValueError))
  def test_refuses_before_the_update(self, dims, max_norm, error):
    var, global_step = tf.Variable([[3., 4.], [6., 8.]]), tf.Variable(0)
    opt = clip([(var, dims)], max_norm,
               tf.compat.v1.train.GradientDescentOptimizer(0.1))
    gradient = tf.IndexedSlices(
        tf.ones([1, 2]), tf.constant([0]), tf.constant([2, 2]))
    with self.assertRaises(error):
      opt.apply_gradients([(gradient, var)], global_step)
    self.assertAllEqual([[3., 4.], [6., 8.]], var.numpy())
    self.assertEqual(0, global_step.numpy())

  def test_d9_checkpoint(self):
    """Variables that Adam creates after the restore get the saved values."""

    def build():
      var = tf.Variable([3., 4.])
      opt = clip([(var, [0])], opt=tf.compat.v1.train.AdamOptimizer(0.1))
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
