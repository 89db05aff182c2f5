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
"""Tests that clusters of processes keep the bound, even if some are killed."""

from __future__ import absolute_import, division, print_function

import json
import os
import re
import time

import numpy as np
import pexpect
import portpicker
import tensorflow.compat.v1 as tf
import test_util


class ParameterServersExampleTest(test_util.TestCase):

  def setUp(self):
    super(ParameterServersExampleTest, self).setUp()
    self._model_dir = os.path.join(self.get_temp_dir(), "model")
    addresses = ["localhost:%d" % portpicker.pick_unused_port()
                 for _ in range(4)]
    self._cluster = dict(
        ps=addresses[:2], chief=addresses[2:3], worker=addresses[3:])

  def _start_task(self, task_type, index, *args):
    return self.start_python(*args, TF_CONFIG=json.dumps({
        "cluster": self._cluster, "model_dir": self._model_dir,
        "task": {"type": task_type, "index": index}}))

  def _saved(self):
    """Returns a dict from names to values in the last checkpoint."""
    reader = tf.train.load_checkpoint(self._model_dir)
    return {name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()}

  def _check_norms(self, largest_norm=1):
    """Checks all rows, because a few steps are enough to look up every row."""
    norms = np.linalg.norm(self._saved()["embeddings"], axis=1)
    self.assertAllInRange(norms, 0.9, 1 + 1e-5)
    self.assertAllClose(1., norms.max(), rtol=1e-5)
    self.assertAllClose(1., float(largest_norm), rtol=1e-5)

  def _args(self, steps, vocabulary=20):
    return [os.path.join(test_util.ROOT, "examples", "parameter_servers.py"),
            "--model_dir=" + self._model_dir, "--steps=%d" % steps,
            "--vocabulary=%d" % vocabulary]

  def _start(self, task_type, index=0, steps=10**9):
    return self._start_task(task_type, index, *self._args(steps))

  def _start_without_worker(self, steps=10**9):
    return [self._start("ps"), self._start("ps", 1),
            self._start("chief", steps=steps)]

  def _wait_for_checkpoints(self, count):
    """Waits for new checkpoints, one after the other."""
    paths = {tf.train.latest_checkpoint(self._model_dir)}
    deadline = time.time() + test_util.TIMEOUT
    while len(paths) <= count:
      self.assertLess(time.time(), deadline)
      time.sleep(0.05)
      paths.add(tf.train.latest_checkpoint(self._model_dir))

  def test_all_tasks_of_one_machine(self):
    program = self.start_python(*self._args(steps=500))
    self.check_success(program)
    for task in "chief +0", "worker +0", "worker +1":
      self.assertRegex(program.before, task + r" +\d+/500  loss \d")
    # A worker may run one step after the chief's last step.
    norm, = re.findall(r"50[01]/500 .* norm (\S+)  100\.0% at the bound",
                       program.before)
    self._check_norms(norm)
    self.assertIn("--model_dir=%s --steps=1000" % self._model_dir,
                  program.before)

  def test_failed_task_ends_all(self):
    # Only `launch` is tested, so a small program takes the place of the tasks.
    task = os.path.join(self.get_temp_dir(), "task.py")
    with open(task, "w") as f:
      f.write("import os, sys, time\n"
              "if '\"type\": \"chief\"' in os.environ['TF_CONFIG']:\n"
              "  sys.exit('Error: no rows')\n"
              "time.sleep(1000)\n")
    program = self.start_python(
        "-c", "import sys; sys.path.append(%r); import parameter_servers as m; "
        "m.FLAGS(['', '--model_dir=%s']); sys.argv = [%r]; m.launch()" % (
            os.path.join(test_util.ROOT, "examples"), self._model_dir, task))
    program.expect(r"Error: no rows\s+A task failed. Above is the end of its "
                   "log, " + self._model_dir)
    # All tasks write to the same output, so it ends when the last task ends.
    program.expect(pexpect.EOF)
    self.assertEqual(1, program.wait())

  def test_killed_tasks(self):
    """A resumed run gives the same bits as a run without an interruption."""
    tasks = self._start_without_worker()
    worker = self._start("worker")
    worker.expect("worker .* loss")
    self._wait_for_checkpoints(2)
    test_util.kill(worker)
    worker = self._start("worker")
    worker.expect(r"worker +0 +[1-9]\d*/\d+  loss")
    test_util.kill(worker)
    self._wait_for_checkpoints(3)
    for task in tasks:  # The first is a parameter server.
      test_util.kill(task)
    self._check_norms()

    # The chief trained alone between the last two checkpoints. Another chief
    # resumes from the first of them, and must save the second again.
    uninterrupted = self._saved()
    path = tf.train.get_checkpoint_state(
        self._model_dir).all_model_checkpoint_paths[-2]
    tf.train.update_checkpoint_state(self._model_dir, path)
    step = self._saved()["global_step"]
    self.assertLess(step, uninterrupted["global_step"])
    chief = self._start_without_worker(uninterrupted["global_step"])[-1]
    chief.expect(r"chief +0 +(\d+)/")
    self.assertIn(int(chief.match.group(1)), [step, step + 1])
    self.check_success(chief)
    self.assertCountEqual(
        ["embeddings", "embeddings/Adagrad", "weights", "weights/Adagrad",
         "global_step"], uninterrupted)
    self.assertAllClose(uninterrupted, self._saved(), rtol=0, atol=0)

  @test_util.needs_estimator
  def test_estimator(self):
    program = os.path.join(test_util.ROOT, "tests", "estimator_cluster.py")
    self._start_task("ps", 0, program)
    self._start_task("ps", 1, program)
    tasks = [self._start_task(task_type, 0, program)
             for task_type in ("chief", "worker", "evaluator")]
    for task in tasks:
      self.check_success(task)
    norm = re.findall(r"largest_norm = (\S+),", tasks[-1].before)[-1]
    self._check_norms(norm)


if __name__ == "__main__":
  tf.test.main()
