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
"""Tests that the examples bound the norms that they print."""

from __future__ import absolute_import, division, print_function

import os

import numpy as np
import tensorflow.compat.v1 as tf
import test_util


class ExamplesTest(test_util.TestCase):

  def _start(self, name, *flags):
    return self.start_python(
        os.path.join(test_util.ROOT, "examples", name + ".py"), *flags)

  def test_word_vectors(self):
    model_dir = os.path.join(self.get_temp_dir(), "model")
    flags = "--model_dir=" + model_dir, "--max_norm=0.5"
    program = self._start("word_vectors", "--steps=300", *flags)
    program.expect(r" 300/300 +\S+ +\S+ +(\S+) +(\S+)")
    largest_norms = list(program.match.groups())
    for model, largest_norm in zip(["unclipped", "clipped"], largest_norms):
      program.expect(r"\n +{} +(\S+) ".format(model))
      self.assertEqual(largest_norm, program.match.group(1))
      rows = tf.train.load_variable(model_dir, model + "/embeddings")
      norms = np.linalg.norm(rows, axis=1)
      self.assertAllClose(float(largest_norm), norms.max(), atol=5e-4)
    self.assertGreater(float(largest_norms[0]), 0.6)
    self.assertEqual("0.500", largest_norms[1])
    program.expect(r"To train further: \S+ (.*)\n")
    arguments = program.match.group(1).split()
    self.check_success(program)
    self.assertTrue(os.path.exists(os.path.join(model_dir, "norms.png")))

    program = self.start_python(*arguments)
    program.expect(r"Resuming from step 300\.[\s\S]* 600/600 .* 0\.500")
    self.check_success(program)

  def test_digits(self):
    plot = os.path.join(self.get_temp_dir(), "digits.png")
    program = self._start(
        "digits", "--steps=5", "--max_norm=0.5", "--plot=" + plot)
    program.expect(r"\n +None +(\S+) +(\S+)% +\S+% +\+0\.0 \(0\.0\)")
    norm, validation = map(float, program.match.groups())
    self.assertGreater(norm, 1)
    program.expect(r"\n +0\.5 +0\.500 +(\S+)% +(\S+)% +\S+ \(\S+\)")
    clipped_validation, test = map(float, program.match.groups())
    self.assertBetween(test, 10, 100)
    program.expect(r"Best on the validation digits: max_norm=(\S+)")
    self.assertEqual("0.5" if clipped_validation > validation else "None",
                     program.match.group(1))
    self.check_success(program)
    self.assertTrue(os.path.exists(plot))


if __name__ == "__main__":
  tf.test.main()
