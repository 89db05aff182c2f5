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
"""Properties that hold for all shapes, dimensions, dtypes and variables."""

from __future__ import absolute_import, division, print_function

import collections

import hypothesis
from hypothesis import strategies as st
import numpy as np
import tensorflow.compat.v1 as tf
import test_util

tf.enable_eager_execution()

# `ids` are the looked-up rows, or None if the gradient is dense. `kind` is
# "ref" or "resource" for a variable in a graph, and otherwise "eager".
Case = collections.namedtuple("Case", "value gradient dims ids kind")


@st.composite
def _cases(draw, is_sparse=st.booleans()):
  is_sparse = draw(is_sparse)
  shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
  dims = draw(st.lists(
      st.integers(int(is_sparse), max(len(shape) - 1, 1)), unique=True))
  dims = [dim for dim in dims if dim < len(shape)]
  ids = draw(st.lists(st.integers(0, shape[0] - 1), max_size=6))
  random = np.random.RandomState(draw(st.integers(0, 2**31)))
  scale = draw(st.sampled_from([0.1, 1., 10.]))
  dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
  value, gradient = (scale * random.randn(2, *shape)).astype(dtype)
  return Case(value, gradient, dims, ids if is_sparse else None,
              draw(st.sampled_from(["ref", "resource", "eager"])))


def _clip(max_norm):
  """Returns a function that wraps an optimizer, for a variable and dims."""
  return lambda opt, var, dims: test_util.clip([(var, dims)], max_norm, opt)


def _spacing(case):
  """Returns one unit in the last place of the largest written number."""
  largest = 1 if case.ids is not None else max(1, np.abs(case.value).max())
  return float(np.spacing(case.value.dtype.type(largest)))


def _step(case, wrap, gradient=None):
  """Returns the value after a step, whose gradient is 0 if not given."""

  def create():
    var = tf.Variable(
        case.value, use_resource=case.kind != "ref", dtype=case.value.dtype)
    grad = np.zeros_like(case.value) if gradient is None else gradient
    if case.ids is not None:
      ids = np.array(case.ids, np.int32)
      grad = tf.IndexedSlices(
          tf.constant(grad[ids]), tf.constant(ids), tf.constant(grad.shape))
    else:
      grad = tf.constant(grad)
    # With a larger rate, norms in float16 could overflow.
    opt = wrap(tf.train.MomentumOptimizer(0.1, 0.9), var, case.dims)
    return var, opt.apply_gradients([(grad, var)])

  if case.kind == "eager":
    var, _ = create()
    return var.numpy()
  with tf.Graph().as_default(), tf.Session() as sess:
    var, train_op = create()
    sess.run(tf.global_variables_initializer())
    sess.run(train_op)
    return sess.run(var)


def _for_all(cases):
  """Runs a test with 30 examples of `cases`, the same ones each time."""
  settings = hypothesis.settings(
      derandomize=True, deadline=None, max_examples=30,
      suppress_health_check=[hypothesis.HealthCheck.too_slow])
  return lambda test: settings(hypothesis.given(case=cases)(test))


class PropertiesTest(test_util.TestCase):

  @_for_all(_cases())
  def test_norms(self, case):
    """After the update, what is over the bound is scaled to it.

    With a sparse gradient, the other rows keep every bit of the update.
    """
    bound = 0.7  # A multiplication by it and a division round.
    actual = _step(case, _clip(bound), case.gradient)
    updated = _step(case, lambda opt, *_: opt, case.gradient)
    expected = test_util.clip_by_norm(updated, bound, case.dims)
    tolerance = 8 * _spacing(case._replace(value=updated))
    if case.ids is not None:
      norms = np.sqrt(np.sum(
          np.square(updated.astype(np.float64)), axis=tuple(case.dims),
          keepdims=True))
      is_over = np.any(
          (norms > bound - tolerance).reshape([len(norms), -1]), axis=1)
      kept = [row for row in range(len(norms))
              if row not in case.ids or not is_over[row]]
      expected[kept] = updated[kept]
      self.assertEqual(updated[kept].tobytes(), actual[kept].tobytes())
    self.assertAllClose(
        expected, actual.astype(np.float64), rtol=tolerance, atol=tolerance)

  @_for_all(_cases(is_sparse=st.just(True)))
  def test_order_and_number_of_lookups_change_nothing(self, case):
    others = case._replace(ids=case.ids[::-1] + case.ids)
    self.assertEqual(_step(case, _clip(1.)).tobytes(),
                     _step(others, _clip(1.)).tobytes())

  @_for_all(_cases())
  def test_second_clipping_changes_nothing(self, case):
    once = _step(case, _clip(1.))
    twice = _step(case._replace(value=once), _clip(1.))
    self.assertAllClose(once, twice, rtol=0, atol=2 * _spacing(case))

  @_for_all(_cases())
  def test_bound_that_is_never_reached_changes_nothing(self, case):
    """The bound is a power of two, so the dense path does not round."""
    bare = _step(case, lambda opt, *_: opt, case.gradient)
    clipped = _step(case, _clip(2.**8), case.gradient)
    self.assertEqual(bare.tobytes(), clipped.tobytes())


if __name__ == "__main__":
  tf.test.main()
