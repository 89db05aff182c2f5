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
"""Tests of workers that share variables on a parameter server."""

from __future__ import absolute_import, division, print_function

import inspect
import sys

import numpy as np
import tensorflow.compat.v1 as tf
import test_util

with_variable_kinds = test_util.with_variable_kinds

_NUM_WORKERS = 8
_NUM_SYNCHRONOUS_WORKERS = 4

# Whether clip ops are colocated, and whether the worker caches the variable.
_PLACEMENTS = (
    ("", False, False),
    ("_colocated", True, False),
    ("_cached", False, True),
    ("_colocated_and_cached", True, True),
)


def _sync(opt, cls=tf.train.SyncReplicasOptimizer):
  return cls(opt, _NUM_SYNCHRONOUS_WORKERS, _NUM_SYNCHRONOUS_WORKERS)


def _sync_outside(opt, clip):
  sync = _sync(clip(opt))
  return sync, sync


def _sync_inside(opt, clip):
  sync = _sync(opt)
  return sync, clip(sync)


def _sync_in_list(opt, clip):
  sync = _sync(opt)
  return sync, clip(clip(_ListOptimizer(sync)))


def _copied_sync_inside(opt, clip):
  """Wraps a copy of the class, as some programs have it in their own code."""
  cls = tf.train.SyncReplicasOptimizer
  scope = dict(vars(sys.modules[cls.__module__]))
  scope["tf_export"] = lambda *args, **kwargs: lambda cls: cls
  exec(inspect.getsource(cls), scope)  # pylint: disable=exec-used
  sync = _sync(opt, scope["SyncReplicasOptimizer"])
  return sync, clip(sync)


class _ListOptimizer(object):

  def __init__(self, opt):
    self._opts = [opt]

  def compute_gradients(self, *args, **kwargs):
    return self._opts[0].compute_gradients(*args, **kwargs)

  def apply_gradients(self, *args, **kwargs):
    return self._opts[0].apply_gradients(*args, **kwargs)


def _run(sess, fetch, aborted):
  """Runs `fetch`.

  Rarely, gRPC sends a request twice, and the server refuses the second one. The
  step may have been applied or not, so the error is appended to `aborted`.
  """
  try:
    return sess.run(fetch)
  except tf.errors.AbortedError as e:
    if "received twice" not in e.message:
      raise
    aborted.append(e)


class ClusterTest(test_util.GraphTestCase):
  """Uses servers in this process. They end when the process ends."""

  @classmethod
  def setUpClass(cls):
    super(ClusterTest, cls).setUpClass()
    cls.workers, _ = tf.test.create_local_cluster(_NUM_WORKERS, num_ps=1)

  def _train_op(self, task, rows, ids, grads, use_resource, colocate, cache):
    """Returns the variable and the train op of one worker.

    The variable is on the parameter server. Its initial value is `rows`, and
    `grads` are the gradients of the looked-up rows `ids`.
    """
    worker = "/job:worker/task:%d" % task
    with tf.device("/job:ps/task:0"):
      # Each test has its own name, because servers keep variables.
      var = tf.get_variable(
          self._testMethodName,
          initializer=tf.constant(rows, tf.float32),
          use_resource=use_resource,
          caching_device=worker if cache else None)
    # docs/cluster.md says why this is not GradientDescentOptimizer.
    opt = tf.train.MomentumOptimizer(1., momentum=0., use_locking=True)
    opt = test_util.clip({var: [1]}, opt=opt, use_locking=True,
                         colocate_clip_ops_with_vars=colocate)
    with tf.device(worker):
      loss = tf.reduce_sum(tf.nn.embedding_lookup(var, ids) * grads)
      return var, opt.minimize(loss)

  def _work(self, aborted, steps, task, *args):
    with tf.Graph().as_default():
      _, train_op = self._train_op(task, *args)
      with tf.Session(self.workers[task].target) as sess:
        for _ in range(steps):
          _run(sess, train_op, aborted)

  def _run_workers(self, var, steps, *args):
    """Runs all workers at once, with `args` of `_train_op` for each.

    Returns values of `var` that were read during the run, and one after it.
    """
    init_op, value = tf.global_variables_initializer(), var.read_value()
    with tf.Session(self.workers[0].target) as sess:
      for _ in range(3):
        sess.run(init_op)
        aborted, values = [], []
        workers = [
            self.checkedThread(self._work, (aborted, steps, task) + args[task])
            for task in range(_NUM_WORKERS)
        ]
        for worker in workers:
          worker.start()
        while any(worker.is_alive() for worker in workers):
          values.append(_run(sess, value, aborted))
        for worker in workers:
          worker.join()
        values.append(_run(sess, value, aborted))
        if not aborted:
          return values
    raise aborted[0]

  @with_variable_kinds(*_PLACEMENTS)
  def test_every_update_is_kept(self, colocate, cache, use_resource):
    """All workers update row 0 inside the bound, and each one its own row."""
    steps = 100
    rows = np.zeros([1 + _NUM_WORKERS, 2])
    update = 2. / 4096  # Sums of it are exact.
    kind = use_resource, colocate, cache
    args = [
        (rows, [0, 0, 1 + task],
         [[-update / 2, 0.], [-update / 2, 0.], [0., -9.]]) + kind
        for task in range(_NUM_WORKERS)
    ]
    var, _ = self._train_op(0, rows, [0], [[0., 0.]], *kind)
    values = self._run_workers(var, steps, *args)
    hot_row = [_NUM_WORKERS * steps * update, 0.]
    self.assertAllEqual([hot_row] + [[0., 1.]] * _NUM_WORKERS, values[-1])

  @with_variable_kinds(*_PLACEMENTS)
  def test_updates_of_a_row_at_the_bound_are_kept(self, colocate, cache,
                                                  use_resource):
    """All workers push one row outwards, and a little along the sphere."""
    steps, update = 60, 2.**-15
    args = ([[1., 0.]], [0], [[-1e-6, -update]], use_resource, colocate, cache)
    var, _ = self._train_op(0, *args)
    value = self._run_workers(var, steps, *[args] * _NUM_WORKERS)[-1]
    self.assertAllClose([1.], np.linalg.norm(value, axis=1), rtol=1e-5)
    angle = np.arctan2(value[0, 1], value[0, 0])
    self.assertGreater(angle, 0.9 * _NUM_WORKERS * steps * update)

  @with_variable_kinds(*_PLACEMENTS)
  def test_row_at_the_bound_stays_there(self, colocate, cache, use_resource):
    """All workers push the same row outwards in each step."""
    args = [[0.6, 0.8]], [0], [[-0.3, -0.4]], use_resource, colocate, cache
    var, _ = self._train_op(0, *args)
    values = self._run_workers(var, 100, *[args] * _NUM_WORKERS)
    norms = np.linalg.norm(values, axis=(1, 2))
    self.assertGreater(len(norms), 10)
    self.assertAllInRange(norms, 0.999, 1. + 0.5 * _NUM_WORKERS + 1e-5)
    self.assertAllClose(1., norms[-1], rtol=1e-5)

  @with_variable_kinds()
  def test_d12_caching_device(self, use_resource):
    """Clipping reads the row of the server, not the copy of the worker."""
    var, train_op = self._train_op(
        1, [[0.6, 0.8]], [0], [[-6., -8.]], use_resource, colocate=False,
        cache=True)
    with tf.Session(self.workers[1].target) as sess:
      sess.run(tf.global_variables_initializer())
      for _ in range(3):
        sess.run(train_op)
        self.assertAllClose([[0.6, 0.8]], sess.run(var))

  def _build_synchronous_step(self, task, wrap, push, dims, is_sparse,
                              use_resource, cache=False, **kwargs):
    """Builds a step that adds `push` to a variable, and then clips it."""
    worker = "/job:worker/task:%d" % task
    with tf.device("/job:ps/task:0"):
      global_step = tf.get_variable(
          "step", initializer=tf.constant(0, tf.int64), trainable=False,
          use_resource=use_resource)
      var = test_util.get_variable(
          push, use_resource, caching_device=worker if cache else None)
      sync, opt = wrap(
          tf.train.GradientDescentOptimizer(1.),
          lambda opt: test_util.clip({var: dims}, opt=opt, **kwargs))
      with tf.device(worker):
        rows = var
        if is_sparse:
          rows = tf.nn.embedding_lookup(var, tf.range(20000))
        loss = -tf.reduce_sum(rows * push)
      return var, sync, opt.minimize(loss, global_step)

  @with_variable_kinds(
      ("_outside_dense", _sync_outside, [1], False),
      ("_outside_sparse", _sync_outside, [1], True),
      ("_dense", _sync_inside, [1], False),
      ("_sparse", _sync_inside, [1], True),
      ("_columns", _sync_inside, [0], False),
      ("_columns_sparse", _sync_inside, [0], True),
      ("_matrix", _sync_inside, [0, 1], False),
      ("_elements", _sync_inside, [], False),
      ("_scalar", _sync_inside, None, False),
      ("_in_list", _sync_in_list, [1], False),
      ("_copied_class", _copied_sync_inside, [1], False),
      ("_cached", _sync_inside, [1], True, "cache"),
      ("_cached_dense", _sync_inside, [1], False, "cache"),
      ("_colocated", _sync_inside, [1], True, "colocate_clip_ops_with_vars"),
      ("_locked", _sync_inside, [1], True, "use_locking"))
  def test_d5_synchronous_workers(self, wrap, dims, is_sparse, *options):
    """Each update of the four workers is applied, and then clipped once.

    With tf.contrib around SyncReplicasOptimizer and a dense gradient, each
    worker subtracts the excess, so a row ends at a norm of 2 - 4 = -2.
    """
    options, use_resource = options[:-1], options[-1]
    push = np.full([20000, 2], 2.**-10)
    push[::2] = [0.6, 0.8]
    if dims is None:
      dims, push = [], push[0, 0]
    config = tf.ConfigProto(operation_timeout_in_ms=60000)
    steps = []
    for task in range(_NUM_SYNCHRONOUS_WORKERS):
      graph = tf.Graph()
      sess = tf.Session(self.workers[task].target, graph, config)
      self.addCleanup(sess.close)
      with graph.as_default(), graph.container(
          self._testMethodName.replace("_", "-")):
        var, sync, train_op = self._build_synchronous_step(
            task, wrap, push, dims, is_sparse, use_resource,
            **dict.fromkeys(options, True))
        if task == 0:
          chief, value = sess, var.read_value()
          for op in (tf.global_variables_initializer(), sync.chief_init_op,
                     sync.get_init_tokens_op(0)):
            chief.run(op)
          coord = tf.train.Coordinator()
          self.addCleanup(coord.request_stop)
          sync.get_chief_queue_runner().create_threads(
              chief, coord, daemon=True, start=True)
        sess.run(sync.local_step_init_op)
      steps.append((sess, train_op))

    expected = push
    for _ in range(3):
      threads = [self.checkedThread(sess.run, (train_op,))
                 for sess, train_op in steps]
      for thread in threads:
        thread.start()
      for thread in threads:  # Otherwise, a fast worker may take two tokens.
        thread.join()
      expected = test_util.clip_by_norm(expected + push, 1., dims)
      self.assertAllClose(expected, chief.run(value))


if __name__ == "__main__":
  tf.test.main()
