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
"""Checks that pip, Bazel, tox and the README agree with each other."""

from __future__ import absolute_import, division, print_function

import os
import re
import shutil
import subprocess
import sys
import unittest

import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt


def _versions(pattern, text):
  """Returns the sorted (major, minor) that the groups of a pattern match."""
  return sorted(
      set(tuple(map(int, groups)) for groups in re.findall(pattern, text)))


class PackagingTest(test_util.TestCase):

  def test_public_names(self):
    self.assertCountEqual(
        ["VariableClippingOptimizer", "variable_clipping_optimizer"],
        [name for name in dir(tf_contrib_opt) if name[0] != "_"])
    # help(tf_contrib_opt) shows these names.
    self.assertEqual(["VariableClippingOptimizer"], tf_contrib_opt.__all__)

  def test_bazel_files_have_the_same_name_and_version(self):
    name, = re.findall(r'workspace\(name = "(.+)"', test_util.read("WORKSPACE"))
    module = 'module(\n    name = "%s",\n    version = "%s",\n)' % (
        name, tf_contrib_opt.__version__)
    self.assertIn(module, test_util.read("MODULE.bazel"))

  def test_wheel_has_the_types(self):
    root = self.get_temp_dir()
    package = os.path.join(root, "tf_contrib_opt")
    shutil.copytree(os.path.join(test_util.ROOT, "tf_contrib_opt"), package)
    for name in "README.md", "setup.py":
      shutil.copy(os.path.join(test_util.ROOT, name), root)
    # On a file system that ignores case, the file BUILD is in the way of a
    # directory "build".
    open(os.path.join(root, "build"), "w").close()
    subprocess.check_call([sys.executable, "setup.py", "-q", "build"], cwd=root)
    lib = os.path.join(root, ".build", "lib")
    self.assertEqual(["tf_contrib_opt"], os.listdir(lib))
    modules = [f for f in os.listdir(package) if f.endswith(".py")]
    self.assertCountEqual(
        modules + [f + "i" for f in modules] + ["py.typed"],
        os.listdir(os.path.join(lib, "tf_contrib_opt")))

  def test_tests_run_with_bazel(self):
    """Bazel runs each file as a program, which must start its tests."""
    for name in os.listdir(os.path.join(test_util.ROOT, "tests")):
      if name.endswith("_test.py"):
        self.assertEndsWith(
            test_util.read("tests", name),
            '\n\nif __name__ == "__main__":\n  tf.test.main()\n')

  def test_claimed_versions_are_those_of_tox(self):
    tox = test_util.read("tox.ini")
    environments = "\n".join(
        re.findall(r"^  tf[\d.]+-py\d+$", tox, re.MULTILINE))
    candidates = _versions(r"==(\d+)\.(\d+)\.\d+rc", tox)
    tensorflow = [version for version in _versions(
        r"tf(\d+)\.(\d+)", environments) if version not in candidates]
    python = _versions(r"py(\d)(\d+)", environments)
    minors = range(tensorflow[-1][1] + 1)
    self.assertEqual([(1, 14), (1, 15)] + [(2, i) for i in minors], tensorflow)
    minors = range(6, python[-1][1] + 1)
    self.assertEqual([(2, 7)] + [(3, i) for i in minors], python)
    claim = "TensorFlow 1.14 to %d.%d" % tensorflow[-1]
    setup = test_util.read("setup.py")
    self.assertIn(claim, re.sub(r'"\s+"', "", setup))
    self.assertEqual(python, _versions(r"Python :: (\d)\.(\d+)", setup))
    self.assertEqual([(3, i) for i in range(6)],
                     _versions(r"!=(\d)\.(\d+)\.\*", setup))
    claim += " with Python 2.7 and 3.6 to %d.%d" % python[-1]
    self.assertIn(claim, " ".join(test_util.read("README.md").split()))

  @unittest.skipUnless("TOX_ENV_NAME" in os.environ, "Needs tox.")
  def test_environment(self):
    """The environment has the versions in its name, and imports its library.

    The library is the copy that tox installed, and not the working tree.
    """
    versions = tuple(tf.__version__.split(".")[:2]) + sys.version_info[:2]
    self.assertEqual("tf%s.%s-py%d%d" % versions, os.environ["TOX_ENV_NAME"])
    self.assertNotEqual(
        os.path.join(test_util.ROOT, "tf_contrib_opt"),
        os.path.dirname(tf_contrib_opt.__file__))


if __name__ == "__main__":
  tf.test.main()
