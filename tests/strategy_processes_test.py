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
"""Tests of strategies over several processes.

Each test starts new processes, because these strategies change the global state
of TensorFlow. With MultiWorkerMirroredStrategy, two processes keep equal copies
(D8). There are no ref variables, because strategies create resource variables.
"""

from __future__ import absolute_import, division, print_function

import json
import os
import sys
import tempfile
import unittest

import numpy as np
import portpicker
import tensorflow as tf2
import tensorflow.compat.v1 as tf
import test_util

_NUM_STEPS = 2

# The ids that each worker looks up in a step. No worker looks up row 3 or 5.
_BATCHES = [([0, 4, 4], [1, 4, 2]), ([0, 4, 4], [1]), ([0, 4, 4], [])]
if test_util.VERSION < (2, 2):
  del _BATCHES[1:]  # TensorFlow 2.1 and older do not reduce unequal batches.

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
  # TensorFlow 2.3 and older have the class there alone.
  if not hasattr(distribute, "MultiWorkerMirroredStrategy"):
    distribute = distribute.experimental
  return distribute.MultiWorkerMirroredStrategy()


def train_in_loop(worker):
  """Returns a worker's copies of the variables after steps of each batch."""
  strategy = _create_strategy()
  with strategy.scope():
    variables = _create_variables()
    tf.train.get_or_create_global_step()
  run = test_util.run_in_replicas(strategy)

  def train(ids):
    for var in variables:
      var.assign(np.float32(_ROWS))

    @tf.function
    def step():
      run(lambda: _apply_gradients(variables, tf.constant(ids, tf.int32)))

    for _ in range(_NUM_STEPS):
      step()
    return [strategy.experimental_local_results(var)[0].numpy().tolist()
            for var in variables]

  return [train(batch[worker]) for batch in _BATCHES]


def train_estimator(worker):
  """Does the same as `train_in_loop`, with `train_and_evaluate`."""
  # An Estimator copies the strategy, which fails in eager execution.
  tf.disable_eager_execution()
  strategy = _create_strategy()

  class CopiesHook(tf.train.SessionRunHook):

    def begin(self):
      variables = {var.op.name: var for var in tf.global_variables()}
      self._copies = [variables[name].read_value() for name, _, _ in _VARIABLES]

    def end(self, session):
      self.result = [copy.tolist() for copy in session.run(self._copies)]

  def train(ids):
    hook = CopiesHook()

    def model_fn(features, mode):
      variables = _create_variables()
      loss = tf.reduce_sum(variables[0])
      if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(mode, loss=loss)
      return tf.estimator.EstimatorSpec(
          mode, loss=loss, train_op=_apply_gradients(variables, features),
          training_hooks=[hook])

    def input_fn():
      return tf.data.Dataset.from_tensors(tf.constant(ids, tf.int32)).repeat()

    estimator = tf.estimator.Estimator(
        model_fn, tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"]),
        tf.estimator.RunConfig(train_distribute=strategy))
    tf.estimator.train_and_evaluate(
        estimator, tf.estimator.TrainSpec(input_fn, max_steps=_NUM_STEPS),
        tf.estimator.EvalSpec(input_fn, steps=1))
    return hook.result

  return [train(batch[worker]) for batch in _BATCHES]


def train_sharded(_):
  """Trains variables of two shards on one server, and returns their values.

  Returns:
    A tuple (values, error). `values` has the value of a variable that is the
    key itself, and of a variable whose shards are the keys. On TensorFlow 2.6,
    `values` is empty. `error` is the message for norms that span shards.
  """
  cluster_spec = tf.train.ClusterSpec({
      job: ["localhost:%d" % portpicker.pick_unused_port()]
      for job in ("ps", "worker")})
  _servers.extend(
      tf.distribute.Server(cluster_spec, job) for job in cluster_spec.jobs)
  experimental = tf2.distribute.experimental
  strategy = experimental.ParameterServerStrategy(
      tf2.distribute.cluster_resolver.SimpleClusterResolver(
          cluster_spec, rpc_layer="grpc"),
      experimental.partitioners.FixedShardsPartitioner(2))
  coordinator = experimental.coordinator.ClusterCoordinator(strategy)

  def create_variable():
    with strategy.scope():
      return tf2.Variable(tf.constant(_ROWS, tf.float32))

  def train(var, keys):
    opt = test_util.clip({key: [1] for key in keys})

    @tf.function
    def step():

      def update():
        with tf.GradientTape() as tape:
          loss = tf.reduce_sum(tf2.nn.embedding_lookup(var, [0, 4, 4]))
        opt.apply_gradients(
            zip(tape.gradient(loss, var.variables), var.variables))

      strategy.run(update)

    for _ in range(_NUM_STEPS):
      coordinator.schedule(step)
    coordinator.join()
    return tf.convert_to_tensor(var).numpy().tolist()

  values = []
  # The sharded variables of TensorFlow 2.6 have no update.
  if test_util.VERSION != (2, 6):
    var = create_variable()
    values.append(train(var, [var]))
    var = create_variable()
    values.append(train(var, [shard.ref() for shard in var.variables]))
  try:
    test_util.clip({create_variable(): [0]})
  except ValueError as error:
    return values, str(error)


def run_worker(train, worker, path):
  """Saves what a function returns, in a process of its own."""
  with open(path, "w") as f:
    json.dump(globals()[train](worker), f)


class StrategyProcessesTest(test_util.TestCase):

  def _run(self, train, num_workers):
    """Returns what `train` returns in each of the workers."""
    workers = ["localhost:%d" % portpicker.pick_unused_port()
               for _ in range(num_workers)]
    programs, results = [], []
    for worker in range(num_workers):
      path = os.path.join(self.get_temp_dir(), "%d.json" % worker)
      program = self.start_python(
          "-c", "import strategy_processes_test as m; m.run_worker(*%r)" % (
              (train, worker, path),),
          PYTHONPATH=os.pathsep.join(sys.path),
          TEST_TMPDIR=self.get_temp_dir(), TF_CONFIG=json.dumps({
              "cluster": {"worker": workers},
              "task": {"type": "worker", "index": worker}}))
      programs.append((program, path))
    for program, path in programs:
      self.check_success(program)
      with open(path) as f:
        results.append(json.load(f))
    return results

  def _check_workers(self, train):
    copies, other_copies = self._run(train, num_workers=2)
    self.assertLen(copies, len(_BATCHES))
    self.assertEqual(copies, other_copies)
    for batch, values in zip(_BATCHES, copies):
      looked_up = sum(batch, [])
      for value, (name, is_sparse, dims) in zip(values, _VARIABLES):
        expected = _ROWS.astype(np.float64)
        clips_all = not is_sparse or 0 in dims
        for _ in range(_NUM_STEPS):
          np.add.at(expected, looked_up, 0.1)
          clipped = test_util.clip_by_norm(expected, 1., dims)
          rows = slice(None) if clips_all else looked_up
          expected[rows] = clipped[rows]
        self.assertAllClose(expected, value, msg="%s %s" % (name, batch))
        if not clips_all:
          others = sorted(set(range(len(_ROWS))).difference(looked_up))
          self.assertAllEqual(
              np.float32(_ROWS)[others], np.float32(value)[others])

  @unittest.skipIf(test_util.VERSION < (2, 0),
                   "Only TensorFlow 2 has eager execution with this strategy.")
  def test_loop(self):
    self._check_workers("train_in_loop")

  @test_util.needs_estimator
  def test_estimator(self):
    self._check_workers("train_estimator")

  @unittest.skipUnless(hasattr(tf2.distribute.experimental, "coordinator"),
                       "TensorFlow 2.4 is the first to shard variables.")
  def test_sharded_variables(self):
    (values, error), = self._run("train_sharded", num_workers=1)
    self.assertLen(values, 0 if test_util.VERSION == (2, 6) else 2)
    expected = np.float32(_ROWS)
    expected[[0, 4]] = test_util.clip_by_norm(_ROWS, 1., [1])[[0, 4]]
    for value in values:
      self.assertAllClose(expected, value)
    self.assertRegex(error, r"dimensions \[0\] .*partitions")


if __name__ == "__main__":
  tf.test.main()
