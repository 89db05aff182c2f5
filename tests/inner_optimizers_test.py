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
"""Inner optimizers that lack some methods or state of `tf.train.Optimizer`."""

from __future__ import absolute_import, division, print_function

import os

import numpy as np
import scenarios
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

clip = test_util.clip
with_variable_kinds = test_util.with_variable_kinds

_CLIPPED = [[0.6, 0.8], [6., 8.]]


def _get_variable(use_resource):
  return test_util.get_variable([[3., 4.], [6., 8.]], use_resource)


class ApplyOnly(object):
  """Has only `apply_gradients`."""

  def __init__(self, opt):
    self._opt = opt

  def apply_gradients(self, *args, **kwargs):
    return self._opt.apply_gradients(*args, **kwargs)


class Wrapper(ApplyOnly):
  """Has all methods that `minimize` and a `tf.train.Saver` need."""

  def compute_gradients(self, *args, **kwargs):
    return self._opt.compute_gradients(*args, **kwargs)

  def get_slot(self, *args, **kwargs):
    return self._opt.get_slot(*args, **kwargs)

  def get_slot_names(self):
    return self._opt.get_slot_names()


class WithSlots(object):
  """Has no `__dict__`."""

  __slots__ = ["apply_gradients", "compute_gradients"]

  def __init__(self, opt):
    self.apply_gradients = opt.apply_gradients
    self.compute_gradients = opt.compute_gradients


class WithoutSuper(Wrapper, tf.train.Optimizer):
  """Does not call the constructor of `tf.train.Optimizer`."""


class WithConfig(tf.train.GradientDescentOptimizer):
  """Has `get_config`, as Keras optimizers do."""

  def __init__(self, opt):
    super(WithConfig, self).__init__(opt._learning_rate)

  def get_config(self):
    return {}


class Delegate(ApplyOnly):
  """Delegates all attributes, and has `get_config`, as Keras optimizers do."""

  def __getattr__(self, name):
    if name == "get_config":
      return lambda: {}
    return getattr(self._opt, name)


class InnerOptimizersTest(test_util.GraphTestCase):

  @with_variable_kinds(
      ("_wrapper", Wrapper), ("_delegate", Delegate), ("_slots", WithSlots),
      ("_without_super", WithoutSuper), ("_config", WithConfig))
  def test_minimize(self, wrap, use_resource):
    var = _get_variable(use_resource)
    opt = clip({var: [1]}, opt=wrap(tf.train.GradientDescentOptimizer(0.)))
    self.train(opt.minimize(test_util.lookup(var, [0])))
    self.assertAllClose(_CLIPPED, self.sess.run(var))

  @with_variable_kinds()
  def test_apply_gradients_alone(self, use_resource):
    var = _get_variable(use_resource)
    opt = clip({var: [1]}, opt=ApplyOnly(tf.train.GradientDescentOptimizer(0.)))
    gradient = tf.IndexedSlices(tf.zeros([1, 2]), tf.constant([0]))
    self.train(opt.apply_gradients([(gradient, var)]))
    self.assertAllClose(_CLIPPED, self.sess.run(var))
    self.assertEmpty(opt.variables())
    with self.assertRaises(AttributeError):
      opt.minimize(test_util.lookup(var, [0]))

  @with_variable_kinds()
  def test_variables(self, use_resource):
    """The inner optimizer has the method, but is not a `tf.train.Optimizer`."""

    class WithVariables(Wrapper):

      def variables(self):
        return self._opt.variables()

    var = _get_variable(use_resource)
    inner = WithVariables(tf.train.MomentumOptimizer(1., 0.))
    opt = clip({var: [1]}, opt=inner)
    opt.minimize(tf.reduce_sum(var))
    self.assertEqual(["var/Momentum"], [v.op.name for v in opt.variables()])

    class Broken(tf.train.GradientDescentOptimizer):

      def variables(self):
        return self.no_such_attribute

    with self.assertRaisesRegex(AttributeError, "no_such_attribute"):
      clip({var: [1]}, opt=Broken(1.)).variables()

  @with_variable_kinds(
      ("_wrapper", Wrapper, False), ("_without_super", WithoutSuper, False),
      ("_delegate", Delegate, True))
  def test_checkpoint(self, wrap, has_slots, use_resource):
    """As with tf.contrib, slots are lost if the optimizer hides them."""
    var = _get_variable(use_resource)
    inner = tf.train.MomentumOptimizer(0.1, 0.9)
    opt = clip({var: [1]}, opt=wrap(inner))
    train_op = opt.minimize(tf.reduce_sum(var))
    self.assertLen(opt.variables(), int(has_slots))
    values = [var] + opt.variables()
    self.train(train_op)
    checkpoint = tf.train.Checkpoint(var=var, opt=opt)
    with self.sess.as_default():
      path = checkpoint.save(os.path.join(self.get_temp_dir(), "ckpt"))
    saved = self.sess.run(values)
    self.initialize()
    checkpoint.restore(path).run_restore_ops(self.sess)
    for want, got in zip(saved, self.sess.run(values)):
      self.assertAllEqual(want, got)
    if not has_slots:
      slot = inner.get_slot(var, "momentum")
      self.assertAllEqual(np.zeros([2, 2]), self.sess.run(slot))


@scenarios.needs_contrib
class ContribTest(test_util.GraphTestCase):
  """Wraps optimizers of tf.contrib with its class and with this library's."""

  def _check(self, create, use_resource):
    """Returns the optimizer of this library, after a step with each."""
    for module in (scenarios.contrib_opt, tf_contrib_opt):
      with tf.variable_scope(module.__name__.split(".")[0]):
        var = _get_variable(use_resource)
        opt = module.VariableClippingOptimizer(
            create(tf.train.AdamOptimizer(0.)), {var: [1]}, 1.)
        train_op = opt.minimize(tf.reduce_sum(var), var_list=[var])
      self.train(train_op)
      self.assertAllClose([[0.6, 0.8], [0.6, 0.8]], self.sess.run(var))
    return opt

  @with_variable_kinds()
  def test_multitask(self, use_resource):
    opt = self._check(
        scenarios.contrib_opt.MultitaskOptimizerWrapper, use_resource)
    self.assertLen(opt.variables(), 4)

  @with_variable_kinds()
  def test_moving_average(self, use_resource):
    """This optimizer does not call the constructor of `tf.train.Optimizer`."""
    create = scenarios.contrib_opt.MovingAverageOptimizer
    self.assertEmpty(self._check(create, use_resource).variables())

  @with_variable_kinds()
  def test_loss_scale(self, use_resource):
    """This optimizer does not call the constructor of `tf.train.Optimizer`."""
    from tensorflow.contrib import mixed_precision

    def create(opt):
      return mixed_precision.LossScaleOptimizer(
          opt, mixed_precision.FixedLossScaleManager(8.))

    self.assertEmpty(self._check(create, use_resource).variables())

  @with_variable_kinds()
  def test_checkpoint_of_an_optimizer_without_state(self, use_resource):
    from tensorflow.contrib import estimator
    names = []
    for module in (scenarios.contrib_opt, tf_contrib_opt):
      with tf.Graph().as_default(), tf.Session() as sess:
        var = _get_variable(use_resource)
        opt = module.VariableClippingOptimizer(
            estimator.TowerOptimizer(tf.train.AdamOptimizer(0.1)), {var: [1]},
            1.)
        opt.minimize(test_util.lookup(var, [0]))
        sess.run(tf.global_variables_initializer())
        path = tf.train.Checkpoint(var=var, opt=opt).save(
            os.path.join(self.get_temp_dir(), "ckpt"))
        names.append(sorted(name for name, _ in tf.train.list_variables(path)))
    self.assertEqual(*names)
    self.assertLen(names[0], 5)


if __name__ == "__main__":
  tf.test.main()
