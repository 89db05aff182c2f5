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
import io
import os
import shutil
import subprocess
import sys

from absl.testing import absltest
import tensorflow.compat.v1 as tf
import tf_contrib_opt

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _read(*path):
  with io.open(os.path.join(_ROOT, *path), encoding="utf-8") as f:
    return f.read()


def _calls(*path):
  """Returns the keyword arguments of each call in a BUILD file, by function."""
  calls = collections.defaultdict(list)

  class Functions(dict):

    def __missing__(self, name):
      def call(*_, **kwargs):
        calls[name].append(kwargs)
        return []

      return call

  exec(_read(*path), {}, Functions())  # BUILD files are Python.
  return calls


def _sources(rule, package):
  return sorted(
      src for call in _calls(package, "BUILD")[rule] for src in call["srcs"])


def _python_files(*path):
  files = os.listdir(os.path.join(_ROOT, *path))
  return sorted(name for name in files if name.endswith(".py"))


def _setup(command, root=_ROOT):
  return subprocess.check_output(
      [sys.executable, "setup.py", "-q", command], cwd=root).decode()


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
    shutil.copytree(os.path.join(_ROOT, "tf_contrib_opt"),
                    os.path.join(root, "tf_contrib_opt"))
    for name in "README.md", "setup.py":
      shutil.copy(os.path.join(_ROOT, name), root)
    # Where file names ignore case, BUILD is in the way of a directory "build".
    open(os.path.join(root, "build"), "w").close()
    _setup("build", root=root)
    lib = os.path.join(root, ".build", "lib")
    self.assertEqual(os.listdir(lib), ["tf_contrib_opt"])
    files = _python_files("tf_contrib_opt")
    self.assertEqual(_python_files(lib, "tf_contrib_opt"), files)
    self.assertEqual(_sources("py_library", "tf_contrib_opt"), files)

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
          _read("tests", name).endswith(
              '\n\nif __name__ == "__main__":\n  tf.test.main()\n'), name)


if __name__ == "__main__":
  tf.test.main()
