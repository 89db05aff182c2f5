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
"""Distribution strategies (D8): copies of a variable stay equal and clipped."""

from __future__ import absolute_import, division, print_function

import itertools
import unittest

from absl.testing import parameterized
import numpy as np
import tensorflow as tf2
import tensorflow.compat.v1 as tf
import test_util

clip = test_util.clip

_CPUS = ["/cpu:0", "/cpu:1"]

tf.config.experimental.set_virtual_device_configuration(
    tf.config.experimental.list_physical_devices("CPU")[0],
    [tf.config.experimental.VirtualDeviceConfiguration() for _ in _CPUS])

_STRATEGIES = (
    ("_mirrored_one", lambda: tf.distribute.MirroredStrategy(_CPUS[:1])),
    ("_central_storage_one",
     lambda: tf.distribute.experimental.CentralStorageStrategy(
         _CPUS[:1], "/cpu:0")),
    ("_mirrored", lambda: tf.distribute.MirroredStrategy(_CPUS)),
    ("_central_storage",
     lambda: tf.distribute.experimental.CentralStorageStrategy(
         _CPUS, "/cpu:0")),
    ("_one_device", lambda: tf.distribute.OneDeviceStrategy("/cpu:1")),
    ("_parameter_server", tf.distribute.experimental.ParameterServerStrategy),
    ("_default", tf.distribute.get_strategy),
)

_AGGREGATIONS = (
    ("_none", tf.VariableAggregation.NONE),
    ("_mean", tf.VariableAggregation.MEAN),
    ("_sum", tf.VariableAggregation.SUM),
    ("_first", tf.VariableAggregation.ONLY_FIRST_REPLICA),
)

_CASES = [
    (strategy[0] + aggregation[0], strategy[1], aggregation[1])
    for strategy, aggregation in itertools.product(_STRATEGIES, _AGGREGATIONS)
]

_ROWS = np.float32([[3., 4.], [6., 8.], [0., 0.3], [5., 12.], [9., 12.]])


class StrategyTest(test_util.TestCase):

  def _run(self, strategy, step, variables):
    """Runs a step in each replica; returns the copies of each variable."""
    train_op = tf.group(strategy.experimental_local_results(
        strategy.extended.call_for_each_replica(step)))
    train_ops = tf.get_collection(tf.GraphKeys.TRAIN_OP)
    copies = [[copy.read_value() if hasattr(copy, "read_value") else copy
               for copy in strategy.experimental_local_results(var)]
              for var in variables]
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as sess:
      sess.run(tf.global_variables_initializer())
      sess.run(train_op)
      sess.run(train_ops)
      return sess.run(copies)

  def _train(self, strategy, aggregation, grad_of_replica, dims=(1,),
             wrap=lambda opt: opt):
    """Returns the copies of the variable after two steps with clipping."""
    with tf.Graph().as_default(), strategy.scope():
      var = tf.get_variable(
          "var",
          initializer=tf.constant(_ROWS),
          aggregation=aggregation,
          use_resource=True)
      other = tf.get_variable("other", [], use_resource=True)
      opt = wrap(clip({var: dims, other: []},
                      opt=tf.train.MomentumOptimizer(0.1, 0.9)))

      def step():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        return opt.apply_gradients(
            [(grad_of_replica(replica), var), (None, other)])

      return self._run(strategy, step, [var])[0]

  @parameterized.named_parameters(*_CASES)
  def test_sparse(self, create_strategy, aggregation):
    """Replica i looks up row i once, row 2 once, and row 3 twice."""
    strategy = create_strategy()

    def grad(replica):
      first = tf.convert_to_tensor(replica)
      return tf.IndexedSlices(
          tf.zeros([4, 2]), tf.stack([first, 3, 2, 3]), tf.constant([5, 2]))

    num_replicas = strategy.num_replicas_in_sync
    expected = test_util.clip_by_norm(_ROWS, 1., [1])
    untouched = [4] if num_replicas > 1 else [1, 4]
    expected[untouched] = _ROWS[untouched]
    copies = self._train(strategy, aggregation, grad)
    for copy in copies:
      self.assertAllClose(expected, copy)
      self.assertAllEqual(copies[0], copy)
      self.assertAllEqual(_ROWS[[2, 4]], copy[[2, 4]])

  @parameterized.named_parameters(*_CASES)
  def test_dense(self, create_strategy, aggregation):
    strategy = create_strategy()
    copies = self._train(
        strategy, aggregation, lambda _: tf.zeros([5, 2]), dims=[0])
    expected = test_util.clip_by_norm(_ROWS, 1., [0])
    for copy in copies:
      self.assertAllClose(expected, copy)
      self.assertAllEqual(copies[0], copy)

  def _step_of_several_pairs(self, variables):
    """`sparse` has two sparse gradients, `dense` a sparse and a dense one."""
    sparse, dense = variables
    opt = clip([(var, [1]) for var in variables])

    def step():
      first = tf.convert_to_tensor(
          tf.distribute.get_replica_context().replica_id_in_sync_group)
      rows = [tf.IndexedSlices(tf.zeros([1, 2]), ids, tf.constant([5, 2]))
              for ids in (tf.stack([first]), tf.constant([3]))]
      return opt.apply_gradients(
          [(rows[0], sparse), (rows[1], dense), (rows[1], sparse),
           (tf.zeros([5, 2]), dense)])

    return step

  def _check_several_pairs(self, strategy, values):
    """Checks the copies of the sparse and of the dense variable."""
    clipped = test_util.clip_by_norm(_ROWS, 1., [1])
    looked_up = list(range(strategy.num_replicas_in_sync)) + [3]
    expected = _ROWS.copy()
    expected[looked_up] = clipped[looked_up]
    for copies, want in zip(values, (expected, clipped)):
      for copy in copies:
        self.assertAllClose(want, copy)
        self.assertAllEqual(copies[0], copy)

  @parameterized.named_parameters(*_STRATEGIES)
  def test_d15_variable_in_several_pairs(self, create_strategy):
    with tf.Graph().as_default(), create_strategy().scope():
      strategy = tf.distribute.get_strategy()
      variables = [test_util.get_variable(_ROWS, True, name=name)
                   for name in ("sparse", "dense")]
      step = self._step_of_several_pairs(variables)
      self._check_several_pairs(strategy, self._run(strategy, step, variables))

  @unittest.skipIf(test_util.VERSION < (2, 0), "It needs eager execution.")
  @parameterized.named_parameters(*_STRATEGIES[:5])
  def test_d15_variable_in_several_pairs_in_function(self, create_strategy):
    strategy = create_strategy()
    with strategy.scope():
      variables = [tf2.Variable(_ROWS) for _ in range(2)]
    step = self._step_of_several_pairs(variables)

    @tf2.function
    def run():
      test_util.run_in_replicas(strategy)(step)

    run()
    self._check_several_pairs(strategy, [
        [copy.numpy() for copy in strategy.experimental_local_results(var)]
        for var in variables])

  @parameterized.named_parameters(*[
      (strategy[0] + suffix, strategy[1], is_sparse)
      for strategy in (_STRATEGIES[0], _STRATEGIES[2])
      for suffix, is_sparse in (("_sparse", True), ("_dense", False))])
  def test_d8_dynamic_loss_scale(self, create_strategy, is_sparse):
    """Before TensorFlow 2.1, pairs have components of mirrored variables."""

    def grad(_):
      gradient = tf.zeros([5, 2])
      return tf.IndexedSlices(
          gradient, tf.range(5), tf.constant([5, 2])) if is_sparse else gradient

    for copy in self._train(
        create_strategy(), tf.VariableAggregation.NONE, grad, wrap=lambda opt:
        tf.train.experimental.MixedPrecisionLossScaleOptimizer(opt, "dynamic")):
      self.assertAllClose(test_util.clip_by_norm(_ROWS, 1., [1]), copy)

  @parameterized.named_parameters(*[
      (strategy[0] + suffix, strategy[1], is_sparse)
      for strategy in _STRATEGIES[:5]
      for suffix, is_sparse in (("_sparse", True), ("_dense", False))])
  def test_d8_component_as_the_key(self, create_strategy, is_sparse):
    with tf.Graph().as_default(), create_strategy().scope():
      strategy = tf.distribute.get_strategy()
      var = test_util.get_variable(_ROWS, use_resource=True)
      gradient = tf.zeros([5, 2])
      if is_sparse:
        gradient = tf.IndexedSlices(
            gradient, tf.range(5), tf.constant([5, 2]))
      opt = clip({strategy.experimental_local_results(var)[-1]: [1]})
      copies, = self._run(
          strategy, lambda: opt.apply_gradients([(gradient, var)]), [var])
    for copy in copies:
      self.assertAllClose(test_util.clip_by_norm(_ROWS, 1., [1]), copy)

  @unittest.skipIf(test_util.VERSION < (2, 0), "It needs tf.function.")
  @parameterized.named_parameters(*_STRATEGIES[:5])
  def test_d8_reads_no_whole_variable(self, create_strategy):
    """The time of a sparse step must not depend on the size of a table."""
    strategy = create_strategy()

    def count_reads(wrap):
      with strategy.scope():
        var = tf2.Variable(_ROWS)
      opt = wrap(tf.train.GradientDescentOptimizer(0.1), var)

      def step():
        opt.apply_gradients([(tf.IndexedSlices(
            tf.zeros([1, 2]), tf.constant([3]), tf.constant([5, 2])), var)])

      @tf2.function
      def run():
        test_util.run_in_replicas(strategy)(step)

      graph_def = run.get_concrete_function().graph.as_graph_def()
      nodes = list(graph_def.node)
      for function in graph_def.library.function:
        nodes.extend(function.node_def)
      return sum(node.op == "ReadVariableOp" for node in nodes)

    # In TensorFlow 2.0, each update of a variable of a CentralStorageStrategy
    # reads it, and the clip is a second update.
    self.assertLessEqual(
        count_reads(lambda opt, var: clip([(var, [1])], opt=opt)),
        2 * count_reads(lambda opt, _: opt))

  @parameterized.named_parameters(*_STRATEGIES[:-1])
  def test_cross_replica_context(self, create_strategy):
    with tf.Graph().as_default(), create_strategy().scope():
      var = test_util.get_variable(_ROWS, use_resource=True)
      with self.assertRaisesRegex(
          RuntimeError, "VariableClipping must be called in a replica context"):
        clip({var: [1]}).apply_gradients([(tf.ones([5, 2]), var)])

  def test_sparse_of_unknown_shape(self):
    """Older versions refuse such a gradient under other strategies."""
    strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
    copy, = self._train(
        strategy, tf.VariableAggregation.NONE,
        lambda _: tf.IndexedSlices(tf.zeros([1, 2]), tf.constant([1])))
    self.assertAllClose([0.6, 0.8], copy[1])
    self.assertAllEqual(_ROWS[[0, 2, 3, 4]], copy[[0, 2, 3, 4]])

  @parameterized.named_parameters(*[
      (strategy[0] + suffix, strategy[1], sparse_replica)
      for strategy in _STRATEGIES[2:4]
      for suffix, sparse_replica in (("_sparse_first", 0), ("_dense_first", 1))
  ])
  def test_sparse_and_dense(self, create_strategy, sparse_replica):

    def grad(replica):
      if tf.get_static_value(tf.convert_to_tensor(replica)) == sparse_replica:
        return tf.IndexedSlices(
            tf.zeros([1, 2]), tf.constant([3]), tf.constant([5, 2]))
      return tf.zeros([5, 2])

    # In eager execution, the strategy uses collective ops, which fail here even
    # without clipping.
    with tf.Graph().as_default():
      strategy = create_strategy()
    copies = self._train(strategy, tf.VariableAggregation.MEAN, grad)
    for copy in copies:
      self.assertAllClose(test_util.clip_by_norm(_ROWS, 1., [1]), copy)

  def test_clips_after_the_updates_of_all_copies(self):
    strategy = tf.distribute.MirroredStrategy(_CPUS)
    with tf.Graph().as_default() as graph, strategy.scope():
      var = test_util.get_variable(_ROWS, use_resource=True)
      opt = clip({var: [1]}, opt=tf.train.GradientDescentOptimizer(0.1))
      strategy.extended.call_for_each_replica(
          lambda: opt.apply_gradients([(tf.ones([5, 2]), var)]))
      updates = {op for op in graph.get_operations()
                 if op.type == "ResourceApplyGradientDescent"}
      writes = [op for op in graph.get_operations()
                if op.type == "AssignSubVariableOp"]
    self.assertLen(updates, 2)
    self.assertLen(writes, 2)
    for op in writes:
      self.assertContainsSubset(updates, test_util.ancestors(op))


class _CopiesHook(tf.train.SessionRunHook):
  """Keeps the last values of the copies of a variable."""

  def __init__(self, strategy):
    self._strategy = strategy

  def begin(self):
    var, = [var for var in tf.global_variables() if var.op.name == "var"]
    self._copies = [copy.read_value()
                    for copy in self._strategy.experimental_local_results(var)]

  def end(self, session):
    self.values = session.run(self._copies)


@test_util.needs_estimator
class EstimatorTest(test_util.TestCase):

  @parameterized.named_parameters(*_STRATEGIES[:-1])
  def test_train(self, create_strategy):
    """The replicas take turns with the batches, and average gradients."""
    batches = np.int32([[0, 3, 3], [1, 3, 2], [2, 3, 0], [0, 0, 3]])

    def model_fn(features, mode):
      var = tf.get_variable(
          "var", initializer=tf.constant(_ROWS), use_resource=True)
      opt = clip({var: [1]}, opt=tf.train.GradientDescentOptimizer(0.1))
      loss = tf.reduce_sum(tf.nn.embedding_lookup(var, features) * [1., -2.])
      return tf.estimator.EstimatorSpec(
          mode, loss=loss,
          train_op=opt.minimize(loss, tf.train.get_global_step()))

    strategy = create_strategy()
    estimator = tf.estimator.Estimator(
        model_fn, self.get_temp_dir(), tf.estimator.RunConfig(
            train_distribute=strategy,
            session_config=tf.ConfigProto(device_count={"CPU": 2})))
    hook = _CopiesHook(strategy)
    estimator.train(
        lambda: tf.data.Dataset.from_tensor_slices(batches), hooks=[hook])

    num_replicas = strategy.num_replicas_in_sync
    expected = _ROWS.astype(np.float64)
    for ids in batches.reshape([-1, num_replicas * 3]):
      np.subtract.at(expected, ids, np.array([0.1, -0.2]) / num_replicas)
      expected[ids] = test_util.clip_by_norm(expected[ids], 1., [1])
    self.assertLen(hook.values, len(strategy.extended.parameter_devices))
    for copy in hook.values + [estimator.get_variable_value("var")]:
      self.assertAllClose(expected, copy)
      self.assertAllEqual(hook.values[0], copy)


if __name__ == "__main__":
  tf.test.main()
