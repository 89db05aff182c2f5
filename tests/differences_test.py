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
"""Tests of the differences Dn from tf.contrib.

With the optimizer of tf.contrib, at least one case of each difference fails. D5
with several workers and D12 are tested in workers_test.py, D8 in
strategy_test.py and strategy_processes_test.py, D11 with a MetaGraph in
composition_test.py, D13 in eager_test.py and D14 in errors_test.py.
"""

from __future__ import absolute_import, division, print_function

import os
import re
import weakref

import numpy as np
import tensorflow.compat.v1 as tf
import test_util

clip = test_util.clip
clip_by_norm = test_util.clip_by_norm
get_variable = test_util.get_variable
with_variable_kinds = test_util.with_variable_kinds


class DifferencesTest(test_util.GraphTestCase):

  def _minimize_lookup(self, var, ids, dims):
    """Returns an op that looks up rows of `var`, updates and clips them."""
    return clip({var: dims}).minimize(test_util.lookup(var, ids, "div"))

  @with_variable_kinds(("_twice", 2), ("_three_times", 3), ("_often", 100))
  def test_d1_repeated_ids(self, count, use_resource):
    var = get_variable([[3., 4.], [5., 12.]], use_resource)
    self.train(self._minimize_lookup(var, [0] * count + [1], [1]))
    self.assertAllClose([[3 / 5, 4 / 5], [5 / 13, 12 / 13]], self.sess.run(var))

  @with_variable_kinds(("_1e4", 1e4), ("_1e8", 1e8), ("_1e18", 1e18))
  def test_d2_rows_far_over_the_bound(self, norm, use_resource):
    rows = np.float32([[0.6, 0.8], [0.28, 0.96]]) * np.float32(norm)
    var = get_variable(rows, use_resource)
    self.train(self._minimize_lookup(var, [0, 1], [1]))
    actual = self.sess.run(var).astype(np.float64)
    self.assertAllClose(clip_by_norm(rows, 1., [1]), actual, rtol=3e-7, atol=0)

  @with_variable_kinds()
  def test_d3_rows_inside_the_bound_keep_every_bit(self, use_resource):
    rows = np.random.RandomState(0).uniform(-.1, .1, [100, 64])
    rows = rows.astype(np.float32)
    self.assertAllInRange(np.linalg.norm(rows, axis=1), 0., 0.7)
    var = get_variable(rows, use_resource)
    self.train(clip({var: [1]}, 0.7).minimize(
        test_util.lookup(var, list(range(100)))))
    self.assertAllEqual(rows, self.sess.run(var))

  @with_variable_kinds()
  def test_d4_iterator_of_gradients(self, use_resource):
    var = get_variable([[3., 4.]], use_resource)
    grads_and_vars = iter([(tf.zeros([1, 2]), var)])
    self.train(clip({var: [1]}).apply_gradients(grads_and_vars))
    self.assertAllClose([[0.6, 0.8]], self.sess.run(var))

  def _run_synchronously(self, sync, train_op):
    """Runs two steps of a worker, which is also the chief."""
    # A session with sync.make_session_run_hook may hang when it is closed.
    self.initialize()
    init_op = sync.chief_init_op
    self.sess.run([init_op, sync.local_step_init_op])
    sync_runner = sync.get_chief_queue_runner()
    coord = tf.train.Coordinator()
    sync_runner.create_threads(self.sess, coord, daemon=True, start=True)
    self.sess.run(sync.get_init_tokens_op())
    for _ in range(2):  # The second step waits for the update of the first.
      self.sess.run(train_op)
    self.addCleanup(coord.request_stop)

  @with_variable_kinds(("_inside", True), ("_outside", False))
  def test_d5_sync_replicas(self, clip_is_inside, use_resource):
    var = get_variable([[3., 4.], [6., 8.]], use_resource)
    global_step = tf.train.get_or_create_global_step()
    opt = tf.train.GradientDescentOptimizer(0.)
    if clip_is_inside:
      opt = clip({var: [1]}, opt=opt)
    sync = opt = tf.train.SyncReplicasOptimizer(opt, replicas_to_aggregate=1)
    if not clip_is_inside:
      opt = clip({var: [1]}, opt=opt)
    train_op = opt.minimize(test_util.lookup(var, [1, 1]), global_step)
    self._run_synchronously(sync, train_op)
    self.assertAllClose([[3., 4.], [0.6, 0.8]], self.sess.run(var))

  @with_variable_kinds()
  def test_d5_variable_averages(self, use_resource):
    """A SyncReplicasOptimizer inside averages the clipped values."""
    var = get_variable([[3., 4.]], use_resource)
    averages = tf.train.ExponentialMovingAverage(0.)
    sync = tf.train.SyncReplicasOptimizer(
        tf.train.AdamOptimizer(0.), 1, variable_averages=averages,
        variables_to_average=[var])
    opt = clip({var: [1]}, opt=sync)
    train_op = opt.minimize(
        tf.reduce_sum(var), tf.train.get_or_create_global_step())
    self.sess.run(var.initializer)  # The initial average reads the variable.
    self._run_synchronously(sync, train_op)
    self.assertAllClose([[0.6, 0.8]], self.sess.run(averages.average(var)))
    self.assertIn("beta1_power", [v.op.name for v in opt.variables()])

  @with_variable_kinds(
      ("_attribute", lambda opt: opt), ("_list", lambda opt: [[1., 2.], opt]),
      ("_tuple", lambda opt: (opt,)), ("_dict", lambda opt: {"a": [opt]}))
  def test_d5_clips_where_sync_replicas_updates(self, contain, use_resource):
    """The train op of a worker waits for the chief, and clips nothing."""

    class SyncReplicas(object):

      def __init__(self, opt):
        self._opt = opt

      def get_init_tokens_op(self):
        raise NotImplementedError

      def apply_gradients(self, grads_and_vars, global_step):
        self.update_op = self._opt.apply_gradients(
            iter(grads_and_vars), global_step)
        self.name = self._opt.get_name()
        return tf.no_op()

    class Wrapper(object):

      def __init__(self, opt):
        self.opts = contain(opt)
        self.itself = self
        self.proxy = weakref.proxy(set())  # The set is gone.
        self.mock = tf.test.mock.Mock()
        self._apply_gradients = opt.apply_gradients

      def apply_gradients(self, *args, **kwargs):
        return self._apply_gradients(*args, **kwargs)

    inner = tf.train.GradientDescentOptimizer(1.)
    sync = SyncReplicas(inner)
    var = get_variable([[3., 4.]], use_resource)
    opt = clip({var: [1]}, opt=Wrapper(clip({var: []}, 0.75, Wrapper(sync))))
    train_op = opt.apply_gradients([(tf.constant([[-3., -4.]]), var)])
    self.assertEqual("GradientDescent", sync.name)
    self.assertIs(inner, sync._opt)
    self.train(train_op)
    self.assertAllEqual([[3., 4.]], self.sess.run(var))
    self.sess.run(sync.update_op)
    self.assertAllClose([[0.6, 0.75]], self.sess.run(var))
    ops = tf.get_default_graph().get_operations()
    update_op, = [op for op in ops if op.name.endswith("/GradientDescent")]
    for op in ops:
      if "/clip_var/" in op.name and var.op.outputs[0] in op.inputs:
        self.assertIn(update_op, test_util.ancestors(op))

    with self.assertRaisesRegex(ValueError, "No gradients"):
      opt.apply_gradients([(None, var)])
    self.assertIs(inner, sync._opt)

  @with_variable_kinds()
  def test_d5_clips_what_sync_replicas_does_not_update(self, use_resource):
    """Only one of two variables is updated by a SyncReplicasOptimizer."""
    sync, other = [get_variable([[3., 4.]], use_resource, name=name)
                   for name in ("sync", "other")]
    global_step = tf.train.get_or_create_global_step()
    sync_opt = tf.train.SyncReplicasOptimizer(
        tf.train.GradientDescentOptimizer(0.), 1)
    sgd = tf.train.GradientDescentOptimizer(0.)

    class PartlySynchronous(tf.train.GradientDescentOptimizer):

      def __init__(self):
        super(PartlySynchronous, self).__init__(0.)
        self.opts = [sync_opt, sgd]

      def apply_gradients(self, grads_and_vars, global_step):
        return tf.group(*[
            opt.apply_gradients([pair], global_step=step)
            for opt, pair, step in zip(
                self.opts, grads_and_vars, (global_step, None))])

    train_op = clip({sync: [1], other: [1]}, opt=PartlySynchronous()).minimize(
        tf.reduce_sum(sync) + tf.reduce_sum(other), global_step,
        var_list=[sync, other])
    self._run_synchronously(sync_opt, train_op)
    for var in (sync, other):
      self.assertAllClose([[0.6, 0.8]], self.sess.run(var))

  @with_variable_kinds(("_rows", 2), ("_whole", 1))
  def test_d6_partitioned_variable(self, num_shards, use_resource):
    var = get_variable(
        np.float32([[3., 4.], [0., 2.], [6., 8.], [5., 0.]]),
        use_resource,
        partitioner=tf.fixed_size_partitioner(num_shards))
    self.train(self._minimize_lookup(var, [0, 2, 2], [1]))
    self.assertAllClose([[0.6, 0.8], [0., 2.], [0.6, 0.8], [5., 0.]],
                        self.sess.run(tf.convert_to_tensor(var)))

  @with_variable_kinds()
  def test_d6_dense_gradient_of_a_partitioned_variable(self, use_resource):
    var = get_variable(
        np.float32([[3., 4.], [0., 2.], [6., 8.], [5., 0.]]),
        use_resource,
        partitioner=tf.fixed_size_partitioner(2, axis=1))
    loss = tf.reduce_sum(tf.convert_to_tensor(var))
    self.train(clip({var: [0]}).minimize(loss))
    value = self.sess.run(tf.convert_to_tensor(var))
    self.assertAllClose([1., 1.], np.linalg.norm(value, axis=0))

  @with_variable_kinds()
  def test_d6_partitioned_variable_and_its_partitions(self, use_resource):
    """The partitions are in `tf.trainable_variables()`, too."""
    var = get_variable(
        np.float32([[3., 4.], [6., 8.]]), use_resource,
        partitioner=tf.fixed_size_partitioner(2))
    clip_dims = {v: [1] for v in tf.trainable_variables()}
    clip_dims[var] = [1]
    self.train(clip(clip_dims).minimize(test_util.lookup(var, [0, 1])))
    self.assertAllClose([[0.6, 0.8], [0.6, 0.8]],
                        self.sess.run(tf.convert_to_tensor(var)))

  @with_variable_kinds(("_rows", 0, [1, 0]), ("_columns", 1, [-1]))
  def test_d6_norms_across_partitions(self, axis, dims, use_resource):
    var = get_variable(
        np.ones([4, 4], np.float32),
        use_resource,
        partitioner=tf.fixed_size_partitioner(2, axis))
    with self.assertRaisesRegex(
        ValueError, r"vars_to_clip_dims.*dimensions {} .*variable var.*"
        "partitioned along dimension {}".format(
            re.escape(str(dims)), axis)):
      clip({var: dims})

  @with_variable_kinds(
      ("_columns", [-2], [0]), ("_rows", [-1], [1]),
      ("_matrix", [-1, -2], [0, 1]), ("_twice", [1, -1, 1], [1]))
  def test_d7_negative_dims(self, dims, axes, use_resource):
    rows = np.float32([[3., 4.], [6., 8.], [0.7, 0.6]])
    var = get_variable(rows, use_resource)
    self.train(self._minimize_lookup(var, [0, 1], dims))
    self.assertAllClose(clip_by_norm(rows, 1., axes), self.sess.run(var))

  @with_variable_kinds()
  def test_d9_checkpoint(self, use_resource):
    """A checkpoint has the state of the inner optimizer after three steps."""
    directory = self.get_temp_dir()

    def build():
      var = get_variable([3., 4.], use_resource)
      opt = clip({var: [0]}, opt=tf.train.AdamOptimizer(0.1))
      train_op = opt.minimize(tf.reduce_sum(var * [1., 2.]))
      checkpoint = tf.train.Checkpoint(var=var, optimizer=opt)
      # The variable and Adam's four. D10 tests opt.variables(), so this test
      # does not call it.
      state = [v for v in tf.global_variables() if "save_counter" not in v.name]
      self.assertLen(state, 5)
      return train_op, checkpoint, state

    train_op, checkpoint, state = build()
    self.train(train_op, 3)
    expected = self.sess.run(state)
    with self.sess.as_default():
      path = checkpoint.save(os.path.join(directory, "ckpt"))

    with tf.Graph().as_default(), tf.Session() as sess:
      _, checkpoint, state = build()
      sess.run(tf.global_variables_initializer())
      status = checkpoint.restore(path)
      status.assert_consumed().run_restore_ops(sess)
      for want, got in zip(expected, sess.run(state)):
        self.assertAllEqual(want, got)

  @with_variable_kinds()
  def test_d10_variables(self, use_resource):
    var = get_variable([3., 4.], use_resource)
    inner = tf.train.AdamOptimizer()
    opt = clip({var: [0]}, opt=inner)
    opt.minimize(tf.reduce_sum(var))
    self.assertCountEqual(
        ["var/Adam", "var/Adam_1", "VariableClipping/beta1_power",
         "VariableClipping/beta2_power"], [v.op.name for v in opt.variables()])

  @with_variable_kinds()
  def test_d11_keeps_other_train_ops(self, use_resource):
    var = get_variable([3., 4.], use_resource)
    inner = tf.train.GradientDescentOptimizer(0.)
    unclipped = inner.minimize(tf.reduce_sum(var))
    clipped = clip({var: [0]}, opt=clip({}, opt=inner)).minimize(
        tf.reduce_sum(var))
    self.assertEqual([unclipped, clipped],
                     tf.get_collection(tf.GraphKeys.TRAIN_OP))

  @with_variable_kinds(
      ("_dense", [None] * 3, [0, 1, 2]),
      ("_sparse_and_dense", [[0, 0], None], [0, 1, 2]),
      ("_dense_and_sparse", [None, [1]], [0, 1, 2]),
      ("_sparse", [[0, 0], [1]], [0, 1]),
      ("_sparse_of_one_row", [[0, 0], [0]], [0]))
  def test_d15_variable_in_several_pairs(self, ids_of_pairs, clipped,
                                         use_resource):
    """The variable is clipped once, after all gradients are applied."""
    rows = np.float32([[3., 4.], [6., 8.], [5., 12.]])
    var = get_variable(rows, use_resource)
    expected = rows.astype(np.float64)
    grads_and_vars = [(None, var)]
    for ids, dtype in zip(ids_of_pairs, (tf.int32, tf.int64, tf.int32)):
      if ids is None:
        grad = tf.ones_like(rows)
        expected -= 0.1
      else:
        grad = tf.IndexedSlices(tf.ones([len(ids), 2]), tf.constant(ids, dtype))
        np.subtract.at(expected, ids, 0.1)
      grads_and_vars.append((grad, var))
    opt = clip({var: [1]}, opt=tf.train.GradientDescentOptimizer(0.1))
    self.train(opt.apply_gradients(grads_and_vars))
    expected[clipped] = clip_by_norm(expected, 1., [1])[clipped]
    self.assertAllClose(expected, self.sess.run(var))

  @with_variable_kinds()
  def test_d15_variable_twice_in_var_list(self, use_resource):
    """With tf.contrib, the norms after the three steps are 7, 11 and 19."""
    var = get_variable([[3., 4.]], use_resource)
    train_op = clip({var: [1]}).minimize(tf.reduce_sum(var), var_list=[var] * 3)
    self.train(train_op, 3)
    self.assertAllClose([[0.6, 0.8]], self.sess.run(var))


class KeysTest(test_util.GraphTestCase):
  """`apply_gradients` may get another Python object for the key's variable."""

  def _check(self, key, var, is_sparse):
    """Clips `key` in a step with a gradient of `var`, the same variable."""
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
    var = get_variable([[3., 4.], [6., 8.]], use_resource)
    pair = var, type(var).from_proto(var.to_proto())
    if is_copy_the_key:
      pair = reversed(pair)
    self._check(*pair, is_sparse=is_sparse)

  @with_variable_kinds(("_dense", False), ("_sparse", True))
  def test_meta_graph(self, is_sparse, use_resource):
    """Each collection of an imported MetaGraph has objects of its own."""
    get_variable([[3., 4.], [6., 8.]], use_resource)
    meta_graph = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as self.sess:
      tf.train.import_meta_graph(meta_graph)
      key, = tf.global_variables()
      var, = tf.trainable_variables()
      if key is var:  # Some versions have one object for both.
        var = type(var).from_proto(var.to_proto())
      self._check(key, var, is_sparse)


if __name__ == "__main__":
  tf.test.main()
