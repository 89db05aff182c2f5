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
"""Tests of strategies that change their process. Each gets a new process.

Under MultiWorkerMirroredStrategy, two processes keep equal copies (D8). There
are no ref variables, because strategies create resource variables.
"""

from __future__ import absolute_import, division, print_function

import json
import os
import sys
import unittest

from absl.testing import parameterized
import numpy as np
import portpicker
import tensorflow as tf2
import tensorflow.compat.v1 as tf
import test_util

_NUM_STEPS = 2

# The ids that each worker looks up in a step. Nobody looks up rows 3 and 5.
_with_batches = parameterized.named_parameters(
    ("_equal", [[0, 4, 4], [1, 4, 2]]),
    ("_unequal", [[0, 4, 4], [1]]),
    ("_empty", [[0, 4, 4], []]))

_ROWS = np.float32([[5., 10., 0.3, 13., 15., 17.]]).T * [0.6, 0.8]

_servers = []  # A server stops when nothing refers to it.

# Name, whether the gradient is sparse, and clip dimensions of each variable.
_VARIABLES = [
    ("rows", True, [1]),
    ("elements", True, []),
    ("columns", True, [0]),
    ("dense", False, [1]),
]


def _create_variables():
  return [test_util.get_variable(_ROWS, True, name=name)
          for name, _, _ in _VARIABLES]


def _apply_gradients(variables, ids):
  """Each replica adds 0.1 to the rows that it looks up. Clips to norm 1."""
  dense_shape = tf.constant(_ROWS.shape)
  gradient = tf.IndexedSlices(-tf.ones([tf.size(ids), 2]), ids, dense_shape)
  vars_and_dims, grads_and_vars = [], []
  for var, (_, is_sparse, dims) in zip(variables, _VARIABLES):
    vars_and_dims.append((var, dims))
    grads_and_vars.append(
        (gradient if is_sparse else tf.convert_to_tensor(gradient), var))
  opt = test_util.clip(
      vars_and_dims, opt=tf.train.GradientDescentOptimizer(0.1))
  return opt.apply_gradients(
      grads_and_vars, tf.train.get_or_create_global_step())


def _create_strategy():
  distribute = tf2.distribute
  if not hasattr(distribute, "MultiWorkerMirroredStrategy"):  # Until 2.3.
    distribute = distribute.experimental
  return distribute.MultiWorkerMirroredStrategy()


def train_in_loop(ids):
  """Returns a worker's copies of the variables after some steps."""
  strategy = _create_strategy()
  with strategy.scope():
    variables = _create_variables()
    tf.train.get_or_create_global_step()
  run = test_util.run_in_replicas(strategy)

  @tf.function
  def step():
    run(lambda: _apply_gradients(variables, tf.constant(ids, tf.int32)))

  for _ in range(_NUM_STEPS):
    step()
  return [strategy.experimental_local_results(var)[0].numpy()
          for var in variables]


def train_estimator(ids):
  """Does the same as `train_in_loop`, with `train_and_evaluate`."""
  tf.disable_eager_execution()  # An Estimator copies the strategy.
  copies = []

  class CopiesHook(tf.train.SessionRunHook):

    def begin(self):
      variables = {var.op.name: var for var in tf.global_variables()}
      self._copies = [variables[name].read_value() for name, _, _ in _VARIABLES]

    def end(self, session):
      copies[:] = session.run(self._copies)

  def model_fn(features, mode):
    variables = _create_variables()
    loss = tf.reduce_sum(variables[0])
    if mode == tf.estimator.ModeKeys.EVAL:
      return tf.estimator.EstimatorSpec(mode, loss=loss)
    return tf.estimator.EstimatorSpec(
        mode, loss=loss, train_op=_apply_gradients(variables, features),
        training_hooks=[CopiesHook()])

  def input_fn():
    return tf.data.Dataset.from_tensors(tf.constant(ids, tf.int32)).repeat()

  estimator = tf.estimator.Estimator(
      model_fn, os.path.join(os.environ["TEST_TMPDIR"], "model"),
      tf.estimator.RunConfig(train_distribute=_create_strategy()))
  tf.estimator.train_and_evaluate(
      estimator, tf.estimator.TrainSpec(input_fn, max_steps=_NUM_STEPS),
      tf.estimator.EvalSpec(input_fn, steps=1))
  return copies


def _create_sharded_variable():
  """Returns a strategy with one server, and a variable of two shards."""
  cluster_spec = tf.train.ClusterSpec({
      job: ["localhost:%d" % portpicker.pick_unused_port()]
      for job in ("ps", "worker")})
  for job in cluster_spec.jobs:
    _servers.append(tf.distribute.Server(cluster_spec, job))
  experimental = tf2.distribute.experimental
  strategy = experimental.ParameterServerStrategy(
      tf2.distribute.cluster_resolver.SimpleClusterResolver(
          cluster_spec, rpc_layer="grpc"),
      experimental.partitioners.FixedShardsPartitioner(2))
  with strategy.scope():
    return strategy, tf2.Variable(tf.constant(_ROWS, tf.float32))


def train_sharded(shards_are_keys):
  """Returns a sharded variable after steps that a coordinator scheduled."""
  strategy, var = _create_sharded_variable()
  keys = [v.ref() for v in var.variables] if shards_are_keys else [var]
  opt = test_util.clip({key: [1] for key in keys})

  @tf.function
  def step():

    def update():
      with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf2.nn.embedding_lookup(var, [0, 4, 4]))
      opt.apply_gradients(
          zip(tape.gradient(loss, var.variables), var.variables))

    strategy.run(update)

  coordinator = tf2.distribute.experimental.coordinator.ClusterCoordinator(
      strategy)
  for _ in range(_NUM_STEPS):
    coordinator.schedule(step)
  coordinator.join()
  return tf.convert_to_tensor(var).numpy()


def refuse_sharded():
  """Returns the error for norms that would span shards."""
  _, var = _create_sharded_variable()
  try:
    test_util.clip({var: [0]})
  except ValueError as error:
    return str(error)


def work(index, train, *args):
  """Runs one worker, in a process of its own."""
  np.save(os.path.join(os.environ["TEST_TMPDIR"], "%d.npy" % index),
          globals()[train](*args))


class TestCase(test_util.TestCase):

  def _start(self, index, train, *args, **env):
    return self.start_python(
        "-c", "import strategy_processes_test as m; m.work(*%r)" % (
            (index, train) + args,),
        PYTHONPATH=os.pathsep.join(sys.path), TEST_TMPDIR=self.get_temp_dir(),
        **env)

  def _results(self, *programs):
    """Returns what each program has saved."""
    for program in programs:
      self.check_success(program)
    return [np.load(os.path.join(self.get_temp_dir(), "%d.npy" % index))
            for index in range(len(programs))]


class MultiWorkerTest(TestCase):

  def _train(self, train, ids):
    """Returns the variables of each worker after `train` with its `ids`."""
    workers = ["localhost:%d" % portpicker.pick_unused_port() for _ in ids]
    return self._results(*[
        self._start(index, train, ids[index], TF_CONFIG=json.dumps({
            "cluster": {"worker": workers},
            "task": {"type": "worker", "index": index}}))
        for index in range(len(ids))])

  def _check(self, train, ids):
    if len(set(map(len, ids))) > 1 and test_util.VERSION < (2, 2):
      self.skipTest("Before 2.2, TensorFlow does not reduce unequal batches.")
    copies, other_copies = self._train(train, ids)
    self.assertEqual(copies.tobytes(), other_copies.tobytes())

    looked_up = sum(ids, [])
    for copy, (name, is_sparse, dims) in zip(copies, _VARIABLES):
      expected = _ROWS.astype(np.float64)
      clips_all = not is_sparse or 0 in dims
      for _ in range(_NUM_STEPS):
        np.add.at(expected, looked_up, 0.1)
        clipped = test_util.clip_by_norm(expected, 1., dims)
        rows = slice(None) if clips_all else looked_up
        expected[rows] = clipped[rows]
      self.assertAllClose(expected, copy, msg=name)
      if not clips_all:
        others = sorted(set(range(len(_ROWS))).difference(looked_up))
        self.assertAllEqual(np.float32(_ROWS)[others], copy[others])

  @unittest.skipIf(test_util.VERSION < (2, 0),
                   "Eager execution is TensorFlow 2's.")
  @_with_batches
  def test_loop(self, ids):
    self._check("train_in_loop", ids)

  @test_util.needs_estimator
  @_with_batches
  def test_estimator(self, ids):
    self._check("train_estimator", ids)


@unittest.skipUnless(hasattr(tf2.distribute.experimental, "coordinator"),
                     "TensorFlow 2.4 is the first to shard variables.")
class ParameterServerStrategyTest(TestCase):

  @unittest.skipIf(test_util.VERSION == (2, 6),
                   "In 2.6, a sharded variable has no scatter_update.")
  @parameterized.named_parameters(
      ("_sharded_variable", False), ("_shards", True))
  def test_train(self, shards_are_keys):
    value, = self._results(self._start(0, "train_sharded", shards_are_keys))
    expected = np.float32(_ROWS)
    expected[[0, 4]] = test_util.clip_by_norm(_ROWS, 1., [1])[[0, 4]]
    self.assertAllClose(expected, value)

  def test_norms_across_shards(self):
    error, = self._results(self._start(0, "refuse_sharded"))
    self.assertRegex(str(error), r"dimensions \[0\] .*whose partitions")


if __name__ == "__main__":
  tf.test.main()
