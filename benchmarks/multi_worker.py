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
"""Measures how much time clipping adds for synchronous workers.

  python multi_worker.py

Two processes train under a MultiWorkerMirroredStrategy, with some cases of
`clipping.py`. Blocks of clipped and of unclipped steps take turns. The program
prints the ratios of their times. It needs TensorFlow 2.4 or newer.
"""

import json
import multiprocessing
import os
import sys
import timeit

from absl import app
import clipping
import portpicker
import tensorflow as tf


def create_block(strategy, case, method):
  """Returns a function that trains a table of its own on all batches."""
  with strategy.scope():
    table = tf.Variable(clipping.initial_table(case))
    opt = tf.compat.v1.train.AdagradOptimizer(0.1)

  def update(ids, factors):
    with tf.GradientTape() as tape:
      loss = -tf.reduce_sum(factors * tf.square(tf.gather(table, ids))) / 2
    method(opt, tape.gradient(loss, table), table)

  step = tf.function(lambda *batch: strategy.run(update, batch))
  batches = [[tf.constant(array) for array in batch]
             for batch in clipping.sample_batches(case)]
  return lambda: [step(*batch) for batch in batches]


def work(workers, index, rounds):
  """Runs one worker. The first worker prints a row for each case."""
  os.environ["TF_CONFIG"] = json.dumps({
      "cluster": {"worker": workers},
      "task": {"type": "worker", "index": index}})
  tf.compat.v1.disable_tensor_equality()  # Makes variables keys of a dict.
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(2)
  strategy = tf.distribute.MultiWorkerMirroredStrategy()
  for case in clipping.cases_of(clipping.PANELS[0]):
    blocks = [create_block(strategy, case, method)
              for method in (clipping.ours, clipping.unclipped)]
    ratios = []
    for _ in range(rounds + 1):
      clipped, unclipped = [timeit.timeit(block, number=1) for block in blocks]
      ratios.append(clipped / unclipped)
    if index == 0:  # The first round is left out, because it builds the graphs.
      clipping.print_row(
          case.ids, str(case.over), clipping.format_ratios(ratios[1:]))


def main(_):
  rounds = clipping.FLAGS.rounds
  print("TensorFlow {}, {} rounds\n".format(tf.__version__, rounds))
  clipping.print_header("ids", "% of rows over the bound", "step")
  workers = ["localhost:{}".format(portpicker.pick_unused_port())
             for _ in range(2)]
  context = multiprocessing.get_context("spawn")
  processes = [context.Process(target=work, args=(workers, i, rounds))
               for i in range(2)]
  for process in processes:
    process.start()
  for process in processes:
    process.join()
  sys.exit(any(process.exitcode for process in processes))


if __name__ == "__main__":
  app.run(main)
