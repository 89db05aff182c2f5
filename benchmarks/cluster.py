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
"""Shows whether rows stay correct when asynchronous workers clip them.

  python cluster.py

In each step, all workers look up the same three rows. The bound is 2.

* The first row stays inside the bound, so it is never clipped. If no update is
  lost, the row keeps 100% of its updates.
* The second row stays at the bound. Each step moves it along the sphere by
  2**-13, and outwards by 1e-6, so each step must clip it. Clipping does not
  change the direction of a row. So the share of the updates that the row keeps
  is its angle at the end, divided by the angle that it has if no update is
  lost.
* The third row starts at the bound, and each step pushes it outwards by 0.25.
  Because each of 8 workers may push the row once between two clips, its norm
  may reach 2 + 8 * 0.25 = 4. A norm below 2 or above 4 is an error of the
  clipping. The program reads the row again and again, and prints the least and
  the greatest norm that it has seen.

The program prints a table of results/.
"""

import functools
import itertools
import threading

from absl import app
from absl import flags
import clipping
import numpy as np
import tensorflow.compat.v1 as tf

FLAGS = flags.FLAGS
flags.DEFINE_integer("steps", 500, "Steps of each worker.")

_NUM_WORKERS = 8
_STEP = 2.**-13  # A power of two, because sums of it have no rounding error.
_ROWS = np.float32([[0., 0.], [clipping.MAX_NORM, 0.], [clipping.MAX_NORM, 0.]])
_UPDATES = np.float32([[0., _STEP], [1e-6, _STEP], [0.25, 0.]])

_METHODS = [
    ("tf_contrib_opt", clipping.ours),
    ("tf_contrib_opt, colocated",
     functools.partial(clipping.ours, colocate_clip_ops_with_vars=True)),
    ("tf.contrib", clipping.contrib),
    ("write back all rows", clipping.all_rows),
]


def build_worker(task, name, method, use_resource):
  """Returns the variable called `name`, and the train op of a worker."""
  with tf.device("/job:ps/task:0"):
    var = tf.get_variable(name, initializer=_ROWS, use_resource=use_resource)
  # The op of GradientDescentOptimizer takes no lock, and loses updates itself.
  opt = tf.train.MomentumOptimizer(1., momentum=0., use_locking=True)
  with tf.device("/job:worker/task:{}".format(task)):
    rows = tf.nn.embedding_lookup(var, [0, 1, 2])
    loss = -tf.reduce_sum(rows * _UPDATES)
    (grad, _), = opt.compute_gradients(loss)
    return var, method(opt, grad, var)


def work(target, *args):
  with tf.Graph().as_default(), tf.Session(target) as sess:
    _, train_op = build_worker(*args)
    for _ in range(FLAGS.steps):
      sess.run(train_op)


def angle_of(row):
  return np.arctan2(row[1], row[0])


def last_angle(num_updates):
  """Returns the angle that row 1 has if no update is lost."""
  row = _ROWS[1]
  for _ in range(num_updates):
    row = row + _UPDATES[1]
    row *= clipping.MAX_NORM / np.linalg.norm(row)
  return angle_of(row)


def run_race(workers, *args):
  """Returns the shares of the updates that rows 0 and 1 keep.

  The last two values are the least and the greatest norm of row 2.
  """
  threads = [threading.Thread(target=work, args=(worker.target, task) + args)
             for task, worker in enumerate(workers)]
  norms = []
  with tf.Graph().as_default(), tf.Session(workers[0].target) as sess:
    var, _ = build_worker(0, *args)
    sess.run(tf.global_variables_initializer())
    for thread in threads:
      thread.start()
    while any(thread.is_alive() for thread in threads):
      norms.append(np.linalg.norm(sess.run(var.read_value())[2]))
    rows = sess.run(var.read_value())
  num_updates = _NUM_WORKERS * FLAGS.steps
  return (rows[0, 1] / (num_updates * _STEP),
          angle_of(rows[1]) / last_angle(num_updates), min(norms), max(norms))


def main(_):
  tf.disable_eager_execution()
  tf.logging.set_verbosity(tf.logging.ERROR)
  workers, _ = tf.test.create_local_cluster(_NUM_WORKERS, num_ps=1)
  print("TensorFlow {}, {} workers\n".format(tf.__version__, _NUM_WORKERS))
  clipping.print_header(
      "method", "variable", "kept inside the bound", "kept at the bound",
      "least norm", "greatest norm")
  for i, ((name, method), kind) in enumerate(
      itertools.product(_METHODS, ["ref", "resource"])):
    # Servers keep variables, so each race has a variable with its own name.
    results = run_race(workers, "var_%d" % i, method, kind == "resource")
    clipping.print_row(
        name, kind, *"{:.1%} {:.1%} {:.4g} {:.4g}".format(*results).split())


if __name__ == "__main__":
  app.run(main)
