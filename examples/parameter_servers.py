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
"""Trains a table of embeddings on a cluster, with a bound on row norms.

The ids follow a Zipf distribution. The model looks up the row of an id and
learns the class of the id from it. The table is split over parameter servers. A
chief and other workers train it asynchronously, with Adagrad in a
`VariableClippingOptimizer`. An evaluator looks at the checkpoints.

  python parameter_servers.py --model_dir=/tmp/parameter_servers

This command starts all tasks as processes on this machine. It resumes from the
last checkpoint in the directory. On a cluster, set the environment variable
TF_CONFIG for each process. The program then runs only the task that TF_CONFIG
describes:

  export TF_CONFIG='{
      "cluster": {"ps": ["host0:2222", "host1:2222"],
                  "chief": ["host2:2222"], "worker": ["host3:2222"]},
      "task": {"type": "worker", "index": 0}}'
  python parameter_servers.py --model_dir=/shared/parameter_servers
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time

from absl import app
from absl import flags
import numpy as np
import six
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model_dir", None, "Directory for checkpoints and logs of all tasks. "
    "Default: a new temporary directory.")
flags.DEFINE_integer("steps", 5000, "The step to train to.")
flags.DEFINE_integer("vocabulary", 10000, "Number of rows of the table.")

MAX_NORM = 1.
WIDTH = 64
NUM_CLASSES = 16
BATCH_SIZE = 512
LEARNING_RATE = 0.02
CHECKPOINT_STEPS = 250


def build_model(seed, num_ps):
  """Builds the model for one batch, and returns its embeddings and its loss."""
  # The batch depends on the seed and the step alone, so a resumed run sees the
  # same batches as a run without an interruption.
  step = tf.cast(tf.train.get_or_create_global_step(), tf.int32)
  uniform = tf.random.stateless_uniform([BATCH_SIZE], [step, seed])
  ids = tf.cast(tf.exp(uniform * np.log(FLAGS.vocabulary + 1)), tf.int32)
  ids %= FLAGS.vocabulary

  embeddings = tf.get_variable(
      "embeddings", [FLAGS.vocabulary, WIDTH],
      initializer=tf.random_uniform_initializer(-1e-3, 1e-3, seed=0),
      partitioner=tf.fixed_size_partitioner(num_ps))
  weights = tf.get_variable(
      "weights", [WIDTH, NUM_CLASSES],
      initializer=tf.glorot_uniform_initializer(seed=0))
  rows = tf.nn.embedding_lookup(embeddings, ids, partition_strategy="div")
  return embeddings, tf.losses.sparse_softmax_cross_entropy(
      ids % NUM_CLASSES, tf.matmul(rows, weights))


def print_row(task, step, text):
  six.print_("{:<9} {}  {:>6}/{}  {}".format(
      task.task_type, task.task_id, step, FLAGS.steps, text), flush=True)


class ReportHook(tf.train.SessionRunHook):
  """Prints the step and the loss, at the start and every 5 seconds."""

  def __init__(self, task, loss):
    self._task = task
    self._fetches = [tf.train.get_global_step(), loss]
    self._timer = tf.train.SecondOrStepTimer(every_secs=5)

  def before_run(self, run_context):
    return tf.train.SessionRunArgs(self._fetches)

  def after_run(self, run_context, run_values):
    step, loss = run_values.results
    if self._timer.should_trigger_for_step(step):
      self._timer.update_last_triggered_step(step)
      print_row(self._task, step, "loss {:.3f}".format(loss))


def train(task, server):
  """Trains as the chief or as another worker."""
  is_chief = task.task_type == "chief"
  cluster = task.cluster_spec()
  device = "/job:{}/task:{}".format(task.task_type, task.task_id)
  with tf.device(tf.train.replica_device_setter(
      worker_device=device, cluster=cluster)):
    embeddings, loss = build_model(
        0 if is_chief else task.task_id + 1, cluster.num_tasks("ps"))
    opt = tf_contrib_opt.VariableClippingOptimizer(
        tf.train.AdagradOptimizer(LEARNING_RATE, 1e-6, use_locking=True),
        # The key is the partitioned variable. The servers clip its rows, so no
        # rows are sent over the network for that.
        {embeddings: [1]}, MAX_NORM, use_locking=True,
        colocate_clip_ops_with_vars=True)
    train_op = opt.minimize(loss, tf.train.get_global_step())

  # With device_filters, a worker does not wait for other workers, which may
  # start late, end early or fail.
  config = tf.ConfigProto(device_filters=["/job:ps", device])
  if not is_chief:
    # Wait until the chief has initialized the variables. The session below
    # would check this only every 30 seconds.
    uninitialized = tf.report_uninitialized_variables()
    with tf.Session(server.target, config=config) as session:
      while session.run(uninitialized).size:
        time.sleep(0.5)

  # The workers stop earlier than the chief. No worker can then update a row
  # without clipping it while the chief saves the last checkpoint.
  last_step = FLAGS.steps if is_chief else FLAGS.steps * 99 // 100
  with tf.train.MonitoredTrainingSession(
      server.target, is_chief, FLAGS.model_dir,
      hooks=[tf.train.StopAtStepHook(last_step=last_step),
             ReportHook(task, loss)],
      save_checkpoint_steps=CHECKPOINT_STEPS, config=config) as session:
    while not session.should_stop():
      session.run(train_op)


def evaluate(task):
  """Prints the loss and norms of checkpoints, up to that of the last step.

  If a newer checkpoint is there, older ones are skipped.
  """
  embeddings, loss = build_model(seed=0, num_ps=1)
  fetches = [tf.train.get_global_step(), loss, tf.norm(embeddings, axis=1)]
  saver = tf.train.Saver()
  for path in tf.train.checkpoints_iterator(FLAGS.model_dir):
    with tf.Session() as session:
      saver.restore(session, path)
      step, loss_value, norms = session.run(fetches)
    print_row(task, step,
              "loss {:.3f}  largest norm {:.5f}  {:.1%} at the bound".format(
                  loss_value, norms.max(), np.mean(norms > 0.99 * MAX_NORM)))
    if step >= FLAGS.steps:
      break


def unused_addresses(count):
  """Returns addresses on this machine for `count` tasks."""
  sockets = [socket.socket() for _ in range(count)]
  for sock in sockets:
    sock.bind(("localhost", 0))
  addresses = ["localhost:%d" % sock.getsockname()[1] for sock in sockets]
  for sock in sockets:
    sock.close()
  return addresses


def launch():
  """Runs all tasks on this machine, and ends them all if one fails."""
  model_dir = FLAGS.model_dir or tempfile.mkdtemp(prefix="parameter_servers_")
  tf.gfile.MakeDirs(model_dir)
  six.print_("Checkpoints and logs: {}\n".format(model_dir), flush=True)
  addresses = unused_addresses(5)
  cluster = dict(ps=addresses[:2], chief=addresses[2:3], worker=addresses[3:])
  processes = {}
  try:
    for task_type, index in [("ps", 0), ("ps", 1), ("chief", 0), ("worker", 0),
                             ("worker", 1), ("evaluator", 0)]:
      task = {"type": task_type, "index": index}
      tf_config = json.dumps({"cluster": cluster, "task": task})
      log = os.path.join(model_dir, "{}_{}.log".format(task_type, index))
      with open(log, "ab") as stderr:
        processes[task_type, log] = subprocess.Popen(
            [sys.executable] + sys.argv + ["--model_dir", model_dir],
            env=dict(os.environ, TF_CONFIG=tf_config), stderr=stderr)
    # Parameter servers never end by themselves.
    while any(process.poll() != 0 for (task_type, _), process
              in processes.items() if task_type != "ps"):
      for (_, log), process in processes.items():
        if process.poll():
          with open(log, "rb") as log_file:
            os.write(2, b"".join(log_file.readlines()[-10:]))
          sys.exit("A task failed. Above is the end of its log, " + log)
      time.sleep(0.1)
    print("\nTo train further: {} --model_dir={} --steps={}".format(
        " ".join([sys.executable] + sys.argv), model_dir, 2 * FLAGS.steps))
  finally:
    for process in processes.values():
      if process.poll() is None:
        process.kill()


def main(_):
  if "TF_CONFIG" not in os.environ:
    launch()
    return
  task = tf.distribute.cluster_resolver.TFConfigClusterResolver()
  with tf.Graph().as_default():
    if task.task_type == "evaluator":
      evaluate(task)
      return
    server = tf.train.Server(task.cluster_spec(), task.task_type, task.task_id)
    if task.task_type == "ps":
      server.join()
    train(task, server)


if __name__ == "__main__":
  app.run(main)
