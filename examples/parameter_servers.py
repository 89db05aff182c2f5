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

Rows are looked up by ids from a Zipf distribution and learn the classes of the
ids. The table is split over parameter servers; a chief and other workers train
it asynchronously, by Adagrad in a `VariableClippingOptimizer`, and an evaluator
looks at each checkpoint.

  python parameter_servers.py --model_dir=/tmp/parameter_servers

runs all of them on this machine, as a process each. Where the environment has a
TF_CONFIG, as on a cluster, the program is the one process that it describes:

  export TF_CONFIG='{
      "cluster": {"ps": ["host0:2222", "host1:2222"],
                  "chief": ["host2:2222"], "worker": ["host3:2222"]},
      "task": {"type": "worker", "index": 0}}'
  python parameter_servers.py --model_dir=/shared/parameter_servers

When run again with the same `--model_dir`, it resumes from the last checkpoint.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback


def interrupt(*_):
  os.write(2, b"Interrupted.\n")
  os._exit(1)  # An exception could get lost in TensorFlow's callbacks.


# From here on, since TensorFlow takes seconds to import.
signal.signal(signal.SIGINT, interrupt)

from absl import app
from absl import flags
import numpy as np
import six
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model_dir", None, "The directory of checkpoints, which all processes "
    "share, instead of a new temporary one.")
flags.DEFINE_bool(
    "estimator", hasattr(tf, "estimator"), "Whether to train an Estimator, "
    "which TensorFlow has until 2.15, or in a MonitoredTrainingSession.")
flags.DEFINE_bool("use_resource", True, "Whether to use resource variables.")
flags.DEFINE_integer("num_ps", 2, "Parameter servers.", lower_bound=1)
flags.DEFINE_integer("num_workers", 3, "Workers beside the chief.",
                     lower_bound=1)
flags.DEFINE_integer("steps", 5000, "The step to train to.", lower_bound=1)
flags.DEFINE_integer("save_checkpoints_steps", 1000, "Steps from checkpoint to "
                     "checkpoint.", lower_bound=1)
flags.DEFINE_integer("batch_size", 512, "Rows per step.", lower_bound=1)
flags.DEFINE_integer("vocabulary", 10000, "Rows of the table.", lower_bound=1)
flags.DEFINE_integer("width", 64, "Width of a row.", lower_bound=1)
flags.DEFINE_float("learning_rate", 0.02, "Adagrad's learning rate.")
flags.DEFINE_float("max_norm", 1., "Bound on the norm of a row.")

for _name in "learning_rate", "max_norm":
  flags.register_validator(
      _name, lambda value: 0 < value < np.inf, "must be a positive number")
flags.register_validator(
    "estimator", lambda value: not value or hasattr(tf, "estimator"),
    "TensorFlow has none since 2.16, which needs --noestimator")

_TASK_TYPES = "ps", "chief", "worker", "evaluator"
_NUM_CLASSES = 16
_REPORT_SECONDS = 5
_LOG_LINES = 10  # Shown of one that failed.


def sample_batch(task):
  """Returns tensors of ids from a Zipf distribution, and of their classes.

  They depend on the task and the step: a resumed run sees the batches that an
  uninterrupted one would see.
  """
  seed = task.task_id + (task.task_type == "worker")  # The chief's is 0.
  step = tf.cast(tf.train.get_or_create_global_step(), tf.int32)
  uniform = tf.random.stateless_uniform([FLAGS.batch_size], [step, seed])
  ids = tf.cast(tf.exp(uniform * np.log(FLAGS.vocabulary + 1)), tf.int32) - 1
  ids = tf.minimum(ids, FLAGS.vocabulary - 1)  # What tf.exp may round up to.
  return ids, ids % _NUM_CLASSES


def classify(ids, classes, num_ps):
  """Builds a model; returns the variable of its embeddings, and its loss."""
  embeddings = tf.get_variable(
      "embeddings", [FLAGS.vocabulary, FLAGS.width],
      initializer=tf.random_uniform_initializer(
          -0.1 / FLAGS.width, 0.1 / FLAGS.width, seed=0),
      partitioner=tf.fixed_size_partitioner(num_ps) if num_ps else None,
      use_resource=FLAGS.use_resource)
  weights = tf.get_variable(
      "weights", [FLAGS.width, _NUM_CLASSES],
      initializer=tf.glorot_uniform_initializer(seed=0),
      use_resource=FLAGS.use_resource)
  rows = tf.nn.embedding_lookup(embeddings, ids, partition_strategy="div")
  return embeddings, tf.losses.sparse_softmax_cross_entropy(
      classes, tf.matmul(rows, weights))


def minimize(embeddings, loss):
  """Returns a train op that bounds the norms of the rows that it updates."""
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.train.AdagradOptimizer(FLAGS.learning_rate, 1e-6, use_locking=True),
      {embeddings: [1]}, FLAGS.max_norm, use_locking=True,
      colocate_clip_ops_with_vars=True)  # Moves no rows between machines.
  tf.get_variable(  # For check_model_dir.
      "max_norm", initializer=FLAGS.max_norm, trainable=False)
  return opt.minimize(loss, global_step=tf.train.get_global_step())


def last_step(task):
  """The chief ends alone, so that no update is left unclipped when it saves."""
  return FLAGS.steps * 99 // 100 if task.task_type == "worker" else FLAGS.steps


def print_row(task, step, text):
  name = "{} {}".format(task.task_type, task.task_id)
  six.print_("{:<12}{:>13}  {}".format(
      name, "{}/{}".format(step, FLAGS.steps), text), flush=True)


class TrainingReport(tf.train.SessionRunHook):
  """Prints the step, the loss and the speed of a worker as it trains."""

  def __init__(self, task, loss):
    self._task = task
    self._fetches = {"step": tf.train.get_global_step(), "loss": loss}
    self._timer = tf.train.SecondOrStepTimer(every_secs=_REPORT_SECONDS)

  def after_create_session(self, session, coord):
    self._num_steps = 0
    self._start = time.time()
    self._timer.update_last_triggered_step(0)
    print_row(self._task, session.run(self._fetches["step"]), "starts")

  def before_run(self, run_context):
    return tf.train.SessionRunArgs(self._fetches)

  def after_run(self, run_context, run_values):
    self._num_steps += 1
    if self._timer.should_trigger_for_step(self._num_steps):
      secs, steps = self._timer.update_last_triggered_step(self._num_steps)
      print_row(self._task, run_values.results["step"],
                "loss {:.3f}  {:,.0f} rows/s".format(
                    run_values.results["loss"],
                    steps * FLAGS.batch_size / secs))

  def end(self, session):
    rows = self._num_steps * FLAGS.batch_size
    print_row(self._task, session.run(self._fetches["step"]),
              "trained {:,} rows, {:,.0f} rows/s".format(
                  rows, rows / (time.time() - self._start)))


class EvaluationReport(tf.train.SessionRunHook):
  """Prints the loss of a checkpoint, and the norms of its rows."""

  def __init__(self, task, loss, embeddings):
    self._task = task
    self._fetches = {"step": tf.train.get_global_step(), "loss": loss,
                     "embeddings": embeddings}

  def before_run(self, run_context):
    return tf.train.SessionRunArgs(self._fetches)

  def after_run(self, run_context, run_values):
    results = run_values.results
    norms = np.linalg.norm(results["embeddings"], axis=1)
    print_row(self._task, results["step"],
              "loss {:.3f}  largest norm {:.5f}  {:.1%} at the bound".format(
                  results["loss"], norms.max(),
                  np.mean(norms > 0.99 * FLAGS.max_norm)))


def train_and_evaluate(task):
  """Plays a part of an Estimator's cluster, which itself reads TF_CONFIG."""

  def model_fn(features, labels, mode, config):
    embeddings, loss = classify(features, labels, config.num_ps_replicas)
    if mode == tf.estimator.ModeKeys.EVAL:
      return tf.estimator.EstimatorSpec(
          mode, loss=loss,
          evaluation_hooks=[EvaluationReport(task, loss, embeddings)])
    return tf.estimator.EstimatorSpec(
        mode, loss=loss, train_op=minimize(embeddings, loss),
        training_hooks=[TrainingReport(task, loss)])

  def input_fn():
    return sample_batch(task)

  tf.estimator.train_and_evaluate(
      tf.estimator.Estimator(
          model_fn, FLAGS.model_dir, tf.estimator.RunConfig(
              save_checkpoints_steps=FLAGS.save_checkpoints_steps)),
      tf.estimator.TrainSpec(input_fn, max_steps=last_step(task)),
      tf.estimator.EvalSpec(
          input_fn, steps=1, start_delay_secs=0, throttle_secs=1))


def train(task, server):
  """Trains as the chief or as another worker."""
  cluster = task.cluster_spec()
  device = "/job:{}/task:{}".format(task.task_type, task.task_id)
  with tf.device(tf.train.replica_device_setter(
      worker_device=device, cluster=cluster)):
    ids, classes = sample_batch(task)
    embeddings, loss = classify(ids, classes, cluster.num_tasks("ps"))
    train_op = minimize(embeddings, loss)
    with tf.control_dependencies([train_op]):
      next_step = tf.train.get_global_step().read_value()

  # Workers can start, end and fail without each other.
  config = tf.ConfigProto(device_filters=["/job:ps", device])
  is_chief = task.task_type == "chief"
  if not is_chief:
    # A MonitoredTrainingSession would look every 30 seconds.
    uninitialized = tf.report_uninitialized_variables()
    with tf.Session(server.target, config=config) as session:
      while session.run(uninitialized).size:
        time.sleep(0.5)
  with tf.train.MonitoredTrainingSession(
      server.target, is_chief, FLAGS.model_dir,
      hooks=[TrainingReport(task, loss)],
      save_checkpoint_steps=FLAGS.save_checkpoints_steps,
      config=config) as session:
    step = session.run_step_fn(lambda step_context: step_context.session.run(
        tf.train.get_global_step()))
    while step < last_step(task):
      step = session.run(next_step)


def evaluate(task):
  """Evaluates each checkpoint until that of the last step."""
  ids, classes = sample_batch(task)
  embeddings, loss = classify(ids, classes, num_ps=0)
  for path in tf.train.checkpoints_iterator(FLAGS.model_dir):
    with tf.train.MonitoredSession(
        tf.train.ChiefSessionCreator(checkpoint_filename_with_path=path),
        [EvaluationReport(task, loss, embeddings)]) as session:
      if session.run(tf.train.get_global_step()) >= last_step(task):
        break


def check_model_dir(model_dir):
  """Ends the program if it cannot write there, or resume from there."""
  probe = os.path.join(model_dir, "probe")
  try:
    tf.gfile.MakeDirs(model_dir)
    with tf.gfile.GFile(probe, "w") as probe_file:
      probe_file.write("")
    tf.gfile.Remove(probe)
  except tf.errors.OpError as error:
    sys.exit("flag --model_dir={}: {}; give a directory that can be written "
             "to.".format(model_dir, error.message))

  checkpoint = tf.train.latest_checkpoint(model_dir)
  if checkpoint:
    reader = tf.train.load_checkpoint(checkpoint)
    shape = reader.get_variable_to_shape_map().get("embeddings")
    if shape != [FLAGS.vocabulary, FLAGS.width]:
      sys.exit("flag --model_dir={}: has a table of shape {}; give its "
               "--vocabulary and --width, or another --model_dir.".format(
                   model_dir, shape))
    max_norm = reader.get_tensor("max_norm")
    if max_norm != np.float32(FLAGS.max_norm):
      sys.exit("flag --model_dir={}: was trained with --max_norm={:g}; give "
               "that, or another --model_dir.".format(model_dir, max_norm))


def read_tf_config():
  """Returns the task that TF_CONFIG describes, or ends the program."""
  try:
    task = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    cluster = task.cluster_spec()
    if task.task_type not in _TASK_TYPES:
      raise ValueError("task type {} is none of {}".format(
          task.task_type, ", ".join(_TASK_TYPES)))
    for task_type in "ps", "chief":
      cluster.task_address(task_type, 0)
    if task.task_type == "evaluator":
      int(task.task_id)
    else:
      address = cluster.task_address(task.task_type, task.task_id)
      with contextlib.closing(socket.socket()) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", int(address.split(":")[-1])))
  except socket.error as error:
    sys.exit("TF_CONFIG: cannot serve at {}: {}; give a port that is "
             "unused.".format(address, error))
  except (AttributeError, OverflowError, TypeError, ValueError) as error:
    sys.exit("TF_CONFIG: {}; see --help for its form, or unset it to run all "
             "tasks on this machine.".format(str(error).rstrip(".")))
  return task


def run_task(task):
  """Plays the part that TF_CONFIG describes."""
  if FLAGS.estimator:
    train_and_evaluate(task)
  elif task.task_type == "evaluator":
    evaluate(task)
  else:
    server = tf.train.Server(task.cluster_spec(), task.task_type, task.task_id)
    if task.task_type == "ps":
      server.join()
    train(task, server)


def unused_addresses(count):
  """Returns addresses with ports that the system says are unused."""
  sockets = [socket.socket() for _ in range(count)]
  for sock in sockets:
    sock.bind(("", 0))
  addresses = ["localhost:%d" % sock.getsockname()[1] for sock in sockets]
  for sock in sockets:
    sock.close()
  return addresses


def log_path(model_dir, task_type, index):
  return os.path.join(model_dir, "{}_{}.log".format(task_type, index))


def launch():
  """Runs a cluster on this machine, until it is done or a process fails."""
  model_dir = FLAGS.model_dir or tempfile.mkdtemp(prefix="parameter_servers_")
  check_model_dir(model_dir)
  six.print_("Checkpoints and logs: {}\n".format(model_dir), flush=True)
  addresses = unused_addresses(FLAGS.num_ps + 1 + FLAGS.num_workers)
  cluster = {
      "ps": addresses[:FLAGS.num_ps],
      "chief": addresses[FLAGS.num_ps:][:1],
      "worker": addresses[FLAGS.num_ps:][1:],
  }
  tasks = [(task_type, index) for task_type in ("ps", "chief", "worker")
           for index in range(len(cluster[task_type]))] + [("evaluator", 0)]
  processes = {}
  signal.signal(signal.SIGINT, lambda *_: sys.exit("Interrupted."))
  signal.signal(signal.SIGTERM, lambda *_: sys.exit("Terminated."))
  try:
    for task_type, index in tasks:
      tf_config = {"cluster": cluster,
                   "task": {"type": task_type, "index": index}}
      with open(log_path(model_dir, task_type, index), "ab") as stderr:
        processes[task_type, index] = subprocess.Popen(
            [sys.executable, __file__] + sys.argv[1:] +
            ["--model_dir", model_dir],
            env=dict(os.environ, TF_CONFIG=json.dumps(tf_config)),
            stderr=stderr)
    while any(processes[task].poll() != 0
              for task in tasks if task[0] != "ps"):  # Which serve forever.
      for task in tasks:
        if processes[task].poll():
          log = log_path(model_dir, *task)
          with io.open(log, encoding="utf-8", errors="replace") as log_file:
            end = "".join(log_file.readlines()[-_LOG_LINES:])
          sys.exit("{}\n{} {} failed; above is the end of its log, {}".format(
              six.ensure_str(end), task[0], task[1], log))
      time.sleep(0.1)
  finally:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for process in processes.values():
      if process.poll() is None:
        process.kill()
        process.wait()


def main(argv):
  if len(argv) > 1:
    sys.exit("Unknown argument {}; see --help.".format(argv[1]))
  if "TF_CONFIG" not in os.environ:
    launch()
  elif FLAGS.model_dir is None:
    sys.exit("flag --model_dir=None: with TF_CONFIG set, give the directory "
             "that all tasks share.")
  else:
    # Python would handle it only when TensorFlow has waited for other tasks.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    task = read_tf_config()
    if task.task_type == "chief":
      check_model_dir(FLAGS.model_dir)
    try:
      with tf.Graph().as_default():
        run_task(task)
    except tf.errors.OpError as error:
      traceback.print_exc()  # Which ends with where the op was built.
      # The line before "[[node".
      reason = error.message.split("\n\t")[0].split("\n")[-1]
      sys.exit("{}: {}".format(type(error).__name__, reason))


if __name__ == "__main__":
  try:
    app.run(main, flags_parser=FLAGS)
  except flags.Error as error:
    sys.exit("{}; see --help.".format(error))
