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
"""Resumed training, and other wrappers inside and around the optimizer."""

from __future__ import absolute_import, division, print_function

import os

import numpy as np
import tensorflow.compat.v1 as tf
import test_util

with_variable_kinds = test_util.with_variable_kinds


def _minimize(use_resource, inner=lambda opt: opt, outer=lambda opt: opt):
  """Returns the train op of a model. The arguments wrap the optimizers."""
  embeddings = tf.get_variable(
      "embeddings",
      initializer=[[0.6, 0.7], [0.1, 0.2], [0.7, -0.6]],
      use_resource=use_resource)
  weights = tf.get_variable(
      "weights",
      initializer=[[0.5, 0.6], [0.6, 0.1]],
      use_resource=use_resource)
  rows = tf.nn.embedding_lookup(embeddings, [2, 0])
  loss = -tf.reduce_sum(tf.square(rows)) - tf.reduce_sum(tf.square(weights))
  opt = test_util.clip({embeddings: [1], weights: [0]},
                       opt=inner(tf.train.AdamOptimizer(0.1)))
  return outer(opt).minimize(
      loss, global_step=tf.train.get_or_create_global_step())


def _state(sess):
  """Returns a dict from names of variables to values."""
  return sess.run({var.op.name: var for var in tf.global_variables()})


class CompositionTest(test_util.GraphTestCase):

  def _uninterrupted(self, use_resource):
    """Returns the state after six steps, without other wrappers."""
    with tf.Graph().as_default(), tf.Session() as sess:
      train_op = _minimize(use_resource)
      sess.run(tf.global_variables_initializer())
      for _ in range(6):
        sess.run(train_op)
      state = _state(sess)
    self.assertEqual(6, state["global_step"])
    self.assertAllClose([1., np.hypot(0.1, 0.2), 1.],
                        np.linalg.norm(state["embeddings"], axis=1))
    self.assertAllClose([1., 1.], np.linalg.norm(state["weights"], axis=0))
    return state

  @with_variable_kinds()
  def test_monitored_training_session(self, use_resource):
    """Trains three steps, and three more in a session that resumes."""

    def train():
      with tf.Graph().as_default():
        train_op = _minimize(use_resource)
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=self.get_temp_dir()) as sess:
          initial = _state(sess)
          for _ in range(3):
            sess.run(train_op)
          return initial, _state(sess)

    _, interrupted = train()
    resumed, final = train()
    self.assertAllClose(interrupted, resumed, rtol=0, atol=0)
    self.assertAllClose(
        self._uninterrupted(use_resource), final, rtol=0, atol=0)

  @with_variable_kinds()
  def test_meta_graph_of_a_checkpoint(self, use_resource):
    """Trains three steps, and three more from the MetaGraph (D11)."""
    self.train(_minimize(use_resource), 3)
    path = os.path.join(self.get_temp_dir(), "ckpt")
    tf.train.Saver().save(self.sess, path)
    with tf.Graph().as_default(), tf.Session() as sess:
      tf.train.import_meta_graph(path + ".meta").restore(sess, path)
      train_op, = tf.get_collection(tf.GraphKeys.TRAIN_OP)
      for _ in range(3):
        sess.run(train_op)
      final = _state(sess)
    self.assertAllClose(
        self._uninterrupted(use_resource), final, rtol=0, atol=0)

  @with_variable_kinds(
      ("_8_inner", 8., "inner"), ("_8_outer", 8., "outer"),
      ("_dynamic_inner", "dynamic", "inner"),
      ("_dynamic_outer", "dynamic", "outer"))
  def test_loss_scale(self, loss_scale, position, use_resource):
    """A scale that is a power of two changes nothing."""
    if not use_resource and hasattr(tf, "disable_control_flow_v2"):
      # The step is in a tf.cond. In TensorFlow 2, tf.cond does not accept ref
      # variables.
      if tf.control_flow_v2_enabled():
        self.addCleanup(tf.enable_control_flow_v2)
      tf.disable_control_flow_v2()

    def wrap(opt):
      return tf.train.experimental.MixedPrecisionLossScaleOptimizer(
          opt, loss_scale)

    self.train(_minimize(use_resource, **{position: wrap}), 6)
    actual = _state(self.sess)
    for name, expected in self._uninterrupted(use_resource).items():
      if "_power" not in name:  # A tf.cond changes these names.
        self.assertAllEqual(expected, actual[name])

  @with_variable_kinds(("_inner", "inner"), ("_outer", "outer"))
  def test_cross_shard(self, position, use_resource):
    """Simulates a TPU with one shard: the sum of gradients is the gradient."""
    train_op = _minimize(
        use_resource, **{position: tf.tpu.CrossShardOptimizer})
    meta_graph = tf.train.export_meta_graph()
    sums = [node for node in meta_graph.graph_def.node
            if node.op == "CrossReplicaSum"]
    self.assertLen(sums, 2)
    for node in sums:
      node.op = "Identity"  # CPUs have no kernel for CrossReplicaSum.
      del node.input[1:]  # Identity has no group assignment.
    with tf.Graph().as_default() as graph, tf.Session() as sess:
      tf.train.import_meta_graph(meta_graph)
      sess.run(tf.global_variables_initializer())
      for _ in range(6):
        sess.run(graph.get_operation_by_name(train_op.name))
      state = _state(sess)
    self.assertAllClose(self._uninterrupted(use_resource), state)


if __name__ == "__main__":
  tf.test.main()
