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
"""Measures how much time clipping adds to a step under a strategy.

  python strategies.py

Some cases are those of `clipping.py`. Two more cases look up 16 rows of a small
and of a large table. OneDeviceStrategy and MirroredStrategy run in one process,
on one and on two virtual CPUs. MultiWorkerMirroredStrategy has two workers in
two processes. Rounds of clipped and of unclipped steps take turns, and all
steps run in a `tf.function`.

The program prints a table of results/. It needs TensorFlow 2.4 or newer.
"""

import json
import multiprocessing
import os
import sys

from absl import app
import clipping
import numpy as np
import portpicker
import tensorflow as tf

_CPUS = ["/cpu:0", "/cpu:1"]

# Functions that create the strategies, and the number of their workers.
_STRATEGIES = {
    "OneDevice": (lambda: tf.distribute.OneDeviceStrategy(_CPUS[0]), 1),
    "Mirrored": (lambda: tf.distribute.MirroredStrategy(_CPUS), 1),
    "MultiWorkerMirrored": (tf.distribute.MultiWorkerMirroredStrategy, 2),
}
_CASES = clipping.cases_of(clipping.PANELS[0]) + [
    clipping.Case("distinct", 0, 16, 64, rows) for rows in (10**4, 10**6)]


def create_timer(strategy, case, method):
  """Returns a function that trains on all batches, and returns ms per step."""
  with strategy.scope():
    table = tf.Variable(clipping.initial_table(case))
    opt = tf.compat.v1.train.AdagradOptimizer(0.1)

  def update(ids, factors):
    with tf.GradientTape() as tape:
      tape.watch(table)
      # If a strategy mirrors the table, tf.gather reads all of it, which would
      # hide the cost of clipping.
      rows = tf.raw_ops.ResourceGather(
          resource=table.handle, indices=ids, dtype=table.dtype)
      loss = -tf.reduce_sum(factors * tf.square(rows)) / 2
    method(opt, tape.gradient(loss, table), table)

  step = tf.function(lambda *batch: strategy.run(update, batch))
  batches = [[tf.constant(array) for array in batch]
             for batch in clipping.sample_batches(case)]
  # In each step, the two replicas get different batches.
  inputs = [strategy.experimental_distribute_values_from_function(
      lambda context: batches[i - context.replica_id_in_sync_group])
            for i in range(len(batches))]
  return lambda: 1000 / len(inputs) * clipping.seconds_of(
      lambda: [step(*batch) for batch in inputs])


def work(name, workers, index, rounds):
  """Runs one worker. The first worker prints a row for each case."""
  if len(workers) > 1:
    os.environ["TF_CONFIG"] = json.dumps({
        "cluster": {"worker": workers},
        "task": {"type": "worker", "index": index}})
  # Lets variables be keys of a dict.
  tf.compat.v1.disable_tensor_equality()
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(2)
  tf.config.set_logical_device_configuration(
      tf.config.list_physical_devices("CPU")[0],
      [tf.config.LogicalDeviceConfiguration() for _ in _CPUS])
  create_strategy, _ = _STRATEGIES[name]
  strategy = create_strategy()
  for case in _CASES:
    timers = [create_timer(strategy, case, method)
              for method in (clipping.ours, clipping.unclipped)]
    times = np.array([[timer() for timer in timers] for _ in range(rounds + 1)])
    clipped, unclipped = times[1:].T  # The first round builds the graphs.
    if index == 0:
      clipping.print_row(
          name, *clipping.cells_of(case), *[
              "{:.2f}".format(np.median(ms)) for ms in (clipped, unclipped)],
          clipping.format_ratios(list(clipped / unclipped)))


def main(_):
  rounds = clipping.FLAGS.rounds
  print("TensorFlow {}, {} rounds\n".format(tf.__version__, rounds))
  clipping.print_header(
      "strategy", *clipping.LABELS, "clipped, ms", "unclipped, ms", "ratio")
  context = multiprocessing.get_context("spawn")
  for name, (_, num_workers) in _STRATEGIES.items():
    workers = ["localhost:{}".format(portpicker.pick_unused_port())
               for _ in range(num_workers)]
    processes = [context.Process(target=work, args=(name, workers, i, rounds))
                 for i in range(num_workers)]
    for process in processes:
      process.start()
    for process in processes:
      process.join()
    if any(process.exitcode for process in processes):
      sys.exit(1)


if __name__ == "__main__":
  app.run(main)
