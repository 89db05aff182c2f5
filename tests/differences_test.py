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
"""Where this library is right and tf.contrib.opt is not: a test per Dn.

D12 is in cluster_test.py, D13 in eager_test.py, D14 in errors_test.py.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import os

import numpy as np
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

clip_by_norm = test_util.clip_by_norm
get_variable = test_util.get_variable
with_variable_kinds = test_util.with_variable_kinds


class DifferencesTest(test_util.GraphTestCase):

  def _clip(self, vars_to_clip_dims, opt=None):
    return tf_contrib_opt.VariableClippingOptimizer(
        opt or tf.train.GradientDescentOptimizer(0.), vars_to_clip_dims, 1.)

  def _minimize_lookup(self, var, ids, dims, opt=None):
    """Returns an op that looks up rows of `var`, updates and clips them."""
    loss = tf.reduce_sum(tf.nn.embedding_lookup(var, ids, "div"))
    return self._clip({var: dims}, opt).minimize(loss)

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
  def test_d3_rows_inside_the_ball_keep_every_bit(self, use_resource):
    rows = np.random.RandomState(0).uniform(-.1, .1, [100, 64])
    rows = rows.astype(np.float32)
    self.assertAllInRange(np.linalg.norm(rows, axis=1), 0., 0.7)
    var = get_variable(rows, use_resource)
    opt = tf_contrib_opt.VariableClippingOptimizer(
        tf.train.GradientDescentOptimizer(0.), {var: [1]}, max_norm=0.7)
    loss = tf.reduce_sum(tf.nn.embedding_lookup(var, list(range(100))))
    self.train(opt.minimize(loss))
    self.assertAllEqual(rows, self.sess.run(var))

  @with_variable_kinds()
  def test_d4_iterator_of_gradients(self, use_resource):
    var = get_variable([[3., 4.]], use_resource)
    grads_and_vars = iter([(tf.zeros([1, 2]), var)])
    self.train(self._clip({var: [1]}).apply_gradients(grads_and_vars))
    self.assertAllClose([[0.6, 0.8]], self.sess.run(var))

  @with_variable_kinds(("_inside", True), ("_outside", False))
  def test_d5_sync_replicas(self, inside, use_resource):
    var = get_variable([[3., 4.], [6., 8.]], use_resource)
    global_step = tf.train.get_or_create_global_step()
    opt = tf.train.GradientDescentOptimizer(0.)
    if inside:
      opt = self._clip({var: [1]}, opt)
    sync = opt = tf.train.SyncReplicasOptimizer(opt, replicas_to_aggregate=1)
    if not inside:
      opt = self._clip({var: [1]}, opt)
    loss = tf.reduce_sum(tf.nn.embedding_lookup(var, [1, 1]))
    train_op = opt.minimize(loss, global_step=global_step)
    # As sync.make_session_run_hook does, whose session may hang when closed.
    self.initialize()
    init_op = sync.chief_init_op
    self.sess.run([init_op, sync.local_step_init_op])
    sync_runner = sync.get_chief_queue_runner()
    coord = tf.train.Coordinator()
    threads = sync_runner.create_threads(
        self.sess, coord, daemon=True, start=True)
    self.sess.run(sync.get_init_tokens_op())
    for _ in range(2):  # The second step waits for the update of the first.
      self.sess.run(train_op)
    self.assertAllClose([[3., 4.], [0.6, 0.8]], self.sess.run(var))
    coord.request_stop()
    self.sess.close()
    coord.join(threads, ignore_live_threads=True)

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
    self.train(self._clip({var: [0]}).minimize(loss))
    value = self.sess.run(tf.convert_to_tensor(var))
    self.assertAllClose([1., 1.], np.linalg.norm(value, axis=0))

  @with_variable_kinds()
  def test_d6_partitioned_variable_and_its_partitions(self, use_resource):
    """As `{v: [1] for v in tf.trainable_variables()}` names the latter."""
    var = get_variable(
        np.float32([[3., 4.], [6., 8.]]), use_resource,
        partitioner=tf.fixed_size_partitioner(2))
    clip_dims = {v: [1] for v in tf.trainable_variables()}
    clip_dims[var] = [1]
    self.train(self._clip(clip_dims).minimize(
        tf.reduce_sum(tf.nn.embedding_lookup(var, [0, 1]))))
    self.assertAllClose([[0.6, 0.8], [0.6, 0.8]],
                        self.sess.run(tf.convert_to_tensor(var)))

  @with_variable_kinds(("_rows", 0, [1, 0]), ("_columns", 1, [-1]))
  def test_d6_norms_across_partitions(self, axis, dims, use_resource):
    var = get_variable(
        np.ones([4, 4], np.float32),
        use_resource,
        partitioner=tf.fixed_size_partitioner(2, axis))
    with self.assertRaisesRegex(
        ValueError, r"vars_to_clip_dims.*dimension {} .*variable var.*"
        "Partition it along".format(dims[-1])):
      self._clip({var: dims})

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
    """Restores what the inner optimizer had after three steps."""
    directory = self.get_temp_dir()

    def build():
      var = get_variable([3., 4.], use_resource)
      opt = self._clip({var: [0]}, tf.train.AdamOptimizer(0.1))
      train_op = opt.minimize(tf.reduce_sum(var * [1., 2.]))
      checkpoint = tf.train.Checkpoint(var=var, optimizer=opt)
      # Adam's m, v, beta1_power and beta2_power, independently of D10.
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
    opt = self._clip({var: [0]}, inner)
    opt.minimize(tf.reduce_sum(var))
    self.assertCountEqual(
        ["var/Adam", "var/Adam_1", "VariableClipping/beta1_power",
         "VariableClipping/beta2_power"], [v.op.name for v in opt.variables()])

  @with_variable_kinds()
  def test_d11_train_op_of_a_meta_graph(self, use_resource):
    var = get_variable([[3., 4.]], use_resource)
    self._minimize_lookup(var, [0], [1])
    meta_graph = tf.train.export_meta_graph()
    with tf.Graph().as_default(), tf.Session() as sess:
      tf.train.import_meta_graph(meta_graph)
      train_op, = tf.get_collection(tf.GraphKeys.TRAIN_OP)
      sess.run(tf.global_variables_initializer())
      sess.run(train_op)
      self.assertAllClose([[0.6, 0.8]], sess.run(tf.global_variables()[0]))

  @with_variable_kinds()
  def test_d11_keeps_other_train_ops(self, use_resource):
    var = get_variable([3., 4.], use_resource)
    inner = tf.train.GradientDescentOptimizer(0.)
    unclipped = inner.minimize(tf.reduce_sum(var))
    clipped = self._clip({var: [0]}, self._clip({}, inner)).minimize(
        tf.reduce_sum(var))
    self.assertEqual([unclipped, clipped],
                     tf.get_collection(tf.GraphKeys.TRAIN_OP))


if __name__ == "__main__":
  tf.test.main()
