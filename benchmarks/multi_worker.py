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
"""What clipping costs two workers that train synchronously.

  python multi_worker.py

Processes on this machine train by Adagrad under a MultiWorkerMirroredStrategy,
with the batches of `clipping.py`. Blocks of unclipped and of clipped steps take
turns. Printed are the median of the ratios of their times, with quartiles, and
the bytes that steps send over Linux's loopback device. Needs TensorFlow 2.4 or
newer.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import json
import os
import re
import subprocess
import sys
import timeit

from absl import app
from absl import flags
import clipping
import numpy as np
import portpicker
import tensorflow as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_integer("steps", 10, "Steps of a block.", lower_bound=1)

_NUM_WORKERS = 2


def create_step(strategy, case, method):
  """Returns a function that trains a table of its own on a batch."""
  with strategy.scope():
    table = tf.Variable(
        tf.fill([case.rows, case.width], clipping.initial_value(case)))
    opt = tf.compat.v1.train.AdagradOptimizer(0.1)

  @tf.function
  def step(ids, factors):

    def update():
      with tf.GradientTape() as tape:
        rows = tf.gather(table, ids)
        loss = -tf.reduce_sum(factors * tf.square(rows)) / 2
      method(opt, [(tape.gradient(loss, table), table)])

    strategy.run(update)

  return step


def clip(opt, grads_and_vars):
  return tf_contrib_opt.VariableClippingOptimizer(
      opt, {var.ref(): [1] for _, var in grads_and_vars},
      clipping.MAX_NORM).apply_gradients(grads_and_vars)


def sent_bytes():
  """Returns the bytes that were ever sent over the loopback device."""
  with open("/proc/net/dev") as devices:
    return int(re.search(r"lo:\s*(\d+)", devices.read()).group(1))


def measure_costs(strategy, case):
  """Returns times and bytes of a step, of shape [2, rounds, 2].

  The last dimension is that of unclipped and of clipped steps.
  """
  steps = [create_step(strategy, case, method)
           for method in (clipping.unclipped, clip)]
  batches = [[tf.constant(array) for array in batch]
             for batch in clipping.sample_batches(case)]

  def run_block(step):
    for i in range(FLAGS.steps):
      step(*batches[i % len(batches)])

  costs = []
  for _ in range(FLAGS.rounds + 1):
    costs.append([])
    for step in steps:
      before = np.array([timeit.default_timer(), sent_bytes()])
      run_block(step)
      costs[-1].append([timeit.default_timer(), sent_bytes()] - before)
  # The first round builds graphs.
  return np.moveaxis(costs[1:], 2, 0) / FLAGS.steps


def work():
  """Prints a row for each case, as the first of the workers."""
  tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(2)
  strategy = tf.distribute.MultiWorkerMirroredStrategy()
  is_first = strategy.cluster_resolver.task_id == 0
  if is_first:
    print("TensorFlow {}, {} workers, {} rounds\n".format(
        tf.__version__, _NUM_WORKERS, FLAGS.rounds))
    clipping.print_header("ids", "over", "step", "KiB, unclipped", "clipped")
  for case in clipping.all_cases()[:6]:
    seconds, num_bytes = measure_costs(strategy, case)
    quartiles = np.percentile(seconds[:, 1] / seconds[:, 0], [25, 50, 75])
    if is_first:
      clipping.print_row(
          case.ids, str(case.over),
          "{1:.2f} [{0:.2f}, {2:.2f}]".format(*quartiles),
          *["{:,.0f}".format(kib)
            for kib in np.median(num_bytes, axis=0) / 2**10])


def main(argv):
  if len(argv) > 1:
    raise app.UsageError("Unknown argument: {}".format(argv[1]))
  if "TF_CONFIG" in os.environ:
    work()
    return
  workers = ["localhost:{}".format(portpicker.pick_unused_port())
             for _ in range(_NUM_WORKERS)]
  processes = [
      subprocess.Popen(
          [sys.executable] + sys.argv, env=dict(
              os.environ, TF_CONFIG=json.dumps({
                  "cluster": {"worker": workers},
                  "task": {"type": "worker", "index": index}})))
      for index in range(_NUM_WORKERS)
  ]
  sys.exit(any([process.wait() for process in processes]))


if __name__ == "__main__":
  app.run(main)
