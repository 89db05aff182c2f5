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
"""A cluster whose processes and file systems fail."""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import json
import os
import signal
import time

from absl.testing import parameterized
import numpy as np
import portpicker
import tensorflow.compat.v1 as tf
import test_util

_PROGRAM = os.path.join(test_util.ROOT, "examples", "parameter_servers.py")


class ParameterServersTest(test_util.TestCase):

  def setUp(self):
    super(ParameterServersTest, self).setUp()
    self._model_dir = os.path.join(self.get_temp_dir(), "model")
    self._cluster = {
        task_type: [
            "localhost:%d" % portpicker.pick_unused_port() for _ in range(count)
        ] for task_type, count in [("ps", 2), ("chief", 1), ("worker", 1)]
    }

  def _start(self, tf_config=None, **flags):
    flags = dict(
        dict(vocabulary=20, width=4, batch_size=64, learning_rate=0.1,
             save_checkpoints_steps=50, model_dir=self._model_dir), **flags)
    program = test_util.Program(
        _PROGRAM, *["--{}={}".format(*flag) for flag in flags.items()],
        **{"TF_CONFIG": json.dumps(tf_config)} if tf_config else {})
    self.addCleanup(program.kill)
    return program

  def _start_task(self, task_type, use_resource, index=0, steps=10**9):
    task = {"type": task_type, "index": index}
    return self._start({"cluster": self._cluster, "task": task},
                       use_resource=use_resource, steps=steps, estimator=False)

  def _start_tasks(self, use_resource, steps=10**9):
    """Returns processes of two parameter servers and a chief."""
    return [self._start_task("ps", use_resource, 0),
            self._start_task("ps", use_resource, 1),
            self._start_task("chief", use_resource, steps=steps)]

  def _wait_for_checkpoints(self, count):
    """Waits for new checkpoints, one after the other."""
    path = tf.train.latest_checkpoint(self._model_dir)
    deadline = time.time() + test_util.TIMEOUT
    while count:
      self.assertLess(time.time(), deadline)
      time.sleep(0.05)
      last_path, path = path, tf.train.latest_checkpoint(self._model_dir)
      count -= path != last_path

  def _saved(self):
    """Returns a dict from names to values in the last checkpoint."""
    reader = tf.train.load_checkpoint(self._model_dir)
    return {name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()}

  def _check_norms(self):
    """Checks all rows, since every few steps of a worker look up all."""
    norms = np.linalg.norm(self._saved()["embeddings"], axis=1)
    self.assertAllInRange(norms, 0.9, 1 + 1e-5)
    self.assertAllClose(1., norms.max(), rtol=1e-5)

  @test_util.with_variable_kinds()
  def test_worker_is_killed(self, use_resource):
    chief = self._start_tasks(use_resource)[-1]
    worker = self._start_task("worker", use_resource)
    worker.wait_for("starts")
    self._wait_for_checkpoints(2)
    worker.kill()
    worker = self._start_task("worker", use_resource)
    self.assertNotEqual(("0",), worker.wait_for(r"(\d+)/\d+  starts"))
    worker.wait_for("rows/s")
    worker.kill()
    self._wait_for_checkpoints(2)
    chief.kill()
    self._check_norms()

  @test_util.with_variable_kinds()
  def test_parameter_server_is_killed(self, use_resource):
    """As if never interrupted, bit for bit."""
    tasks = self._start_tasks(use_resource)
    self._wait_for_checkpoints(4)
    for task in tasks:  # A parameter server first.
      task.kill()
    step = self._saved()["global_step"]
    tasks = self._start_tasks(use_resource, step + 70)
    tasks[-1].wait_for(r"{}/\d+  starts".format(step))
    self.assertEqual(0, tasks[-1].wait())
    resumed = self._saved()
    self._check_norms()

    self._model_dir = os.path.join(self.get_temp_dir(), "uninterrupted")
    chief = self._start_task("chief", use_resource, steps=step + 70)
    chief.wait_for(r" 0/\d+  starts")
    self.assertEqual(0, chief.wait())
    self.assertCountEqual(
        ["embeddings", "embeddings/Adagrad", "weights", "weights/Adagrad",
         "global_step", "max_norm"], resumed)
    self.assertAllClose(self._saved(), resumed, rtol=0, atol=0)

  def _check_failing_model_dir(self, fail, error, mend, use_resource):
    """Checks that a chief ends, and that another resumes."""
    chief = self._start_tasks(use_resource)[-1]
    self._wait_for_checkpoints(3)
    fail()
    self.assertNotEqual(0, chief.wait())
    chief.wait_for(self._model_dir + r"/\S+; " + error)
    self._check_norms()
    step = self._saved()["global_step"]
    mend()
    chief = self._start_task("chief", use_resource, steps=step + 70)
    chief.wait_for(r"{}/\d+  starts".format(step))
    self.assertEqual(0, chief.wait())
    self.assertEqual(step + 70, self._saved()["global_step"])
    self._check_norms()

  def test_model_dir_becomes_read_only(self):
    self._check_failing_model_dir(
        lambda: os.chmod(self._model_dir, 0o555), "Permission denied",
        lambda: os.chmod(self._model_dir, 0o755), use_resource=False)

  def test_file_system_becomes_full(self):
    os.mkdir(self._model_dir)
    if os.system("mount -t tmpfs -o size=16m tmpfs " + self._model_dir):
      self.skipTest("May not mount a file system.")
    self.addCleanup(os.system, "umount -l " + self._model_dir)
    path = os.path.join(self._model_dir, "filler")

    def fill():
      with self.assertRaises(EnvironmentError), open(path, "wb") as filler:
        filler.write(b" " * 2**24)

    self._check_failing_model_dir(
        fill, "No space left on device", lambda: os.remove(path),
        use_resource=True)

  def _start_cluster(self, **flags):
    return self._start(num_ps=1, num_workers=1, **flags)

  @parameterized.named_parameters(("_estimator", True), ("_session", False))
  def test_cluster_without_faults(self, estimator):
    if estimator and not hasattr(tf, "estimator"):
      self.skipTest("TensorFlow dropped tf.estimator in 2.16.")
    cluster = self._start_cluster(
        steps=200, estimator=estimator, vocabulary=1000)
    self.assertEqual(0, cluster.wait())
    # An Estimator has its workers wait, until after the last of these steps.
    for task in ["chief"] if estimator else ["chief", "worker"]:
      cluster.wait_for(task + r" 0 .*  trained \S+ rows, \S+ rows/s")
    norm, share = cluster.wait_for(  # Workers may overtake the chief's last.
        r"evaluator 0 +20[01]/200 .* largest norm (\S+)  (\S+)% at"
        r"(?![\s\S]*evaluator 0)")
    self.assertAllClose(1., float(norm), rtol=1e-5)
    norms = np.linalg.norm(self._saved()["embeddings"], axis=1)
    self.assertAllClose(100 * np.mean(norms > 0.99), float(share))

    cluster = self._start_cluster(vocabulary=1000, max_norm=2)
    cluster.wait_for("^flag --model_dir=.*: was trained with --max_norm=1; ")
    self.assertEqual(1, cluster.wait())

  def test_cluster_is_terminated(self):
    cluster = self._start_cluster()
    cluster.wait_for("chief 0 .* starts")
    cluster.terminate()
    self.assertEqual(1, cluster.wait())

  def test_cluster_is_interrupted(self):
    cluster = self._start_cluster()
    cluster.wait_for("chief 0 .* starts")
    cluster.interrupt()
    self.assertEqual(1, cluster.wait())
    self.assertEndsWith(cluster.output, "\nInterrupted.\n")
    self.assertNotIn("Traceback", cluster.output)

  def test_parameter_server_is_interrupted(self):
    task = self._start_task("ps", use_resource=True)
    task.wait_for("Started server")
    task.interrupt()
    self.assertEqual(-signal.SIGINT, task.wait())
    self.assertNotIn("Traceback", task.output)

  def test_process_of_cluster_fails(self):
    cluster = self._start_cluster()
    cluster.wait_for("chief 0 .* starts")
    os.chmod(self._model_dir, 0o555)
    self.assertEqual(1, cluster.wait())
    cluster.wait_for(self._model_dir + r"/\S+; Permission denied")
    cluster.wait_for(  # The chief, or the evaluator, whichever writes first.
        r"^(chief|evaluator) 0 failed; above is the end of its log, "
        r"{}/\1_0.log$".format(self._model_dir))

  def test_cluster_does_not_start(self):
    cluster = self._start_cluster(max_norm=-1)
    self.assertEqual(1, cluster.wait())
    cluster.wait_for("^flag --max_norm=-1.0: ")
    self.assertFalse(os.path.exists(self._model_dir))


if __name__ == "__main__":
  tf.test.main()
