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
"""Runs the programs of README.md and docs/.

The first line of a fenced block is "```language [file] [requirement]".

* python: A program. If the block names a file in tests/, the file must end with
  the program, and other tests run it.
* diff: The lines that begin with " " or "+" are a program.
* no language: The output of the program above.

A requirement is `tensorflow`, with a range of versions. Blocks that name
`horovod` or `tensorflow-gan` do not run, and neither do other languages.
"""

import functools
import io
import json
import operator
import os
import re
import subprocess
import sys

from absl.testing import parameterized
import kernel_clipping
import numpy as np
import scenarios
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt

_BLOCK = re.compile(r"^```(\w*) ?(.*)\n([\s\S]*?)^```$", re.MULTILINE)
_COMPARE = {"<": operator.lt, ">=": operator.ge}

# Programs read these checkpoints, which the optimizers of these modules save.
_CHECKPOINTS = {"unclipped": None, "after": tf_contrib_opt}
if scenarios.contrib_opt:
  _CHECKPOINTS["before"] = scenarios.contrib_opt


def _pages():
  """Returns (name, text) pairs."""
  names = os.listdir(os.path.join(test_util.ROOT, "docs"))
  return [("README.md", test_util.read("README.md"))] + [
      (name, test_util.read("docs", name))
      for name in sorted(names) if name.endswith(".md")]


def _programs(page):
  """Returns (file or requirement, program, output or None) tuples."""
  programs = []
  for language, info, text in _BLOCK.findall(page):
    if language == "python":
      programs.append((info, text, None))
    elif language == "diff":
      new_lines = re.findall(r"^[ +](.*\n)", text, re.MULTILINE)
      programs.append((info, "".join(new_lines), None))
    elif not language:
      programs[-1] = programs[-1][:2] + (text,)
  return programs


def _can_run(info):
  return not re.search("horovod|tensorflow-gan", info) and all(
      _COMPARE[sign](test_util.VERSION, tuple(map(int, number.split("."))))
      for sign, number in re.findall(r"(<|>=)([\d.]+)", info))


def _save_checkpoint(directory, module):
  """Saves a checkpoint after one step of Adam."""
  with tf.Graph().as_default(), tf.Session() as sess:
    embeddings = tf.get_variable("embeddings", initializer=tf.ones([6, 4]))
    opt = tf.train.AdamOptimizer(0.1)
    if module:
      opt = module.VariableClippingOptimizer(opt, {embeddings: [1]}, 1.)
    train_op = opt.minimize(test_util.lookup(embeddings, [4, 0, 2]))
    sess.run(tf.global_variables_initializer())
    sess.run(train_op)
    os.makedirs(directory)
    tf.train.Saver().save(sess, os.path.join(directory, "model"))


def _kernel_clipping_optimizer():
  return kernel_clipping.KernelClippingOptimizer(
      tf.train.AdagradOptimizer(0.5), max_norm=0.125)


class DocsTest(test_util.TestCase):

  def test_programs(self):
    """The programs of a page run in order, in a directory of their own."""
    outputs = []
    for page_name, page in _pages():
      directory = os.path.join(self.get_temp_dir(), page_name)
      os.mkdir(directory)
      for name, module in _CHECKPOINTS.items():
        if '"{}"'.format(name) in page:
          _save_checkpoint(os.path.join(directory, name), module)
      for info, program, output in _programs(page):
        if info.startswith("tests/"):
          self.assertEndsWith(test_util.read(info), program)
        elif _can_run(info):
          path = os.path.join(directory, "{}.py".format(len(outputs)))
          with io.open(path, "w", encoding="utf-8") as f:
            f.write(program)
          outputs.append((path, output))

    subprocess.check_call(
        [sys.executable,
         os.path.join(test_util.ROOT, "tests", "forked_programs.py")]
        + [path for path, _ in outputs],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    for path, output in outputs:
      if output is not None:
        self.assertEqual(output, test_util.read(path + ".out"), path)

    # A session continued from an Estimator, if there is one.
    model = tf.train.load_checkpoint(
        os.path.join(self.get_temp_dir(), "recipes.md", "model"))
    self.assertEqual(200 if hasattr(tf, "estimator") else 100,
                     model.get_tensor("global_step"))

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
    lines = re.findall(r"`([^`\n]*assign\(tf\.clip_by_norm[^`\n]*)`",
                       test_util.read("docs", "recipes.md"))
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
