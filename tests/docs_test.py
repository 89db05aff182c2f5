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
"""README.md and docs/ show what works, and as shown.

A fenced block of Python is a program, for the versions of TensorFlow named
beside its language. A diff changes the last program before it that has these
lines, where there is one. A block without a language is what a program prints.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import os
import re
import shutil
import subprocess
import sys

import tensorflow as tf
import test_util
import tf_contrib_opt

v1 = tf.compat.v1

_VERSION = tuple(int(number) for number in tf.__version__.split(".")[:2])
_IS_FOR_THIS_VERSION = {
    "": True,
    "tensorflow<2": _VERSION < (2, 0),
    "tensorflow<2.16": _VERSION < (2, 16),
    "tensorflow>=2.2": _VERSION >= (2, 2),
    "tensorflow>=2.2,<2.16": (2, 2) <= _VERSION < (2, 16),
    "tensorflow>=2.16": _VERSION >= (2, 16),
}


def _blocks():
  """Returns a list of (language, versions, text), of the README first."""
  docs = sorted(os.listdir(os.path.join(test_util.ROOT, "docs")))
  text = "\n".join(
      [test_util.read("README.md")] +
      [test_util.read("docs", doc) for doc in docs if doc.endswith(".md")])
  return re.findall(
      r"^```(\w*) ?(.*)\n([\s\S]*?)^```$", text, flags=re.MULTILINE)


def _sides(diff):
  """Returns for each part of a diff what is old, and what is new instead."""
  parts = [part.splitlines(True) for part in diff.split("@@\n")]
  return [["".join(line[1:] for line in part if line[0] in signs)
           for signs in (" -", " +")] for part in parts]


def _programs():
  """Returns a list of [versions, program, what it prints or None]."""
  programs = []
  for language, versions, text in _blocks():
    if language == "python":
      programs.append([versions, text, None])
    elif language == "diff":
      sides = _sides(text)
      for _, program, _ in reversed(programs):
        if all(old in program for old, _ in sides):
          for old, new in sides:
            program = program.replace(old, new)
          programs.append([versions, program, None])
          break
    elif not language:
      programs[-1][-1] = text
  return programs


class DocsTest(test_util.TestCase):

  def _run(self, program, directory):
    """Returns what a program prints that finds the library of this test."""
    package = os.path.dirname(os.path.dirname(tf_contrib_opt.__file__))
    path = [package, os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=directory,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    out, err = process.communicate()
    self.assertEqual(
        0, process.returncode, "{}\n{}".format(program, err.decode()))
    return out.decode()

  def test_programs(self):
    """In order, in a directory where they find what those before them left."""
    directory = self.get_temp_dir()
    shutil.copytree(os.path.join(test_util.ROOT, "tests", "golden"),
                    os.path.join(directory, "tests", "golden"))
    for versions, program, output in _programs():
      if _IS_FOR_THIS_VERSION[versions]:
        printed = self._run(program, directory)
        if output is not None:
          self.assertEqual(output, printed, program)
    # A session has gone on from an Estimator, where there was one.
    model = tf.train.load_checkpoint(os.path.join(directory, "model"))
    self.assertEqual(200 if hasattr(v1, "estimator") else 100,
                     model.get_tensor("global_step"))
    self.assertIn("weights/Ftrl", model.get_variable_to_shape_map())

  def test_versions(self):
    self.assertCountEqual(
        _IS_FOR_THIS_VERSION, {versions for versions, _, _ in _programs()})

  def test_diff_of_readme(self):
    """What replaces the call of contrib is in the program for a session."""
    (_, new), = _sides(next(
        text for language, _, text in _blocks() if language == "diff"))
    self.assertIn(new, _programs()[0][1])

  def test_tf_gan(self):
    """What replaces `clip_discriminator_weights` bounds each weight."""
    (_, new), = [_sides(text)[0] for _, _, text in _blocks() if "tfgan" in text]
    with tf.Graph().as_default(), v1.Session() as sess:
      weights = v1.get_variable("w", initializer=[[3., -4.], [0.002, 0.]])
      bias = v1.get_variable("b", initializer=-1.)
      model = collections.namedtuple("GANModel", ["discriminator_variables"])
      scope = {
          "opt": v1.train.GradientDescentOptimizer(0.),
          "gan_model": model([weights, bias]),
          "tf_contrib_opt": tf_contrib_opt,
      }
      exec(new, scope)  # pylint: disable=exec-used
      train_op = scope["opt"].minimize(tf.reduce_sum(weights) + bias)
      sess.run(v1.global_variables_initializer())
      sess.run(train_op)
      self.assertAllClose([[0.01, -0.01], [0.002, 0.]], sess.run(weights))
      self.assertAllClose(-0.01, sess.run(bias))

  @test_util.with_variable_kinds()
  def test_clip_a_whole_table(self, use_resource):
    line, = re.findall(r"`(sess\.run\(embeddings\..*)`",
                       test_util.read("README.md"))
    with tf.Graph().as_default(), v1.Session() as sess:
      embeddings = test_util.get_variable(
          [[3., 4.], [0.6, 0.], [0., 0.]], use_resource)
      sess.run(v1.global_variables_initializer())
      # pylint: disable=exec-used
      exec(line, {"tf": v1, "sess": sess, "embeddings": embeddings})
      self.assertAllClose([[0.6, 0.8], [0.6, 0.], [0., 0.]],
                          sess.run(embeddings))

  def test_common_errors(self):
    """Each is raised as said, in versions that raise it."""

    def clip(opt=None, key=None):
      opt = opt or v1.train.AdamOptimizer()
      return tf_contrib_opt.VariableClippingOptimizer(opt, {key: [0]}, 1.)

    def minimize_tensor():
      var = tf.Variable([3., 4.])
      clip(key=var.ref()).minimize(tf.reduce_sum(var))

    def compile_model():
      model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
      model.compile(clip(key=tf.Variable([3., 4.]).ref()))

    def constrain_sparse():
      constraint = tf.keras.constraints.MaxNorm(1., axis=1)
      embedding = tf.keras.layers.Embedding(
          3, 2, embeddings_constraint=constraint)
      model = tf.keras.Sequential([embedding])
      model.compile("adagrad", "mse")
      model.fit(tf.zeros([4, 8]), tf.ones([4, 8, 2]))

    is_2 = _VERSION >= (2, 0)
    is_keras_3 = _VERSION >= (2, 16)
    errors = {
        "module 'tensorflow' has no attribute 'contrib'":
            is_2 and (lambda: tf.contrib),
        "module 'tensorflow' has no attribute 'get_variable'":
            is_2 and (lambda: tf.get_variable),
        "Variable is unhashable":
            is_2 and (lambda: clip(key=tf.Variable([3., 4.]))),
        "`loss` passed to Optimizer.compute_gradients should be a function "
        "when eager execution is enabled":
            _VERSION >= (2, 2) and minimize_tensor,
        "opt must be a tf.compat.v1.train.Optimizer":
            lambda: clip(opt=tf.keras.optimizers.Adam()),
        "Could not interpret optimizer identifier":
            is_keras_3 and compile_model,
        "Cannot use a constraint function on a sparse variable":
            (2, 0) <= _VERSION < (2, 11) and constrain_sparse,
        "A key of vars_to_clip_dims must be a tf.Variable":
            lambda: clip(key="embeddings:0"),
        "has no attribute 'estimator'":
            _VERSION >= (2, 16) and (lambda: v1.estimator),
        "Key VariableClipping/beta1_power not found in checkpoint":
            lambda: self._restore_bare_adam(v1.train.Saver),
    }
    text = test_util.read("docs", "migrating.md")
    section = re.search(r"\n## Common errors\n([\s\S]*?)\n## ", text).group(1)
    rows = re.findall(r"^\| (`+) ?(.*?) ?\1 \|", section, re.MULTILINE)
    self.assertCountEqual(errors, [message for _, message in rows])
    for message, fail in errors.items():
      if fail:
        with self.assertRaisesRegex(Exception, re.escape(message)):
          fail()

  def test_restore_bare_optimizer(self):
    saver, = re.findall(r"`(tf\.train\.Saver\(\{.*\}\))`",
                        test_util.read("docs", "migrating.md"))
    # pylint: disable=eval-used
    self._restore_bare_adam(lambda: eval(saver, {"tf": v1}))

  def _restore_bare_adam(self, create_saver):
    """Restores what the bare optimizer saved, by a saver for the wrapped."""
    path = os.path.join(self.get_temp_dir(), "ckpt")
    for clip in False, True:
      with tf.Graph().as_default(), v1.Session() as sess:
        var = v1.get_variable("var", initializer=[3., 4.])
        opt = v1.train.AdamOptimizer(0.1, beta1=0.8)
        if clip:
          opt = tf_contrib_opt.VariableClippingOptimizer(opt, {var: [0]}, 1.)
        train_op = opt.minimize(tf.reduce_sum(var))
        sess.run(v1.global_variables_initializer())
        if clip:
          create_saver().restore(sess, path)
          self.assertAllClose([2.9, 3.9], sess.run(var))
          self.assertAllClose(0.8**2, sess.run(opt.variables()[0]))
        else:
          sess.run(train_op)
          v1.train.Saver().save(sess, path)


if __name__ == "__main__":
  tf.test.main()
