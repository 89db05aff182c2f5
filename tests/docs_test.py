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
"""Runs the code blocks of README.md and docs/, in this order.

The first line of a fenced block is "```language [file] [requirement]".

* python: A program, which is written to the file if the block names one. If the
  file is in tests/, it must end with the program, and another test runs it.
* diff: Changes the last program above that contains the old lines. If no
  program contains them, the new lines must be in some program.
* no language: The output of the program above.
* sh: Commands. They run only if the block names a requirement, and it is met.

A requirement is `tensorflow`, with or without a range of versions. Blocks that
name `horovod` or `tensorflow-gan` never run.
"""

import functools
import json
import operator
import os
import re
import runpy
import shutil
import subprocess
import sys
import traceback

from absl.testing import parameterized
import numpy as np
import tensorflow.compat.v1 as tf
import test_util

_DOCS = "\n".join([test_util.read("README.md")] + [
    test_util.read("docs", name)
    for name in sorted(os.listdir(os.path.join(test_util.ROOT, "docs")))
    if name.endswith(".md")])
_BLOCKS = re.findall(
    r"^```(\w*) ?(.*)\n([\s\S]*?)^```$", _DOCS, flags=re.MULTILINE)
_COMPARE = {"<": operator.lt, ">=": operator.ge}

_ENV = dict(os.environ, PYTHONPATH=":".join(sys.path), PATH=":".join(
    [os.path.dirname(sys.executable), os.environ["PATH"]]))

# Legacy files import the optimizer in these ways.
_TF = "import tensorflow as tf"
_OPTIMIZER = "VariableClippingOptimizer"
_LEGACY_IMPORTS = {
    "plain.py": (_TF, "tf.contrib.opt."),
    "with space.py": (_TF, "tf.contrib.opt."),
    "comment.py": (_TF + "  # pylint: disable=unused-import",
                   "tf.contrib.opt."),
    "from_own_module.py": ("from legacy.common import tf", "tf.contrib.opt."),
    "from_contrib_as.py": (
        _TF + "\nfrom tensorflow.contrib import opt as x", "x."),
    "from_contrib.py": (_TF + "\nfrom tensorflow.contrib import opt", "opt."),
    "module_as.py": (_TF + "\nimport tensorflow.contrib.opt as x", "x."),
    "from_module.py": (
        _TF + "\nfrom tensorflow.contrib.opt import " + _OPTIMIZER, ""),
    "from_long_path.py": (
        _TF + "\nfrom tensorflow.contrib.opt.python.training."
        "variable_clipping_optimizer import " + _OPTIMIZER, ""),
    "other_imports.py": (
        "from tensorflow.keras import layers\n" + _TF + "\n"
        "from tensorflow.python.framework import ops", "tf.contrib.opt."),
    "script": (_TF, "tf.contrib.opt."),
}
_LEGACY_PROGRAM = """{}


def main():
  var = tf.get_variable("var", [2, 4], initializer=tf.ones_initializer())
  optimizer = {}VariableClippingOptimizer(
      tf.train.GradientDescentOptimizer(0.), {{var: [1]}}, max_norm=1.)
  train_op = optimizer.minimize(tf.nn.embedding_lookup(var, [0]))
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(train_op)
    print(sess.run(tf.norm(var, axis=1)).tolist())


if __name__ == "__main__":
  main()
"""
_LEGACY_TEST = """import plain
import tensorflow as tf

with tf.test.mock.patch(
    "tensorflow.contrib.opt.VariableClippingOptimizer") as mock:
  mock.return_value.minimize.return_value = tf.no_op()
  plain.main()
"""


def _write_legacy_files(directory):
  """Writes files, and returns a dict from programs to their output."""
  files = {name: _LEGACY_PROGRAM.format(*imports)
           for name, imports in _LEGACY_IMPORTS.items()}
  plain = files["plain.py"]
  files["crlf.py"] = plain.replace("\n", "\r\n")
  files["indented.py"] = plain.replace(_TF, "").replace(
      "main():", "main():\n  " + _TF)
  files["notebook.ipynb"] = json.dumps({"cells": [
      {"source": [line]} for line in plain.splitlines(True)]}, indent=1)
  outputs = dict.fromkeys(files, "[1.0, 2.0]\n")
  outputs["plain_test.py"] = "[2.0, 2.0]\n"  # The mock does not clip.
  files["plain_test.py"] = _LEGACY_TEST
  files["legacy/__init__.py"] = ""
  files["legacy/common.py"] = _TF + "\n"
  os.mkdir(os.path.join(directory, "legacy"))
  for name, text in files.items():
    with open(os.path.join(directory, name), "wb") as f:
      f.write(text.encode())
  return outputs


def _can_run(info):
  return not re.search("horovod|tensorflow-gan", info) and all(
      _COMPARE[sign](test_util.VERSION, tuple(map(int, number.split("."))))
      for sign, number in re.findall(r"(<|>=)([\d.]+)", info))


_COMMANDS = [(info, text) for language, info, text in _BLOCKS
             if language == "sh" and info and _can_run(info)]


def _apply(diff, programs):
  """Applies the diff to the last program that has all old lines.

  Returns None if there is no such program.
  """
  parts = [["".join(re.findall("^[%s](.*\n)" % signs, part, re.MULTILINE))
            for signs in (" -", " +")] for part in diff.split("@@\n")]
  for program in reversed(programs):
    if all(old in program for old, _ in parts):
      for old, new in parts:
        program = program.replace(old, new)
      return program


def serve():
  """Runs the programs that stdin names, and prints their exit statuses.

  Each program runs in a fork of this process, because to import TensorFlow in a
  new process would take longer than most programs.
  """
  for line in iter(sys.stdin.readline, ""):
    directory, path = line.rstrip("\n").split("\t")
    pid = os.fork()
    if not pid:
      try:
        os.chdir(directory)
        with open(path + ".out", "w") as f:
          os.dup2(f.fileno(), sys.stdout.fileno())
        runpy.run_path(path, run_name="__main__")
        sys.stdout.flush()
        # A normal exit would first free what this process has imported, which
        # takes longer than most programs.
        os._exit(0)
      except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
        os._exit(1)
    print(os.waitpid(pid, 0)[1])
    sys.stdout.flush()


def _kernel_clipping_optimizer():
  """Returns the optimizer for ready-made Estimators, with a bound of 0.125."""
  program, = [text for _, _, text in _BLOCKS
              if "class KernelClippingOptimizer" in text]
  scope = {}
  exec(program.split("def input_fn")[0], scope)  # pylint: disable=exec-used
  return scope["KernelClippingOptimizer"](tf.train.AdagradOptimizer(0.5), 0.125)


class DocsTest(test_util.TestCase):

  @classmethod
  def setUpClass(cls):
    super(DocsTest, cls).setUpClass()
    cls.server = subprocess.Popen(
        [sys.executable, "-c", "import docs_test; docs_test.serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_ENV,
        universal_newlines=True)

  @classmethod
  def tearDownClass(cls):
    cls.server.communicate()
    super(DocsTest, cls).tearDownClass()

  def setUp(self):
    super(DocsTest, self).setUp()
    self.directory = os.path.join(self.get_temp_dir(), "work")
    shutil.copytree(os.path.join(test_util.ROOT, "tests", "golden"),
                    os.path.join(self.directory, "tests", "golden"),
                    ignore=shutil.ignore_patterns("*.py", "*.md"))

  def _run_file(self, path):
    """Runs a program in the directory, and returns its output."""
    self.server.stdin.write("{}\t{}\n".format(self.directory, path))
    self.server.stdin.flush()
    status = self.server.stdout.readline()
    self.assertEqual("0\n", status, test_util.read(path))
    return test_util.read(path + ".out")

  def _run_text(self, program):
    path = os.path.join(self.get_temp_dir(), "program.py")
    with open(path, "w") as f:
      f.write(program)
    return self._run_file(path)

  def _run_shell(self, commands):
    return subprocess.check_output(
        ["sh", "-ec", commands], cwd=self.directory, env=_ENV).decode()

  def _check_legacy_files(self, outputs):
    """Checks that all files are converted, and that the programs run."""
    search, = [text for _, text in _COMMANDS if "grep -L" in text]
    self.assertEqual("", self._run_shell(search))
    for name, output in outputs.items():
      path = os.path.join(self.directory, name)
      if name.endswith(".ipynb"):
        cells = json.loads(test_util.read(path))["cells"]
        program = "".join(line for cell in cells for line in cell["source"])
        self.assertEqual(output, self._run_text(program), program)
      else:
        self.assertEqual(output, self._run_file(path), test_util.read(path))

  def test_blocks(self):
    outputs = _write_legacy_files(self.directory)
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
          output = self._run_text(program)
      elif language == "diff" and _can_run(info):
        added = set(re.findall(r"^\+(.+)", text, flags=re.MULTILINE))
        self.assertTrue(any(added <= set(program.splitlines())
                            for _, _, program in _BLOCKS), text)
      elif (info, text) in _COMMANDS:
        self._run_shell(text)
      elif not language and output is not None:
        self.assertEqual(text, output, programs[-1])

    before, clipped, model = [
        tf.train.load_checkpoint(os.path.join(self.directory, name))
        for name in ("before", "clipped", "model")]
    # On TensorFlow 1.15, both train.py and the converted train.py train 20
    # steps. Other versions run only one of them.
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
    self._check_legacy_files(outputs)

  def test_tf_upgrade_v2_before_the_other_steps(self):
    outputs = _write_legacy_files(self.directory)
    # Blocks that need tf_upgrade_v2 name a version, and are sorted first.
    for _, text in sorted(
        _COMMANDS, key=lambda command: command[0], reverse=True):
      if "train.py" not in text:  # This is the program of the page.
        self._run_shell(text)
    self._check_legacy_files(outputs)

  @test_util.needs_estimator
  @parameterized.named_parameters(("_1_server", 1), ("_2_servers", 2))
  def test_ready_made_estimator_on_cluster(self, num_servers):
    """Several servers split the kernel, so its columns cannot be bounded."""
    servers = ["host:{}".format(2 + i) for i in range(num_servers)]
    tf_config = {"cluster": {"chief": ["host:1"], "ps": servers},
                 "task": {"type": "chief", "index": 0}}
    with tf.test.mock.patch.dict(os.environ, TF_CONFIG=json.dumps(tf_config)):
      config = tf.estimator.RunConfig()
    classifier = tf.estimator.DNNClassifier(
        [64], [tf.feature_column.numeric_column("x", [3000])],
        optimizer=_kernel_clipping_optimizer(), config=config)
    with tf.Graph().as_default():
      tf.train.create_global_step()
      build = functools.partial(
          classifier.model_fn, {"x": tf.ones([8, 3000])},
          tf.ones([8, 1], tf.int32), "train", config)
      if num_servers == 1:
        build()
      else:
        with self.assertRaisesRegex(
            ValueError, "columns of dnn/hiddenlayer_0/kernel span several"):
          build()

  @test_util.needs_estimator
  def test_ready_made_optimizer_in_model_to_estimator(self):
    layer = tf.keras.layers.Dense(1)
    model = tf.keras.Sequential([tf.keras.layers.InputLayer([4]), layer])
    model.compile(_kernel_clipping_optimizer(), "mse")
    estimator = tf.keras.estimator.model_to_estimator(
        model, model_dir=os.path.join(self.get_temp_dir(), "model"))
    estimator.train(lambda: tf.data.Dataset.from_tensors(
        (tf.ones([8, 4]), 9 * tf.ones([8, 1]))).repeat(2))
    kernel = estimator.get_variable_value(layer.kernel.name.split(":")[0])
    self.assertAllClose(0.125, np.linalg.norm(kernel))

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
