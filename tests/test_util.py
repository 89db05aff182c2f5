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
"""Helpers of the tests."""

from __future__ import absolute_import, division, print_function

import io
import itertools
import os
import signal
import sys
import unittest

from absl.testing import parameterized
import numpy as np
import pexpect
from pexpect import popen_spawn
import six
import tensorflow.compat.v1 as tf
import tf_contrib_opt

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT = 120

VERSION = tuple(map(int, tf.__version__.split(".")[:2]))

needs_estimator = unittest.skipUnless(
    hasattr(tf, "estimator"), "TensorFlow 2.16 dropped tf.estimator.")

INNER_OPTIMIZERS = (
    ("_adadelta", lambda: tf.train.AdadeltaOptimizer(5.)),
    ("_adagrad", lambda: tf.train.AdagradOptimizer(0.5)),
    ("_adam", lambda: tf.train.AdamOptimizer(0.5)),
    ("_ftrl", lambda: tf.train.FtrlOptimizer(0.5)),
    ("_gradient_descent", lambda: tf.train.GradientDescentOptimizer(0.5)),
    ("_momentum", lambda: tf.train.MomentumOptimizer(0.5, 0.9)),
    ("_proximal_adagrad", lambda: tf.train.ProximalAdagradOptimizer(0.5)),
    ("_proximal_gradient_descent",
     lambda: tf.train.ProximalGradientDescentOptimizer(0.5)),
    ("_rms_prop", lambda: tf.train.RMSPropOptimizer(0.5)),
)


def read(*path):
  """Returns the text of a file of this repository."""
  with io.open(os.path.join(ROOT, *path), encoding="utf-8") as f:
    return f.read()


def get_variable(value, use_resource, dtype=tf.float32, name="var", **kwargs):
  """Calls `tf.get_variable` for a variable of this initial value."""
  return tf.get_variable(
      name,
      initializer=tf.constant(value, dtype),
      use_resource=use_resource,
      **kwargs)


def dict_key(var):
  """Returns a hashable key for `var`, even in eager execution."""
  for ref in ("ref", "experimental_ref"):
    if hasattr(var, ref):
      return getattr(var, ref)()
  return var  # TensorFlow 1.14 hashes variables.


def clip(vars_and_dims, max_norm=1., opt=None, **kwargs):
  """Wraps an optimizer.

  `vars_and_dims` is a dict, or a list of pairs for variables without a hash.
  """
  if isinstance(vars_and_dims, list):
    vars_and_dims = {dict_key(var): dims for var, dims in vars_and_dims}
  return tf_contrib_opt.VariableClippingOptimizer(
      opt or tf.train.GradientDescentOptimizer(0.), vars_and_dims, max_norm,
      **kwargs)


def lookup(var, ids, strategy="mod"):
  """Returns a loss whose gradient is 1 for each element looked up."""
  return tf.reduce_sum(tf.nn.embedding_lookup(var, ids, strategy))


def run_in_replicas(strategy):
  """Returns the method that runs a function in each replica of a strategy."""
  return getattr(strategy, "run", None) or strategy.experimental_run_v2


def with_variable_kinds(*cases):
  """Runs a test in each case, (name, *arguments), with both variable kinds."""
  kinds = [("_ref", False), ("_resource", True)]
  return parameterized.named_parameters(
      (case[0] + suffix,) + case[1:] + (use_resource,)
      for case, (suffix, use_resource) in itertools.product(
          cases or [("",)], kinds))


def clip_by_norm(value, max_norm, dims):
  """Returns `value` as float64, with norms of at most `max_norm`."""
  value = np.asarray(value, np.float64)
  norm = np.sqrt(np.sum(np.square(value), axis=tuple(dims), keepdims=True))
  return value * max_norm / np.maximum(norm, max_norm)


def ancestors(op):
  """Returns an op and all that run before it, as a set."""
  found, pending = set(), [op]
  while pending:
    op = pending.pop()
    if op not in found:
      found.add(op)
      pending.extend(op.control_inputs)
      pending.extend(tensor.op for tensor in op.inputs)
  return found


def kill(program):
  """Kills a program of `TestCase.start_python`, and its children."""
  try:
    os.killpg(program.pid, signal.SIGKILL)
  except OSError:
    pass  # All of them have ended.
  program.wait()


class TestCase(tf.test.TestCase, parameterized.TestCase):

  test_session = None  # Otherwise, unittest takes it for a test.

  def start_python(self, *args, **env):
    """Starts Python in a process group of its own, and kills it at the end."""
    # Unlike pexpect.spawn, PopenSpawn always reads the output. A process whose
    # output nobody reads would stop after some kilobytes.
    program = popen_spawn.PopenSpawn(
        (sys.executable,) + args, env=dict(os.environ, **env), timeout=TIMEOUT,
        encoding=None if six.PY2 else "utf-8", codec_errors="replace",
        preexec_fn=os.setsid)
    program.delayafterread = 0.05  # Seconds. By default, it polls all the time.
    program.logfile_read = sys.stdout
    self.addCleanup(kill, program)
    return program

  def check_success(self, program):
    """Waits for the end of a program and its children."""
    program.expect(pexpect.EOF)
    self.assertEqual(0, program.wait())


class GraphTestCase(TestCase):
  """Runs each test in a graph and a session of its own."""

  def setUp(self):
    super(GraphTestCase, self).setUp()
    graph = tf.Graph().as_default()
    graph.__enter__()
    self.addCleanup(graph.__exit__, None, None, None)
    self.sess = tf.Session()
    self.addCleanup(self.sess.close)

  def initialize(self):
    self.sess.run(tf.global_variables_initializer())

  def train(self, train_op, steps=1):
    """Initializes all variables and runs `train_op`."""
    self.initialize()
    for _ in range(steps):
      self.sess.run(train_op)
