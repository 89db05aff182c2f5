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
"""What is claimed is what tox.ini tests, and is tested there."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import os
import re
import sys
import unittest

import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt


def _versions(pattern, text):
  """Returns the sorted (major, minor) that the groups of a pattern match."""
  return sorted(
      set(tuple(map(int, groups)) for groups in re.findall(pattern, text)))


class VersionsTest(test_util.TestCase):

  def test_claims(self):
    environments = "\n".join(re.findall(
        r"^  tf[\d.]+-py\d+$", test_util.read("tox.ini"), re.MULTILINE))
    tensorflow = _versions(r"tf(\d+)\.(\d+)", environments)
    python = _versions(r"py(\d)(\d+)", environments)
    minors = list(range(tensorflow[-1][1] + 1))
    self.assertEqual([(1, 14), (1, 15)] + [(2, i) for i in minors], tensorflow)
    minors = range(6, python[-1][1] + 1)
    self.assertEqual([(2, 7)] + [(3, i) for i in minors], python)

    claim = "TensorFlow 1.14 to %d.%d" % tensorflow[-1]
    setup = test_util.read("setup.py")
    self.assertIn(claim, re.sub(r'"\s+"', "", setup))
    self.assertEqual(python, _versions(r"Python :: (\d)\.(\d+)", setup))
    self.assertIn('python_requires=(">=%d.%d,' % python[0], setup)
    self.assertEqual([(3, i) for i in range(python[1][1])],
                     _versions(r"!=(\d)\.(\d+)\.\*", setup))
    claim += " with Python 2.7 and 3.6 to %d.%d" % python[-1]
    self.assertIn(claim, " ".join(test_util.read("README.md").split()))

  @unittest.skipUnless("TOX_ENV_NAME" in os.environ, "Needs tox.")
  def test_environment(self):
    versions = tuple(tf.__version__.split(".")[:2]) + sys.version_info[:2]
    self.assertEqual("tf%s.%s-py%d%d" % versions, os.environ["TOX_ENV_NAME"])
    self.assertNotEqual(
        os.path.join(test_util.ROOT, "tf_contrib_opt"),
        os.path.dirname(tf_contrib_opt.__file__))


if __name__ == "__main__":
  tf.test.main()
