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
"""pip and Bazel agree on the version, the files and the tests."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

from absl.testing import absltest
import six
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

_IMPORT_WITHOUT_TENSORFLOW = """
import os
import sys
import absl.logging
import numpy
import six
sys.path[:] = sys.argv[1:] + [
    path for path in sys.path
    if not os.path.exists(os.path.join(path, "tensorflow"))]
import tf_contrib_opt
"""


def _calls(*path):
  """Returns the keyword arguments of each call in a BUILD file, by function."""
  calls = collections.defaultdict(list)

  class Functions(dict):

    def __missing__(self, name):
      def call(*_, **kwargs):
        calls[name].append(kwargs)
        return []

      return call

  functions = Functions(package_name=lambda: path[0])
  exec(test_util.read(*path), {}, functions)  # BUILD files are Python.
  return calls


def _sources(rule, package, attribute="srcs"):
  return sorted(
      src for call in _calls(package, "BUILD")[rule] for src in call[attribute])


def _python_files(*path):
  files = os.listdir(os.path.join(test_util.ROOT, *path))
  return sorted(name for name in files if name.endswith(".py"))


def _setup(command, root=test_util.ROOT):
  return subprocess.check_output(
      [sys.executable, "setup.py", "-q", command], cwd=root,
      env=dict(os.environ, PYTHONIOENCODING="utf-8")).decode("utf-8")


class PackagingTest(absltest.TestCase):

  def test_version(self):
    module, = _calls("MODULE.bazel")["module"]
    self.assertEqual(module["version"], tf_contrib_opt.__version__)
    self.assertEqual(_setup("--version").strip(), tf_contrib_opt.__version__)

  def test_repository_name(self):
    module, = _calls("MODULE.bazel")["module"]
    workspace, = _calls("WORKSPACE")["workspace"]
    self.assertEqual(module["name"], workspace["name"])

  def test_package(self):
    root = tf.test.get_temp_dir()
    shutil.copytree(os.path.join(test_util.ROOT, "tf_contrib_opt"),
                    os.path.join(root, "tf_contrib_opt"))
    for name in "README.md", "setup.py":
      shutil.copy(os.path.join(test_util.ROOT, name), root)
    # Where file names ignore case, BUILD is in the way of a directory "build".
    open(os.path.join(root, "build"), "w").close()
    _setup("build", root=root)
    lib = os.path.join(root, ".build", "lib")
    self.assertEqual(os.listdir(lib), ["tf_contrib_opt"])
    files = _python_files("tf_contrib_opt")
    self.assertEqual(_sources("py_library", "tf_contrib_opt"), files)
    types = _sources("py_library", "tf_contrib_opt", "data")
    self.assertEqual(types, sorted(["py.typed"] + [f + "i" for f in files]))
    self.assertCountEqual(
        os.listdir(os.path.join(lib, "tf_contrib_opt")), files + types)

  def test_labels_are_relative(self):
    for package in "", "benchmarks", "examples", "tests", "tf_contrib_opt":
      labels = re.findall(r'"//[^"]+', test_util.read(package, "BUILD"))
      self.assertEqual(set(labels) - {'"//visibility:public'}, set())

  def test_description(self):
    readme = test_util.read("README.md")
    description = _setup("--long-description")
    targets = re.findall(r"\]\(([^)]*)|(?:href|src)=.([^'\"]*)", description)
    for target in filter(None, sum(targets, ())):
      self.assertStartsWith(target, "https://")
    code = re.compile("```.*?```", re.DOTALL)
    self.assertEqual(code.findall(description), code.findall(readme))
    self.assertEqual(
        re.findall("^#.*", description, re.MULTILINE),
        re.findall("^#.*", readme, re.MULTILINE))

  def _import_error(self, tensorflow=None):
    """Returns what import says without TensorFlow, or one of this code."""
    root = tempfile.mkdtemp(dir=tf.test.get_temp_dir())
    shutil.copytree(os.path.join(test_util.ROOT, "tf_contrib_opt"),
                    os.path.join(root, "tf_contrib_opt"))
    if tensorflow is not None:
      os.mkdir(os.path.join(root, "tensorflow"))
      with open(os.path.join(root, "tensorflow", "__init__.py"), "w") as f:
        f.write(tensorflow)
    process = subprocess.Popen(
        [sys.executable, "-c", _IMPORT_WITHOUT_TENSORFLOW, root],
        cwd=root, stderr=subprocess.PIPE)
    error = process.communicate()[1].decode()
    self.assertEqual(process.returncode, 1, error)
    return error

  def test_import_without_tensorflow(self):
    error = self._import_error()
    self.assertIn('pip install "tf-contrib-opt[tensorflow]"', error)
    if six.PY3:  # Errors have a cause there.
      self.assertIn("No module named 'tensorflow'\n", error)
      self.assertIn("was the direct cause", error)

  def test_import_with_broken_tensorflow(self):
    error = self._import_error("import tensorflow_part")
    self.assertIn("tensorflow_part", error.splitlines()[-1])
    self.assertNotIn("pip", error)

  def test_programs(self):
    for package in "benchmarks", "examples":
      self.assertEqual(_sources("py_binary", package), _python_files(package))

  def test_tests(self):
    files = _python_files("tests")
    tests = [name for name in files if name.endswith("_test.py")]
    self.assertEqual(_sources("py_test", "tests"), tests)
    self.assertEqual(
        _sources("py_library", "tests"), sorted(set(files) - set(tests)))

  def test_tests_run_with_bazel(self):
    for name in _sources("py_test", "tests"):
      self.assertTrue(
          test_util.read("tests", name).endswith(
              '\n\nif __name__ == "__main__":\n  tf.test.main()\n'), name)


if __name__ == "__main__":
  tf.test.main()
