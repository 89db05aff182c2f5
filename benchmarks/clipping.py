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
"""Measures how much time clipping adds to a training step.

  python clipping.py --plot=clipping.png

The program prints a table of results/, and draws the picture of
docs/performance.md. That page explains the methods and the cases.
"""

import collections
import functools
import itertools
import os
import sys
import timeit

from absl import app
from absl import flags
import numpy as np
import tensorflow.compat.v1 as tf
import tf_contrib_opt

try:
  from tensorflow.contrib import opt as contrib_opt
except ImportError:
  contrib_opt = None

# Idle threads of PyTorch would spin and slow down the other methods.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
try:
  import torch
except ImportError:
  torch = None

FLAGS = flags.FLAGS
flags.DEFINE_integer("rounds", 15, "Rounds of each case.")
flags.DEFINE_string("plot", None, "File to draw a picture to.")

MAX_NORM = 2.
_SECONDS_OF_A_ROUND = 0.05

# In the case "dense", there is no lookup, so the gradient is dense.
Case = collections.namedtuple("Case", "ids over batch width rows")
LABELS = Case("ids", "% of rows over the bound", "ids per step",
              "width of a row", "rows of the table")
_BASE = Case("zipf", 0, 8192, 128, 10**5)
_DENSE = _BASE._replace(ids="dense", batch=None, rows=_BASE.batch)

# The panels of the picture: the field along the x axis, and the cases.
PANELS = [
    ("over", [_BASE._replace(over=over) for over in (0, 5, 100)]),
    ("batch", [_BASE._replace(batch=2**i) for i in (4, 8, 13, 16)]),
    ("width", [_BASE._replace(width=width) for width in (16, 128, 512)]),
    ("rows", [_BASE._replace(width=32, rows=10**i) for i in (4, 5, 6, 7)]),
]


def cases_of(panel):
  return [case._replace(ids=ids)
          for ids in ("zipf", "distinct") for case in panel[1]]


def sample_batches(case):
  """Yields batches of ids, and of factors that push some rows outwards."""
  random = np.random.RandomState(0)
  is_over = random.permutation(case.rows) % 100 < case.over
  # Because 9 is odd, each of two timers that take turns gets all batches.
  for _ in range(9):
    ids = random.permutation(case.rows)[:case.batch]
    if case.ids == "zipf":
      ids = (random.zipf(1.3, case.batch) - 1) % case.rows
    yield ids, (0.2 * is_over[ids, np.newaxis]).astype("float32")


def initial_table(case):
  """Returns rows that are just inside the bound."""
  return tf.fill([case.rows, case.width], 0.99 * MAX_NORM / case.width**0.5)


def unclipped(opt, grad, var):
  return opt.apply_gradients([(grad, var)])


def ours(opt, grad, var, module=tf_contrib_opt, **kwargs):
  return module.VariableClippingOptimizer(
      opt, {var: [1]}, MAX_NORM, **kwargs).apply_gradients([(grad, var)])


def contrib(opt, grad, var):
  """Clips like tf.contrib: subtracts the excess of a row once per lookup."""
  if contrib_opt:
    return ours(opt, grad, var, contrib_opt)
  with tf.control_dependencies([unclipped(opt, grad, var)]):
    rows = tf.gather(var, grad.indices)
  excess = rows - tf.clip_by_norm(rows, MAX_NORM, [1])
  return tf.group(var.scatter_sub(tf.IndexedSlices(excess, grad.indices)))


def all_rows(opt, grad, var):
  """Writes back all rows that were looked up."""
  with tf.control_dependencies([unclipped(opt, grad, var)]):
    ids, _ = tf.unique(grad.indices)
    rows = tf.clip_by_norm(tf.gather(var, ids), MAX_NORM, [1])
  return tf.group(var.scatter_update(tf.IndexedSlices(rows, ids)))


def max_norm(opt, grad, var):
  """Scales the whole table, as a Keras constraint does."""
  constraint = tf.keras.constraints.MaxNorm(MAX_NORM, axis=1)
  with tf.control_dependencies([unclipped(opt, grad, var)]):
    return tf.group(var.assign(constraint(var.read_value())))


def copy(opt, grad, var):
  """Only copies the looked-up rows. Every way to clip them must do this."""
  with tf.get_default_graph().colocate_with(var.op):
    # Grappler merges this op with the tf.unique of Adagrad.
    ids, _ = tf.unique(grad.indices)
  with tf.control_dependencies([unclipped(opt, grad, var)]):
    return tf.gather(var, ids).op


_METHODS = {
    "unclipped": unclipped, "tf_contrib_opt": ours, "tf.contrib": contrib,
    "write back all rows": all_rows, "MaxNorm": max_norm, "copy": copy,
}
_COLUMNS = ["tf_contrib_opt", "tf.contrib", "write back all rows", "MaxNorm",
            "torch", "copy"]


def seconds_of(fn, *args):
  return timeit.timeit(lambda: fn(*args), number=1)


def create_timers(case, sess):
  """Returns a dict from methods to functions that time a step on a batch."""
  methods = set(_METHODS)
  if case == _DENSE:
    # For a dense gradient, tf.contrib builds the graph of this library, and the
    # other methods need ids.
    methods = {"unclipped", "tf_contrib_opt", "MaxNorm"}
  if case.rows > 10**6:
    methods.remove("MaxNorm")  # It takes too long.
  batch = [tf.placeholder(tf.int64, [None]),
           tf.placeholder(tf.float32, [None, 1])]
  var = tf.Variable(initial_table(case), use_resource=True)
  opt = tf.train.AdagradOptimizer(0.1)
  timers = {}
  for method in methods:
    rows = var if case == _DENSE else tf.nn.embedding_lookup(var, batch[0])
    grad, = tf.gradients(-tf.reduce_sum(batch[1] * tf.square(rows)) / 2, [var])
    timers[method] = functools.partial(seconds_of, sess.make_callable(
        _METHODS[method](opt, grad, var), batch))
  sess.run(tf.global_variables_initializer())

  if torch and case != _DENSE:
    table = torch.tensor(sess.run(var))

    def embedding_renorm(ids, factors):
      table[torch.tensor(np.unique(ids[factors[:, 0] > 0]))] *= 1.02
      return timers["unclipped"](ids, factors) + seconds_of(
          torch.embedding_renorm_, table, torch.tensor(ids), MAX_NORM, 2.)

    timers["torch"] = embedding_renorm
  return timers


def measure_round(timers, batches):
  """Returns the ratio of the median times of two timers that take turns."""
  seconds = []
  while np.sum(seconds) < _SECONDS_OF_A_ROUND:
    seconds.append([])
    for timer in timers:
      timer(*next(batches))  # Not timed, because it fills the caches.
      seconds[-1].append(timer(*next(batches)))
  return np.divide(*np.median(seconds, axis=0))


def measure(case):
  """Returns a dict from methods to the ratios of all rounds."""
  ratios = collections.defaultdict(list)
  batches = itertools.cycle(sample_batches(case))
  with tf.Graph().as_default(), tf.Session() as sess:
    timers = create_timers(case, sess)
    for _ in range(FLAGS.rounds):
      for method in np.random.permutation(list(set(timers) - {"unclipped"})):
        ratios[method].append(
            measure_round((timers[method], timers["unclipped"]), batches))
  return ratios


def format_ratios(ratios):
  return "{1:.2f} [{0:.2f}, {2:.2f}]".format(
      *np.percentile(ratios, [25, 50, 75])) if ratios else "-"


def print_row(*cells):
  print("| {} |".format(" | ".join(cells)))
  sys.stdout.flush()


def cells_of(case):
  return [case.ids] + [
      "-" if number is None else "{:,}".format(number) for number in case[1:]]


def print_header(*cells):
  print_row(*cells)
  print_row(*["---"] * len(cells))


def plot(results):
  """Draws the ratios of all cases with a lookup."""
  from matplotlib import figure  # pylint: disable=g-import-not-at-top
  fig = figure.Figure(figsize=(13, 8), layout="constrained")
  grid = fig.subplots(2, len(PANELS), sharey=True)
  ticks = [1, 1.1, 1.2, 1.5, 2, 3, 5, 8]
  for column, (field, cases) in zip(grid.T, PANELS):
    for axes, ids in zip(column, ("zipf", "distinct")):
      for method, marker in zip(_COLUMNS, "osvD^x"):
        lower, median, upper = np.percentile([
            results[case._replace(ids=ids)][method] or [np.nan] * FLAGS.rounds
            for case in cases], [25, 50, 75], axis=1)
        axes.errorbar(
            range(len(cases)), median, [median - lower, upper - median],
            label=method, marker=marker, capsize=3)
      axes.set(
          title=ids + " ids", xlabel=getattr(LABELS, field),
          yscale="log", ylim=(0.95, 8), yticks=ticks, yticklabels=ticks)
      axes.set_xticks(range(len(cases)), [
          "{:,}".format(getattr(case, field)) for case in cases], fontsize=8)
      axes.minorticks_off()
      axes.grid(axis="y")
  fig.supylabel("time of a step, relative to the unclipped step")
  fig.legend(*axes.get_legend_handles_labels(), loc="outside upper center",
             ncols=len(_COLUMNS))
  fig.savefig(FLAGS.plot)


def main(_):
  tf.disable_eager_execution()
  tf.logging.set_verbosity(tf.logging.ERROR)
  print("TensorFlow {}, PyTorch {}, {} rounds\n".format(
      tf.__version__, torch and torch.__version__, FLAGS.rounds))
  print_header(*list(LABELS) + _COLUMNS)
  results = {}
  for case in sum(map(cases_of, PANELS), []) + [_DENSE]:
    if case not in results:
      results[case] = measure(case)
      print_row(*cells_of(case) + [
          format_ratios(results[case][method]) for method in _COLUMNS])
  if FLAGS.plot:
    plot(results)


if __name__ == "__main__":
  app.run(main)
