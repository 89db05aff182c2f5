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
"""Examples run, and name what is wrong with what they are given."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import json
import os
import re
import socket

from absl.testing import parameterized
import tensorflow.compat.v1 as tf
import test_util

_EXAMPLES = os.path.join(test_util.ROOT, "examples")

# Runs programs one after the other, and imports what takes them seconds once.
_RUN = """
import ast, os, runpy, sys
import matplotlib.figure, sklearn.datasets, tensorflow.compat.v1 as tf
getattr(tf, "estimator", None)
for line in iter(sys.stdin.readline, ""):
  sys.argv, tf_config, output = ast.literal_eval(line)
  pid = os.fork()
  if not pid:
    fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    if tf_config is not None:
      os.environ["TF_CONFIG"] = tf_config
    try:
      runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as error:
      if isinstance(error.code, str):  # As Python does, but without tidying up.
        sys.stdout.flush()
        os.write(2, (error.code + "\\n").encode("utf-8"))
        os._exit(1)
      raise
    sys.exit()
  print("status {}".format(os.WEXITSTATUS(os.waitpid(pid, 0)[1])))
  sys.stdout.flush()
"""

# From the name of a flag to values that each of these programs refuses.
_BAD_FLAGS = {
    "word_vectors": {
        "max_norm": ["0", "-1", "nan", "inf", "one"],
        "learning_rate": ["0", "-1", "nan", "inf"],
        "steps": ["0", "1.5"],
        "text": ["{file}", "{binary}", "{directory}", "{file}/text"],
        "model_dir": ["{file}", "{file}/model", "{read_only}",
                      "{read_only}/model"],
    },
    "parameter_servers": {
        "max_norm": ["0", "-1", "nan", "inf"],
        "learning_rate": ["0", "nan"],
        "num_ps": ["0"],
        "model_dir": ["{file}", "{file}/model", "{read_only}",
                      "{read_only}/model"],
    },
    "digits": {
        "max_norm": ["0", "-1", "nan", "inf"],
        "learning_rate": ["0", "nan"],
        "wrong_labels": ["-0.1", "1", "nan"],
        "dropout": ["1", "nan"],
        "num_train": ["0", "1797"],
        "model_dir": ["{file}", "{file}/model", "{directory}",
                      "{read_only}/model"],
    },
}
_CLUSTER = {"ps": ["localhost:1"], "chief": ["localhost:2"]}
_BAD_TF_CONFIGS = {
    "empty": "",
    "broken": "{",
    "list": "[]",
    "number": "3",
    "no_cluster": {},
    "no_task": {"cluster": _CLUSTER},
    "no_chief": {
        "cluster": {"ps": ["localhost:1"]}, "task": {"type": "ps", "index": 0}},
    "string_for_list": {
        "cluster": dict(_CLUSTER, ps="localhost:1"),
        "task": {"type": "chief", "index": 0}},
    "unknown_type": {
        "cluster": _CLUSTER, "task": {"type": "master", "index": 0}},
    "unknown_index": {"cluster": _CLUSTER, "task": {"type": "ps", "index": 1}},
    "no_index": {"cluster": _CLUSTER, "task": {"type": "ps"}},
    "evaluator_without_index": {
        "cluster": _CLUSTER, "task": {"type": "evaluator"}},
    "no_port": {
        "cluster": dict(_CLUSTER, ps=["localhost"]),
        "task": {"type": "ps", "index": 0}},
    "large_port": {
        "cluster": dict(_CLUSTER, ps=["localhost:65536"]),
        "task": {"type": "ps", "index": 0}},
}


class ExamplesTest(test_util.TestCase):

  @classmethod
  def setUpClass(cls):
    super(ExamplesTest, cls).setUpClass()
    # TensorFlow for GPUs says by itself that there is none.
    cls._runner = test_util.Program("-c", _RUN, TF_CPP_MIN_LOG_LEVEL="3")

  @classmethod
  def tearDownClass(cls):
    cls._runner.kill()
    super(ExamplesTest, cls).tearDownClass()

  def setUp(self):
    super(ExamplesTest, self).setUp()
    self._model_dir = os.path.join(self.get_temp_dir(), "model")

  def _program(self, name):
    return os.path.join(_EXAMPLES, name + ".py")

  def _start(self, *args):
    program = test_util.Program(*args)
    self.addCleanup(program.kill)
    return program

  def _check_refused(self, name, args, pattern, tf_config=None):
    """Checks that the program prints a single line, and how it ends."""
    output = os.path.join(self.get_temp_dir(), "output")
    self._runner.output = ""
    self._runner.write("{!r}\n".format(
        ([self._program(name), "--steps=1"] + args, tf_config, output)))
    status, = self._runner.wait_for(r"^status (\d+)$")
    with open(output) as output_file:
      printed = output_file.read()
    self.assertRegex(printed, r"\A{}\n\Z".format(pattern))
    self.assertEqual("1", status)

  @parameterized.named_parameters(
      ("_{}_{}_{}".format(name, flag, re.sub(r"\W", "_", value)), name, flag,
       value)
      for name, bad_flags in sorted(_BAD_FLAGS.items())
      for flag, values in sorted(bad_flags.items()) for value in values)
  def test_bad_flag(self, name, flag, value):
    paths = {name: os.path.join(self.get_temp_dir(), name)
             for name in ("file", "binary", "directory", "read_only")}
    open(paths["file"], "w").close()
    with open(paths["binary"], "wb") as binary:
      binary.write(b"\x7fELF\xff")
    os.mkdir(paths["directory"])
    os.mkdir(paths["read_only"], 0o555)
    value = value.format(**paths)
    self._check_refused(
        name, ["--{}={}".format(flag, value)],
        r"flag --{}=\[?{}(\.0)?\]?: .*(must be|; give|; see).*".format(
            flag, re.escape(value)))

  @parameterized.named_parameters(
      ("_" + name, tf_config)
      for name, tf_config in sorted(_BAD_TF_CONFIGS.items()))
  def test_bad_tf_config(self, tf_config):
    if isinstance(tf_config, dict):
      tf_config = json.dumps(tf_config)
    self._check_refused(
        "parameter_servers", ["--model_dir", self._model_dir],
        "TF_CONFIG: .*; see --help for its form, or unset it .*", tf_config)
    self.assertFalse(os.path.exists(self._model_dir))

  @parameterized.named_parameters(
      ("_estimator", True), ("_session", False))
  def test_port_in_use(self, estimator):
    if estimator and not hasattr(tf, "estimator"):
      self.skipTest("TensorFlow dropped tf.estimator in 2.16.")
    sock = socket.socket()
    self.addCleanup(sock.close)
    sock.bind(("", 0))
    sock.listen(1)
    address = "localhost:{}".format(sock.getsockname()[1])
    self._check_refused(
        "parameter_servers",
        ["--model_dir", self._model_dir, "--estimator={}".format(estimator)],
        "TF_CONFIG: cannot serve at {}: .* in use; give a port .*".format(
            address),
        json.dumps({"cluster": dict(_CLUSTER, chief=[address]),
                    "task": {"type": "chief", "index": 0}}))

  def test_tf_config_without_model_dir(self):
    self._check_refused("parameter_servers", [],
                        "flag --model_dir=None: .* give the directory .*",
                        json.dumps({"cluster": _CLUSTER}))

  @parameterized.parameters("word_vectors", "parameter_servers", "digits")
  def test_unknown_arguments(self, name):
    self._check_refused(name, ["--maxnorm=1"], ".* 'maxnorm'.*; see --help.")
    self._check_refused(name, ["1"], "Unknown argument 1; see --help.")

  @parameterized.parameters("parameter_servers", "digits")
  def test_estimator_without_one(self, name):
    if hasattr(tf, "estimator"):
      self.skipTest("This TensorFlow has tf.estimator.")
    self._check_refused(
        name, ["--estimator"], "flag --estimator=.*: .* --noestimator; .*")

  def test_word_vectors(self):
    model_dir = "--model_dir=" + self._model_dir
    program = self._start(
        self._program("word_vectors"), model_dir, "--steps=2")
    self.assertEqual(0, program.wait())
    program.wait_for("^Plot: {}/norms.png$".format(self._model_dir))
    for args, pattern in [
        ([model_dir, "--max_norm=2"], "with --max_norm=1.5; give that, or .*"),
        ([model_dir, "--width=8"], "with another .*--width; give those, or .*"),
    ]:
      self._check_refused(
          "word_vectors", args,
          "(.*\n)*flag --model_dir={}: was trained {}".format(
              self._model_dir, pattern))

  @parameterized.named_parameters(
      ("_estimator", True), ("_session", False))
  def test_digits(self, estimator):
    if estimator and not hasattr(tf, "estimator"):
      self.skipTest("TensorFlow dropped tf.estimator in 2.16.")
    program = self._start(
        self._program("digits"), "--model_dir=" + self._model_dir,
        "--steps=5", "--splits=2", "--max_norm=0.5",
        "--estimator={}".format(estimator))
    self.assertEqual(0, program.wait())
    norm, = program.wait_for(r"^ +None +(\S+) +\S+%  +\+0.0 \(0.0\) ")
    self.assertGreater(float(norm), 1)
    program.wait_for(r"^ +0.5 +0\.500 .*%.*%")
    program.wait_for("^Plot: {}/accuracies.png$".format(self._model_dir))
    self.assertTrue(
        os.path.exists(os.path.join(self._model_dir, "accuracies.png")))

  @parameterized.parameters("word_vectors", "parameter_servers", "digits")
  def test_interrupt_import(self, name):
    program = self._start("-v", self._program(name))
    program.wait_for("^import '?absl.app")
    self._check_interrupted(program)

  @parameterized.parameters("word_vectors", "digits")
  def test_interrupt(self, name):
    program = self._start(
        self._program(name), "--model_dir=" + self._model_dir)
    program.wait_for("^max_norm|^ +step")
    self._check_interrupted(program)

  def _check_interrupted(self, program):
    program.interrupt()
    self.assertEqual(1, program.wait())
    self.assertIn("Interrupted.\n", program.output)
    self.assertNotIn("Traceback", program.output)


if __name__ == "__main__":
  tf.test.main()
