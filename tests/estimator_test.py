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
"""The optimizer in a model function of tf.estimator."""

from __future__ import absolute_import, division, print_function

import os

from absl import logging
from golden import record
import numpy as np
import scenarios
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

with_variable_kinds = test_util.with_variable_kinds

_ROWS = np.random.RandomState(0).randn(6, 4).astype(np.float32) / 2
_IDS = [2, 0]
_LABELS = [3., 5.]

# Names of variables in a checkpoint of tf.contrib and TensorFlow 1.14.0.
_NAMES = ("VariableClipping/beta1_power", "VariableClipping/beta2_power",
          "global_step", "plain", "plain/Adam", "plain/Adam_1")


def _model_fn(features, labels, mode, params):
  """Fits squared norms to labels over the bound, so that each step clips."""
  rows = tf.get_variable(
      "plain",
      initializer=tf.constant(_ROWS),
      use_resource=params["use_resource"])
  squares = tf.reduce_sum(
      tf.square(tf.nn.embedding_lookup(rows, features["ids"])), axis=1)
  loss = tf.losses.mean_squared_error(labels, squares)
  opt = params["clip_class"](
      tf.train.AdamOptimizer(0.1), {rows: [1]}, max_norm=1.)
  train_op = opt.minimize(loss, global_step=tf.train.get_global_step())
  return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)


def _input_fn():
  return tf.data.Dataset.from_tensors(({"ids": _IDS}, _LABELS)).repeat(9)


def _variables(estimator):
  """Returns a dict from names to values in the latest checkpoint."""
  return {name: estimator.get_variable_value(name)
          for name in estimator.get_variable_names()}


@test_util.needs_estimator
class EstimatorTest(test_util.GraphTestCase):

  def _estimator(self, use_resource, directory, module=tf_contrib_opt,
                 **kwargs):
    """Returns an Estimator with the VariableClippingOptimizer of `module`."""
    return tf.estimator.Estimator(
        _model_fn,
        os.path.join(self.get_temp_dir(), directory),
        params={
            "use_resource": use_resource,
            "clip_class": module.VariableClippingOptimizer,
        },
        **kwargs)

  @with_variable_kinds()
  def test_train_and_evaluate(self, use_resource):
    estimator = self._estimator(use_resource, "model")
    estimator.train(_input_fn, steps=4)
    rows = estimator.get_variable_value("plain")
    self.assertAllClose([1., 1.], np.linalg.norm(rows[_IDS], axis=1))
    self.assertAllEqual(_ROWS[[1, 3, 4, 5]], rows[[1, 3, 4, 5]])
    metrics = estimator.evaluate(_input_fn, steps=1)
    self.assertEqual(4, metrics["global_step"])
    self.assertAllClose((2.**2 + 4.**2) / 2, metrics["loss"])

  @with_variable_kinds()
  def test_resume(self, use_resource):
    """Resumed training gives the same bits as training without a break."""
    uninterrupted = self._estimator(use_resource, "uninterrupted")
    uninterrupted.train(_input_fn, steps=4)
    for _ in range(2):
      resumed = self._estimator(use_resource, "resumed")
      resumed.train(_input_fn, steps=2)
    values = _variables(resumed)
    self.assertEqual(4, values["global_step"])
    self.assertAllClose(_variables(uninterrupted), values, rtol=0, atol=0)

  @with_variable_kinds()
  @scenarios.needs_contrib
  def test_resume_from_contrib(self, use_resource):
    """The result is as if tf.contrib had made all steps."""
    uninterrupted = self._estimator(
        use_resource, "uninterrupted", scenarios.contrib_opt)
    uninterrupted.train(_input_fn, steps=4)
    for module in (scenarios.contrib_opt, tf_contrib_opt):
      resumed = self._estimator(use_resource, "resumed", module)
      resumed.train(_input_fn, steps=2)
    self.assertAllClose(_variables(uninterrupted), _variables(resumed))

  @with_variable_kinds()
  def test_warm_start(self, use_resource):
    """A step from a checkpoint of 1.14.0 gives the same values as NumPy."""
    path = os.path.join(record.DIRECTORY, "saved_adam")
    estimator = self._estimator(
        use_resource, "model", warm_start_from=tf.estimator.WarmStartSettings(
            path, vars_to_warm_start=[".*"]))
    estimator.train(_input_fn, steps=1)

    reader = tf.train.load_checkpoint(path)
    power1, power2, step, rows, m, v = [
        reader.get_tensor(name).astype(np.float64) for name in _NAMES]
    grad = np.zeros_like(rows)
    grad[_IDS] = 2 * rows[_IDS] * (
        np.sum(rows[_IDS]**2, axis=1, keepdims=True) - [[3.], [5.]])
    m += 0.1 * (grad - m)
    v += 0.001 * (grad**2 - v)
    rows -= 0.1 * np.sqrt(1 - power2) / (1 - power1) * m / (np.sqrt(v) + 1e-8)
    norms = np.linalg.norm(rows[_IDS], axis=1, keepdims=True)
    self.assertAllGreater(norms, 1.01)
    rows[_IDS] /= norms
    expected = 0.9 * power1, 0.999 * power2, step + 1, rows, m, v
    self.assertAllClose(dict(zip(_NAMES, expected)), _variables(estimator))

  def test_model_to_estimator_warns(self):
    """The Estimator trains copies of the model's variables, not the keys."""
    layer = tf.keras.layers.Embedding(6, 4, input_length=1)
    model = tf.keras.Sequential([layer, tf.keras.layers.Flatten()])
    layer.build([None, 1])
    model.compile(
        tf_contrib_opt.VariableClippingOptimizer(
            tf.train.AdagradOptimizer(0.1), {layer.embeddings: [1]}, 1.), "mse")
    with tf.test.mock.patch.object(logging, "warning") as warning:
      estimator = tf.keras.estimator.model_to_estimator(
          model, model_dir=os.path.join(self.get_temp_dir(), "model"))
      estimator.train(
          lambda: tf.data.Dataset.from_tensors(([[0]], [[1.] * 4])).repeat(2))
    self.assertEqual(1, warning.call_count)
    self.assertIn(layer.embeddings.name, warning.call_args[0])

  @with_variable_kinds()
  def test_saved_model(self, use_resource):
    """Exports a graph for training, which clips (D11)."""
    estimator = self._estimator(use_resource, "model")
    estimator.train(_input_fn, steps=2)
    features = {"ids": tf.placeholder(tf.int32, [None])}
    labels = tf.placeholder(tf.float32, [None])
    experimental = tf.estimator.experimental
    path = estimator.experimental_export_all_saved_models(
        os.path.join(self.get_temp_dir(), "export"), {
            tf.estimator.ModeKeys.TRAIN:
                experimental.build_raw_supervised_input_receiver_fn(
                    features, labels),
        })

    with tf.Graph().as_default(), tf.Session() as sess:
      model = tf.saved_model.loader.load(sess, ["train"], path)
      inputs = model.signature_def["train"].inputs
      train_op, = tf.get_collection(tf.GraphKeys.TRAIN_OP)
      for _ in range(2):
        sess.run(train_op,
                 {inputs["ids"].name: _IDS, inputs["label"].name: _LABELS})
      values = sess.run({var.op.name: var for var in tf.global_variables()})
    estimator.train(_input_fn, steps=2)
    self.assertAllClose(_variables(estimator), values)


if __name__ == "__main__":
  tf.test.main()
