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
"""Compares this library with tf.contrib on TensorFlow 1.14 and 1.15.

The tests build the first 54 scenarios of scenarios.py. This command runs more:

    TF_CONTRIB_OPT_SCENARIOS=1200 python contrib_test.py
"""

from __future__ import absolute_import, division, print_function

import os

from absl.testing import parameterized
import numpy as np
import scenarios
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

_NUM_SCENARIOS = int(os.environ.get("TF_CONTRIB_OPT_SCENARIOS", 54))


@scenarios.needs_contrib
class ContribTest(test_util.TestCase):

  @parameterized.parameters(*range(_NUM_SCENARIOS))
  def test_scenario(self, seed):
    scenario = scenarios.generate(seed)
    theirs = scenarios.Model(scenario, scenarios.contrib_optimizer)
    self.addCleanup(theirs.close)
    ours = scenarios.Model(scenario, tf_contrib_opt.VariableClippingOptimizer)
    self.addCleanup(ours.close)

    if scenarios.has_negative_dims(scenario):
      # D7 changes only the value of this Const.
      for model in (theirs, ours):
        for node in model.graph_def.node:
          if node.name.endswith("/clip_by_norm/Sum/reduction_indices"):
            del node.attr["value"]
    self.assertProtoEquals(theirs.graph_def, ours.graph_def)
    self.assertEqual([ours.train_op.name],
                     ours.collections.pop(tf.GraphKeys.TRAIN_OP))  # D11
    del theirs.collections[tf.GraphKeys.TRAIN_OP]
    self.assertEqual(theirs.collections, ours.collections)
    self.assertEqual(theirs.train_op.name, ours.train_op.name)
    self.assertEqual(theirs.opt.get_name(), ours.opt.get_name())
    self.assertEqual(theirs.opt.get_slot_names(), ours.opt.get_slot_names())

    # After each step, one model restores what the other one saved.
    path = os.path.join(self.get_temp_dir(), "ckpt")
    max_norm = max(level["max_norm"] for level in scenario["levels"])
    for model, other in ((theirs, ours), (ours, theirs), (theirs, ours)):
      theirs.train()
      ours.train()
      values = ours.values()
      for name, expected in theirs.values().items():
        actual = values.pop(name)
        if name in ours.clipped_by_row:
          ulp = np.spacing(expected.dtype.type(max_norm))
          self.assertAllClose(expected, actual, rtol=0, atol=2 * ulp)
        else:
          self.assertEqual(expected.tobytes(), actual.tobytes(),
                           "{}: {} != {}".format(name, expected, actual))
      self.assertEmpty(values)
      model.save(path)
      other.restore(path)

  @test_util.with_variable_kinds()
  def test_object_based_checkpoint(self, use_resource):
    """In tf.contrib's Checkpoint, only the beta powers of Adam are missing."""

    def build(module):
      var = test_util.get_variable([3., 4.], use_resource)
      opt = module.VariableClippingOptimizer(
          tf.train.AdamOptimizer(0.1), {var: [0]}, max_norm=1.)
      train_op = opt.minimize(tf.reduce_sum(var))
      checkpoint = tf.train.Checkpoint(var=var, optimizer=opt)
      values = [var, opt.get_slot(var, "m"), opt.get_slot(var, "v")]
      return train_op, checkpoint, values, opt

    with tf.Graph().as_default(), tf.Session() as sess:
      train_op, checkpoint, values, _ = build(scenarios.contrib_opt)
      sess.run(tf.global_variables_initializer())
      sess.run(train_op)
      path = checkpoint.save(os.path.join(self.get_temp_dir(), "ckpt"))
      expected = sess.run(values)

    with tf.Graph().as_default(), tf.Session() as sess:
      _, checkpoint, values, opt = build(tf_contrib_opt)
      sess.run(tf.global_variables_initializer())
      status = checkpoint.restore(path)
      status.run_restore_ops(sess)
      for want, got in zip(expected, sess.run(values)):
        self.assertAllEqual(want, got)
      powers = [var for var in opt.variables() if "_power" in var.op.name]
      self.assertAllClose([0.9, 0.999], sess.run(powers))
      with self.assertRaisesRegex(AssertionError, "beta1_power"):
        status.assert_consumed()


if __name__ == "__main__":
  tf.test.main()
