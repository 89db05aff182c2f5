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
"""Runs what README.md and docs/ show, in this order.

The first line of a fenced block is "```language [file] [requirement]".

* python: A program, which is written to the file if there is one. If the file
  is in tests/, the program is its end, and another test runs it.
* diff: A change of the last program above it that has the old lines. If there
  is none, some program has to contain the new lines.
* no language: The output of the program above it.
* sh: Commands, which run if they have a requirement.

A requirement is a range of versions of TensorFlow, or a missing package.
"""

import operator
import os
import re
import shutil
import subprocess
import sys

import tensorflow.compat.v1 as tf
import test_util

_DOCS = "\n".join([test_util.read("README.md")] + [
    test_util.read("docs", name)
    for name in sorted(os.listdir(os.path.join(test_util.ROOT, "docs")))
    if name.endswith(".md")])
_BLOCKS = re.findall(
    r"^```(\w*) ?(.*)\n([\s\S]*?)^```$", _DOCS, flags=re.MULTILINE)
_COMPARE = {"<": operator.lt, ">=": operator.ge}


def _can_run(info):
  return not re.search("horovod|tensorflow-gan", info) and all(
      _COMPARE[sign](test_util.VERSION, tuple(map(int, number.split("."))))
      for sign, number in re.findall(r"(<|>=)([\d.]+)", info))


def _apply(diff, programs):
  """Returns the last program with all old lines, changed, or None."""
  parts = [["".join(re.findall("^[%s](.*\n)" % signs, part, re.MULTILINE))
            for signs in (" -", " +")] for part in diff.split("@@\n")]
  for program in reversed(programs):
    if all(old in program for old, _ in parts):
      for old, new in parts:
        program = program.replace(old, new)
      return program


class DocsTest(test_util.TestCase):

  def _run(self, *command):
    return subprocess.check_output(command, cwd=self.directory, env=dict(
        os.environ, PYTHONPATH=":".join(sys.path), PATH=":".join(
            [os.path.dirname(sys.executable), os.environ["PATH"]]))).decode()

  def test_blocks(self):
    self.directory = os.path.join(self.get_temp_dir(), "work")
    shutil.copytree(os.path.join(test_util.ROOT, "tests", "golden"),
                    os.path.join(self.directory, "tests", "golden"),
                    ignore=shutil.ignore_patterns("*.py"))
    programs = []
    for language, info, text in _BLOCKS:
      program = _apply(text, programs) if language == "diff" else text
      if language == "python" or language == "diff" and program:
        programs.append(program)
        output = None
        path = os.path.join(self.directory, info.split(" ")[0])
        if path.endswith(".py"):
          with open(path, "w") as f:
            f.write(program)
        if info.startswith("tests/"):
          self.assertEndsWith(test_util.read(info), program)
        elif _can_run(info):
          output = self._run(sys.executable, "-c", program)
      elif language == "diff" and _can_run(info):
        added = set(re.findall(r"^\+(.+)", text, flags=re.MULTILINE))
        self.assertTrue(any(added <= set(program.splitlines())
                            for _, _, program in _BLOCKS), text)
      elif language == "sh" and info and _can_run(info):
        self._run("sh", "-ec", text)
      elif not language and output is not None:
        self.assertEqual(text, output, programs[-1])

    before, clipped, model = [
        tf.train.load_checkpoint(os.path.join(self.directory, name))
        for name in ("before", "clipped", "model")]
    # TensorFlow 1.15 runs train.py as it is, and all but 1.14 convert it.
    self.assertEqual(40 if test_util.VERSION == (1, 15) else 20,
                     before.get_tensor("global_step"))
    rows = before.get_tensor("embeddings")[[0, 2, 5]]
    self.assertAllClose([1., 1., 1.], (rows**2).sum(axis=1))
    # Clipping began with the state of the inner optimizer.
    self.assertAllClose(
        0.9**3, clipped.get_tensor("VariableClipping/beta1_power"))
    # A session continued from an Estimator, if there is one.
    self.assertEqual(200 if hasattr(tf, "estimator") else 100,
                     model.get_tensor("global_step"))

  def test_lines_that_clip_all_rows(self):
    lines = re.findall(r"`([^`\n]*assign\(tf\.clip_by_norm[^`\n]*)`", _DOCS)
    self.assertNotEmpty(lines)
    for line in lines:
      with tf.Graph().as_default(), tf.Session() as sess:
        embeddings = tf.get_variable(
            "embeddings", [2, 4], initializer=tf.ones_initializer(),
            partitioner=tf.fixed_size_partitioner(1 + ("for v in" in line)))
        sess.run(tf.global_variables_initializer())
        scope = {"tf": tf, "sess": sess, "embeddings": embeddings}
        exec(line, scope)  # pylint: disable=exec-used
        sess.run(scope.get("clip_all", []))
        self.assertAllClose([[0.5] * 4] * 2, sess.run(tf.identity(embeddings)))


if __name__ == "__main__":
  tf.test.main()
