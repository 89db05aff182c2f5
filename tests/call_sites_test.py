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
"""Parts of public programs, which give the same results with tf.contrib."""

from __future__ import absolute_import, division, print_function

import numpy as np
import scenarios
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

with_variable_kinds = test_util.with_variable_kinds


def _variable(name, shape, use_resource, scale=1.):
  """Returns a variable whose initial value depends on its shape and scale."""
  value = scale * np.random.RandomState(0).randn(*shape)
  return test_util.get_variable(value, use_resource, name=name)


def _norms(value, dims):
  return np.sqrt(np.sum(np.square(value, dtype=np.float64), axis=tuple(dims)))


def _attack(clip_class, create_inner, use_resource):
  """Attacks a classifier with a batch, another batch, and the first again."""
  sess = tf.get_default_session()
  kernel = _variable("kernel", [2, 2, 1, 3], use_resource)
  modifier = tf.get_variable(
      "modifier", [3, 4, 4, 1],
      initializer=tf.zeros_initializer(),
      use_resource=use_resource)
  images = tf.placeholder(tf.float32, modifier.shape)
  activations = tf.nn.tanh(
      tf.nn.conv2d(images + modifier, kernel, [1, 1, 1, 1], "SAME"))
  losses = tf.nn.softmax_cross_entropy_with_logits_v2(
      labels=tf.one_hot([0, 1, 2], 3),
      logits=tf.reduce_sum(activations, axis=[1, 2]))
  loss = tf.reduce_sum(losses * [1., 1., 0.])  # Leaves the last image alone.

  old_names = {var.name for var in tf.global_variables()}
  opt = clip_class(create_inner(), {modifier: [1, 2, 3]}, max_norm=0.5)
  train_op = opt.minimize(loss, var_list=[modifier])
  new_vars = [v for v in tf.global_variables() if v.name not in old_names]
  init_op = tf.variables_initializer([modifier] + new_vars)

  sess.run(tf.global_variables_initializer())
  results = {}
  batches = np.random.RandomState(1).randn(2, 3, 4, 4, 1)
  for attack, batch in zip(("first", "second", "again"), batches[[0, 1, 0]]):
    sess.run(init_op)
    before = sess.run(losses, {images: batch})
    for _ in range(5):
      sess.run(train_op, {images: batch})
    after = sess.run(losses, {images: batch})
    results[attack] = {
        "modifier": sess.run(modifier), "before": before, "after": after}
  return results


def _wgan(clip_class, use_resource):
  """Trains a critic, clipped to a box, and a generator in turns."""
  sess = tf.get_default_session()
  noise = np.random.RandomState(1).randn(5, 2).astype(np.float32)
  with tf.variable_scope("generator"):
    fake = tf.matmul(noise, _variable("weights", [2, 3], use_resource))
  with tf.variable_scope("critic"):
    hidden = _variable("hidden", [3, 4], use_resource, scale=0.3)
    bias = _variable("bias", [4], use_resource)
    output = _variable("output", [4, 1], use_resource)
    scale = _variable("scale", [], use_resource)

  def critic(points):
    features = tf.nn.tanh(tf.matmul(points, hidden) + bias)
    return scale * tf.reduce_mean(tf.matmul(features, output))

  real = tf.constant([[1., 2., 3.], [1.5, 1., 2.5]])
  variables = tf.trainable_variables("critic")
  clip_opt = clip_class(
      opt=tf.train.RMSPropOptimizer(0.02),
      vars_to_clip_dims={v: [] for v in variables},
      max_norm=0.1,
      use_locking=True,
      colocate_clip_ops_with_vars=True)
  critic_step = clip_opt.minimize(
      critic(fake) - critic(real), var_list=variables)
  generator_step = tf.train.RMSPropOptimizer(0.02).minimize(
      -critic(fake), var_list=tf.trainable_variables("generator"))

  sess.run(tf.global_variables_initializer())
  for _ in range(3):
    sess.run(critic_step)
    sess.run(critic_step)
    sess.run(generator_step)
  return sess.run({var.op.name: var for var in tf.trainable_variables()})


def _text_classifier(clip_class, use_resource):
  """Trains with the inner optimizer alone, and then with clipping."""
  sess = tf.get_default_session()
  with tf.variable_scope("classifier"):
    words = tf.nn.embedding_lookup(
        _variable("embeddings", [7, 4], use_resource),
        [[1, 2, 3, 4, 5, 1], [2, 4, 4, 2, 1, 3]])
    features = []
    for width in (2, 3):
      filters = _variable("filters_%d" % width, [width, 4, 2], use_resource)
      convolved = tf.nn.relu(tf.nn.conv1d(words, filters, 1, "VALID"))
      features.append(tf.reduce_max(convolved, axis=1))
    softmax = _variable("softmax", [4, 2], use_resource, scale=0.1)
    bias = _variable("bias", [2], use_resource, scale=9.)
    logits = tf.matmul(tf.concat(features, axis=1), softmax) + bias
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=[0, 1], logits=logits))

    weights = [v for v in tf.trainable_variables() if v.shape.ndims > 1]
    opt = tf.train.AdamOptimizer(0.1)
    train_op = opt.minimize(loss)
    clip_op = clip_class(
        opt, {w: list(range(w.shape.ndims)) for w in weights},
        max_norm=3).minimize(loss)

  sess.run(tf.global_variables_initializer())
  results = {"names": [var.op.name for var in tf.global_variables()]}
  for name, step in (("unclipped", train_op), ("clipped", clip_op)):
    sess.run(step)
    sess.run(step)
    results[name] = sess.run({v.op.name: v for v in tf.trainable_variables()})
  return results


class CallSitesTest(test_util.GraphTestCase):

  def _run(self, model, *args):
    """Returns the results of `model`, which tf.contrib must reproduce."""
    runs = []
    for module in (scenarios.contrib_opt, tf_contrib_opt):
      if module is not None:
        with tf.Graph().as_default() as graph, tf.Session():
          results = model(module.VariableClippingOptimizer, *args)
          runs.append((graph.as_graph_def(), results))
    for graph_def, results in runs[:-1]:
      self.assertEqual(graph_def, runs[-1][0])
      for want, got in zip(tf.nest.flatten(results),
                           tf.nest.flatten(runs[-1][1])):
        self.assertAllEqual(want, got)
    return runs[-1][1]

  @with_variable_kinds(
      ("_gradient_descent", lambda: tf.train.GradientDescentOptimizer(1.)),
      ("_adam", lambda: tf.train.AdamOptimizer(0.5)))
  def test_adversarial_attack(self, create_inner, use_resource):
    results = self._run(_attack, create_inner, use_resource)
    for attack in ("first", "second"):
      norms = _norms(results[attack]["modifier"], [1, 2, 3])
      self.assertAllClose([0.5, 0.5, 0.], norms, rtol=1e-6, atol=0)
      before, after = results[attack]["before"], results[attack]["after"]
      self.assertAllLess(after[:2] - before[:2], 0.)
      self.assertEqual(before[2], after[2])
    self.assertAllClose(results["first"], results["again"], rtol=0, atol=0)

  @with_variable_kinds()
  def test_wgan(self, use_resource):
    results = self._run(_wgan, use_resource)
    norms = {name: _norms(value, []) for name, value in results.items()}
    for name in ("bias", "hidden", "output", "scale"):
      self.assertAllClose(0.1, np.max(norms["critic/" + name]), rtol=1e-6)
    self.assertLess(np.min(norms["critic/hidden"]), 0.09)
    self.assertGreater(np.max(norms["generator/weights"]), 0.5)

  @with_variable_kinds()
  def test_text_classifier(self, use_resource):
    results = self._run(_text_classifier, use_resource)
    trainable = ["classifier/" + name for name in (
        "embeddings", "filters_2", "filters_3", "softmax", "bias")]
    slots = ["classifier/%s/%s" % (name, slot)
             for name in trainable for slot in ("Adam", "Adam_1")]
    powers = ["classifier/beta1_power", "classifier/beta2_power"]
    self.assertCountEqual(trainable + slots + powers, results["names"])
    unclipped, clipped = [
        [_norms(results[step][name], range(results[step][name].ndim))
         for name in trainable] for step in ("unclipped", "clipped")]
    self.assertAllGreater(unclipped[:3], 3.1)
    self.assertAllClose([3., 3., 3.], clipped[:3], rtol=1e-6, atol=0)
    self.assertLess(clipped[3], 2.)  # This weight is inside the bound.
    self.assertGreater(clipped[4], 9.)  # The bias is not a key.


if __name__ == "__main__":
  tf.test.main()
