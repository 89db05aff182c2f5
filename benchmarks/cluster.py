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
"""Measures clipping on parameter servers, beside other ways to clip.

  python cluster.py

Asynchronous workers look up two rows in each step. They move one a little,
inside the bound: printed is the share of these updates that it kept. They push
the other, which starts at the bound of 2, outwards by 0.25: printed are the
least and the greatest norm that it was ever seen to have.

Then, how many bytes a step moves between a worker and a parameter server, with
the ids of `clipping.py`, which describes the methods.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import functools
import itertools
import re
import threading

from absl import app
from absl import flags
import clipping
import numpy as np
import tensorflow.compat.v1 as tf

FLAGS = flags.FLAGS
flags.DEFINE_integer("workers", 8, "Asynchronous workers.", lower_bound=1)
flags.DEFINE_integer("steps", 500, "Steps of each worker.", lower_bound=1)

_PUSH = 0.25

_METHODS = [
    ("unclipped", clipping.unclipped),
    ("ours", clipping.ours),
    ("ours, colocated",
     functools.partial(clipping.ours, colocate_clip_ops_with_vars=True)),
    ("contrib", clipping.contrib),
    ("all rows", clipping.all_rows),
]


def build(task, name, method, kind, is_cached, update):
  """Returns the variable called `name`, and the train op of a worker."""
  worker = "/job:worker/task:{}".format(task)
  with tf.device("/job:ps/task:0"):
    var = tf.get_variable(
        name, initializer=[[0., 0.], [clipping.MAX_NORM, 0.]],
        caching_device=worker if is_cached else None,
        use_resource=kind == "resource")
  # docs/cluster.md tells why it is not GradientDescentOptimizer.
  opt = tf.train.MomentumOptimizer(1., momentum=0., use_locking=True)
  with tf.device(worker):
    rows = tf.nn.embedding_lookup(var, [0, 1])
    loss = -tf.reduce_sum(rows * [[update, 0.], [_PUSH, 0.]])
    return var, method(opt, opt.compute_gradients(loss))


def work(target, *args):
  with tf.Graph().as_default():
    _, train_op = build(*args)
    with tf.Session(target) as sess:
      for _ in range(FLAGS.steps):
        sess.run(train_op)


def stress(workers, *args):
  """Returns the share of updates kept, and the extremes of the other row."""
  num_updates = len(workers) * FLAGS.steps
  update = 0.5**np.ceil(np.log2(2 * num_updates))  # Sums of it are exact.
  args += update,
  threads = [
      threading.Thread(target=work, args=(worker.target, task) + args)
      for task, worker in enumerate(workers)
  ]
  norms = []
  with tf.Graph().as_default(), tf.Session(workers[0].target) as sess:
    var, _ = build(0, *args)
    sess.run(tf.global_variables_initializer())
    for thread in threads:
      thread.start()
    while any(thread.is_alive() for thread in threads):
      norms.append(np.linalg.norm(sess.run(var.read_value())[1]))
    for thread in threads:
      thread.join()
    kept = sess.run(var)[0, 0] / (num_updates * update)
  return kept, min(norms), max(norms)


def received_bytes(nodes):
  """Returns the bytes that the worker and the parameter server received."""
  num_bytes = {"ps": 0, "worker": 0}  # By the job of the sender.
  for node in nodes:
    if node.node_name == "RecvTensor":
      sender = re.search("from /job:([a-z]+)", node.timeline_label).group(1)
      num_bytes[sender] += (
          node.output[0].tensor_description.allocation_description
          .requested_bytes)
  return num_bytes["ps"], num_bytes["worker"]


def measure_bytes(server, method, case):
  """Returns the bytes of a step that `received_bytes` counts."""
  batch, = clipping.sample_batches(case, num_batches=1)
  with tf.Graph().as_default(), tf.Session(server.target) as sess:
    with tf.device(tf.train.replica_device_setter(ps_tasks=1)):
      placeholders, train_ops = clipping.build(case, {"step": method})
    sess.run(tf.global_variables_initializer())
    feed_dict = dict(zip(placeholders, batch))
    # Servers may be late with the statistics of a step.
    return np.max(
        [received_bytes(clipping.trace(sess, train_ops["step"], feed_dict))
         for _ in range(5)], axis=0)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError("Unknown argument: {}".format(argv[1]))
  tf.disable_eager_execution()
  tf.logging.set_verbosity(tf.logging.ERROR)
  workers, _ = tf.test.create_local_cluster(FLAGS.workers, num_ps=1)

  print("TensorFlow {}, {} workers, {} steps of each\n".format(
      tf.__version__, FLAGS.workers, FLAGS.steps))
  clipping.print_header(
      "method", "variable", "cached", "updates kept", "least norm",
      "greatest norm")
  for i, ((name, method), kind, is_cached) in enumerate(itertools.product(
      _METHODS[1:], ["ref", "resource"], [False, True])):
    # Servers keep variables: each row of the table has its own.
    kept, least, greatest = stress(
        workers, "var_%d" % i, method, kind, is_cached)
    clipping.print_row(
        name, kind, "yes" if is_cached else "no", "{:.1%}".format(kept),
        "{:.4g}".format(least), "{:.4g}".format(greatest))

  print("\nKiB of a step, to and from the worker\n")
  clipping.print_header("ids", "over", *[name for name, _ in _METHODS])
  for case in clipping.all_cases()[:6]:
    clipping.print_row(case.ids, str(case.over), *[
        "{:,.0f}, {:,.0f}".format(
            *np.divide(measure_bytes(workers[0], method, case), 1024))
        for _, method in _METHODS])


if __name__ == "__main__":
  app.run(main)
