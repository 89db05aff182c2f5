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
"""A user's program that CI checks with "mypy --strict".

Each line with "type: ignore" has an error that mypy must find. If mypy finds no
error in such a line, "--strict" reports the comment as unused.
"""

import numpy as np
import tensorflow as tf2
import tensorflow.compat.v1 as tf
import tf_contrib_opt

with tf.Graph().as_default():
  embeddings = tf.get_variable("embeddings", [10000, 128])
  loss = tf.reduce_sum(tf.nn.embedding_lookup(embeddings, [0, 2, 0]))
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.train.AdagradOptimizer(0.1), {embeddings: [1]}, max_norm=1.0)
  opt = tf_contrib_opt.VariableClippingOptimizer(
      opt, {var: (0, -1) for var in tf.trainable_variables()}, tf.constant(9.))
  global_step = tf.train.get_or_create_global_step()
  train_op = opt.minimize(loss, global_step)
  grads_and_vars = opt.compute_gradients(loss, gate_gradients=opt.GATE_OP)
  train_op = opt.apply_gradients(
      (pair for pair in grads_and_vars if pair[0] is not None), name="apply")
  slots = [opt.get_slot(embeddings, name) for name in opt.get_slot_names()]
  names = [var.name for var in opt.variables()] + [opt.get_name()]


def check(var: tf2.Variable, version: str = tf_contrib_opt.__version__) -> None:
  clip = tf_contrib_opt.VariableClippingOptimizer
  clip(opt, {var.ref(): []}, 1, use_locking=True, name="Clip")
  clip(opt, {var.ref(): np.arange(2)}, np.float32(1))
  vars_to_clip_dims = {var: [tf2.constant(1)]}
  clip(opt, vars_to_clip_dims, var, colocate_clip_ops_with_vars=True)
  clip(opt, vars_to_clip_dims, np.ones([10000, 1]))
  clip(opt, vars_to_clip_dims, [[1.0], [2.0]])

  clip(0.1, {var: [1]}, 1.0)  # type: ignore[arg-type]
  clip(opt, [(var, [1])], 1.0)  # type: ignore[arg-type]
  clip(opt, {"embeddings": [1]}, 1.0)  # type: ignore[type-var]
  clip(opt, {var: 1}, 1.0)  # type: ignore[dict-item]
  clip(opt, {var: None}, 1.0)  # type: ignore[dict-item]
  clip(opt, {var: [1.0]}, 1.0)  # type: ignore[list-item]
  clip(opt, {var: [1]}, "1.0")  # type: ignore[arg-type]
  clip(opt, {var: [1]}, None)  # type: ignore[arg-type]
  clip(opt, {var: [1]})  # type: ignore[call-arg]
  clip(opt, {var: [1]}, 1.0, clip_norm=1.0)  # type: ignore[call-arg]
  clip(opt, {var: [1]}, 1.0, name=1)  # type: ignore[arg-type]
  opt.apply_gradients(None)  # type: ignore[arg-type]
