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
"""Measures what clipping adds to a training step, beside other ways to clip.

  python clipping.py --csv=clipping.csv

appends to a CSV file that `plot.py` reads.

A case trains one table by all methods, in an order that changes from round to
round. A method and the unclipped step take turns of two steps, the second of
which is timed, and the ratio of their median times is that of the round. What
is printed is the median of these ratios and, in brackets, their quartiles. The
methods:

  ours      tf_contrib_opt.VariableClippingOptimizer.
  contrib   tf.contrib's, or its sequence of ops where there is no tf.contrib.
  all rows  Writes back every row that was looked up, with scatter_update.
  MaxNorm   What tf.keras.constraints.MaxNorm computes, on the whole table.
  torch     The unclipped step, and torch.embedding_renorm_ on the same rows.
  copy      The unclipped step, and a copy of the same rows in NumPy.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import csv
import itertools
import multiprocessing
import operator
import os
import platform
import timeit

from absl import app
from absl import flags
import numpy as np
import six
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
flags.DEFINE_string("csv", os.devnull, "A file to append the ratios to.")
flags.DEFINE_multi_string(
    "case", [], "Measure cases with all of these words, such as 'distinct'.")
flags.DEFINE_integer("rounds", 21, "Rounds of a case.", lower_bound=1)
flags.DEFINE_float("seconds", 0.05, "Least time of a method in a round, with "
                   "the unclipped steps that it is compared to.")

MAX_NORM = 2.
_LARGEST_TABLE_OF_MAX_NORM = 10**6  # Rows. Others are not worth the wait.

_OPTIMIZERS = {
    "SGD": lambda: tf.train.GradientDescentOptimizer(0.1),
    "Adagrad": lambda: tf.train.AdagradOptimizer(0.1),
    "Adam": lambda: tf.train.AdamOptimizer(0.01),
}

# ids: "zipf" (of exponent 1.3), "distinct" or "dense", a gradient of all rows.
# over: The percentage of rows that each step pushes over the bound.
# batch: How many ids a step looks up.
# width: The number of elements of a row.
# rows: The number of rows of the table.
# partitions: The number of variables that the table is split into.
# kind: "ref" or "resource", the kind of the variable.
# threads: The number of threads inside of ops, and of those between ops.
Case = collections.namedtuple(
    "Case", "ids over batch width rows partitions optimizer kind threads")

_CSV_FIELDS = ("tensorflow",) + Case._fields + (
    "method", "rounds", "lower_quartile", "median", "upper_quartile")

_BASE = Case("zipf", 0, 8192, 128, 10**5, 1, "Adagrad", "resource", 2)
_DENSE = _BASE._replace(ids="dense", rows=_BASE.batch)


def all_cases():
  """Returns the base case, and others that differ from it along an axis."""
  axes = [
      dict(over=[0, 5, 100]),
      dict(batch=[16, 256, 65536]),
      dict(width=[16, 512]),
      dict(width=[32], rows=[10**4, 10**5, 10**6, 10**7]),
      dict(partitions=[4, 16]),
      dict(optimizer=["SGD"]),
      dict(rows=[10**4], optimizer=["Adam"]),  # Which updates the whole table.
      dict(kind=["ref"]),
      dict(threads=[1]),
  ]
  cases = [
      _BASE._replace(ids=ids, **dict(zip(axis, values)))
      for axis in axes
      for ids in ("zipf", "distinct")
      for values in itertools.product(*axis.values())
  ]
  return cases + [_DENSE._replace(over=over) for over in (0, 100)]


def sample_batches(case, num_batches=9):  # Odd: two timers see all of them.
  """Returns pairs of ids and of factors that push some rows outside."""
  random = np.random.RandomState(0)
  is_over = random.permutation(case.rows) % 100 < case.over
  batches = []
  for _ in range(num_batches):
    if case.ids == "zipf":
      ids = (random.zipf(1.3, case.batch) - 1) % case.rows
    else:
      ids = random.permutation(case.rows)[:case.batch]
    _, inverse, counts = np.unique(
        ids, return_inverse=True, return_counts=True)
    factors = np.where(is_over[ids], 0.2 / counts[inverse], 0.)
    batches.append((ids, factors[:, np.newaxis].astype(np.float32)))
  return batches


def unclipped(opt, grads_and_vars):
  return opt.apply_gradients(grads_and_vars)


def _wrap(module, opt, grads_and_vars, **kwargs):
  clip_dims = {var: [1] for _, var in grads_and_vars}
  return module.VariableClippingOptimizer(
      opt, clip_dims, MAX_NORM, **kwargs).apply_gradients(grads_and_vars)


def ours(opt, grads_and_vars, **kwargs):
  return _wrap(tf_contrib_opt, opt, grads_and_vars, **kwargs)


def contrib(opt, grads_and_vars):
  """Subtracts what is over, once for each time that a row was looked up."""
  if contrib_opt:
    return _wrap(contrib_opt, opt, grads_and_vars)
  clip_ops = []
  with tf.control_dependencies([opt.apply_gradients(grads_and_vars)]):
    for grad, var in grads_and_vars:
      if isinstance(grad, tf.Tensor):
        value = var.read_value()
        excess = value - tf.clip_by_norm(value, MAX_NORM, [1])
        clip_ops.append(var.assign_sub(excess))
      else:
        rows = tf.gather(var, grad.indices)
        excess = rows - tf.clip_by_norm(rows, MAX_NORM, [1])
        clip_ops.append(
            var.scatter_sub(tf.IndexedSlices(excess, grad.indices)))
  return tf.group(*clip_ops)


def all_rows(opt, grads_and_vars):
  """Writes back every row that was looked up."""
  clip_ops = []
  with tf.control_dependencies([opt.apply_gradients(grads_and_vars)]):
    for grad, var in grads_and_vars:
      ids, _ = tf.unique(grad.indices)
      rows = tf.clip_by_norm(tf.gather(var, ids), MAX_NORM, [1])
      clip_ops.append(var.scatter_update(tf.IndexedSlices(rows, ids)))
  return tf.group(*clip_ops)


def max_norm(opt, grads_and_vars):
  """Scales the whole table."""
  clip_ops = []
  with tf.control_dependencies([opt.apply_gradients(grads_and_vars)]):
    for _, var in grads_and_vars:
      value = var.read_value()
      norms = tf.sqrt(tf.reduce_sum(tf.square(value), [1], keepdims=True))
      scales = tf.clip_by_value(norms, 0., MAX_NORM) / (1e-7 + norms)
      clip_ops.append(var.assign(value * scales))
  return tf.group(*clip_ops)


_METHODS = collections.OrderedDict([
    ("unclipped", unclipped),
    ("ours", ours),
    ("contrib", contrib),
    ("all rows", all_rows),
    ("MaxNorm", max_norm),
])
_COLUMNS = list(_METHODS)[1:] + ["torch", "copy"]


def methods_of(case):
  """Returns those of `_METHODS` that a case compares."""
  methods = _METHODS.copy()
  if case.ids == "dense":
    del methods["all rows"]
  if case.rows > _LARGEST_TABLE_OF_MAX_NORM:
    del methods["MaxNorm"]
  return methods


def initial_value(case):
  """Returns the value of all elements of rows just inside the bound."""
  return 0.99 * MAX_NORM / case.width**0.5


def build(case, methods):
  """Builds models that share a table.

  Args:
    case: A `Case`.
    methods: A dict from names to functions that apply gradients and clip.

  Returns:
    The placeholders of a batch, and a dict from names to train ops.
  """
  ids = tf.placeholder(tf.int64, [None])
  factors = tf.placeholder(tf.float32, [None, 1])
  opt = _OPTIMIZERS[case.optimizer]()
  partitioner = None
  if case.partitions > 1:
    partitioner = tf.fixed_size_partitioner(case.partitions)
  table = tf.get_variable(
      "table", [case.rows, case.width],
      initializer=lambda shape, **_: tf.fill(shape, initial_value(case)),
      partitioner=partitioner,
      use_resource=case.kind == "resource")
  train_ops = collections.OrderedDict()
  for name, method in six.iteritems(methods):
    rows = table
    if case.ids != "dense":
      rows = tf.nn.embedding_lookup(table, ids, partition_strategy="div")
    loss = -tf.reduce_sum(factors * tf.square(rows)) / 2
    grads_and_vars = opt.compute_gradients(loss)
    train_ops[name] = method(opt, grads_and_vars)
  return (ids, factors), train_ops


def _timer(fn):
  """Returns a function that returns the seconds that `fn` takes."""

  def call(*args):
    start = timeit.default_timer()
    fn(*args)
    return timeit.default_timer() - start

  return call


def create_timers(case, sess):
  """Returns a dict from methods to functions that time one for a batch."""
  placeholders, train_ops = build(case, methods_of(case))
  sess.run(tf.global_variables_initializer())
  timers = {method: _timer(sess.make_callable(train_op, placeholders))
            for method, train_op in six.iteritems(train_ops)}
  if case.ids == "dense":
    return timers

  table = np.full([case.rows, case.width], initial_value(case), np.float32)
  step = timers["unclipped"]

  def copy(ids, factors):
    return step(ids, factors) + _timer(table.take)(np.unique(ids), 0)

  def embedding_renorm(ids, factors):
    seconds = step(ids, factors)
    weight = torch.from_numpy(table)
    if factors.any():
      weight[torch.from_numpy(np.unique(ids[factors[:, 0] > 0]))] *= 1.02
    return seconds + _timer(torch.embedding_renorm_)(
        weight, torch.from_numpy(ids), MAX_NORM, 2.)

  timers["copy"] = copy
  if torch:
    torch.set_num_threads(case.threads)
    timers["torch"] = embedding_renorm
  return timers


def measure_ratio(timers, batches):
  """Returns the ratio of the median times of two timers that take turns."""
  seconds = []
  while np.sum(seconds) < FLAGS.seconds:
    seconds.append([])
    for timer in timers:
      timer(*next(batches))  # Finds the caches as the other method left them.
      seconds[-1].append(timer(*next(batches)))
  return operator.truediv(*np.median(seconds, axis=0))


def session_config(case):
  return tf.ConfigProto(
      intra_op_parallelism_threads=case.threads,
      inter_op_parallelism_threads=case.threads)


def measure_ratios(case):
  """Returns a dict from methods to ratios of time, one for each round."""
  random = np.random.RandomState(0)
  ratios = collections.defaultdict(list)
  with tf.Graph().as_default(), tf.Session(config=session_config(case)) as sess:
    timers = create_timers(case, sess)
    methods = sorted(set(timers) - {"unclipped"})
    batches = itertools.cycle(sample_batches(case))
    for _ in range(FLAGS.rounds):
      for method in random.permutation(methods):
        ratios[method].append(
            measure_ratio((timers[method], timers["unclipped"]), batches))
  return ratios


def trace(sess, train_op, feed_dict):
  """Returns statistics of the nodes that a step runs."""
  metadata = tf.RunMetadata()
  sess.run(train_op, feed_dict,
           tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
  return [node for device in metadata.step_stats.dev_stats
          for node in device.node_stats]


def peak_bytes(nodes):
  """Returns how much memory a step held at its peak."""
  records = sorted(
      (record.alloc_micros, record.alloc_bytes)
      for node in nodes
      for memory in node.memory
      for record in memory.allocation_records)
  return np.cumsum([num_bytes for _, num_bytes in records]).max()


def measure_graph(case, method):
  """Returns the nodes of a model, seconds to build it, and bytes of a step."""
  batch, = sample_batches(case, num_batches=1)
  with tf.Graph().as_default() as graph:
    start = timeit.default_timer()
    placeholders, train_ops = build(case, {method: _METHODS[method]})
    seconds = timeit.default_timer() - start
    with tf.Session(config=session_config(case)) as sess:
      sess.run(tf.global_variables_initializer())
      num_bytes = peak_bytes(
          trace(sess, train_ops[method], dict(zip(placeholders, batch))))
    return len(graph.get_operations()), seconds, num_bytes


def print_row(*cells):
  six.print_("| {} |".format(" | ".join(cells)), flush=True)


def print_header(*cells):
  print_row(*cells)
  print_row(*["---"] * len(cells))


def print_ratios(case, csv_writer):
  fields = [str(field) for field in case]
  ratios = measure_ratios(case)
  quartiles = {method: np.percentile(ratios[method], [25, 50, 75])
               for method in ratios}
  print_row(*fields + [
      "{1:.2f} [{0:.2f}, {2:.2f}]".format(*quartiles[method])
      if method in quartiles else "-" for method in _COLUMNS])
  for method in _COLUMNS:
    if method in quartiles:
      csv_writer.writerow(
          [tf.__version__] + fields + [method, FLAGS.rounds] +
          ["{:.4f}".format(quartile) for quartile in quartiles[method]])


def print_graph_costs(case, rounds=9):
  methods = list(methods_of(case))
  nodes, seconds, num_bytes = np.median(
      [[measure_graph(case, method) for method in methods]
       for _ in range(rounds)], axis=0).T
  for i, method in enumerate(methods[1:], 1):
    print_row(case.ids, method, "{:.0f}".format(nodes[i] - nodes[0]),
              "{:.2f}".format(seconds[i] / seconds[0]),
              "{:.1f}".format((num_bytes[i] - num_bytes[0]) / 2**20))


def main(argv):
  if len(argv) > 1:
    raise app.UsageError("Unknown argument: {}".format(argv[1]))
  tf.disable_eager_execution()
  tf.logging.set_verbosity(tf.logging.ERROR)
  print("TensorFlow {}, PyTorch {}, Python {}, {} with {} CPUs, {} rounds\n"
        .format(tf.__version__, torch.__version__ if torch else "absent",
                platform.python_version(), platform.machine(),
                multiprocessing.cpu_count(), FLAGS.rounds))
  cases = [case for case in all_cases()
           if set(FLAGS.case) <= set(map(str, case))]

  print_header(*Case._fields + tuple(_COLUMNS))
  with open(FLAGS.csv, "a") as csv_file:
    csv_writer = csv.writer(csv_file, lineterminator="\n")
    if not os.path.getsize(FLAGS.csv):
      csv_writer.writerow(_CSV_FIELDS)
    for case in cases:
      print_ratios(case, csv_writer)

  print("")
  print_header("ids", "method", "nodes added", "time to build",
               "MiB added to the peak of a step")
  for case in cases:
    if case in (_BASE, _BASE._replace(ids="distinct"), _DENSE):
      print_graph_costs(case)


if __name__ == "__main__":
  app.run(main)
