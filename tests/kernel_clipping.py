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
"""An optimizer for ready-made Estimators, which docs/recipes.md shows."""

import tensorflow.compat.v1 as tf
import tf_contrib_opt


class KernelClippingOptimizer(tf.train.Optimizer):
  """Applies an optimizer, and bounds the columns of all kernels."""

  def __init__(self, opt, max_norm):
    super(KernelClippingOptimizer, self).__init__(False, "KernelClipping")
    self._opt = opt
    self._max_norm = max_norm

  def apply_gradients(self, grads_and_vars, global_step=None, name=None):
    grads_and_vars = list(grads_and_vars)
    kernels = [v for _, v in grads_and_vars if "kernel" in v.op.name]
    for kernel in kernels:
      if kernel.op.name.endswith("/part_1"):
        raise ValueError("The columns of {} span several parameter servers."
                         .format(kernel.op.name[:-len("/part_1")]))
    opt = tf_contrib_opt.VariableClippingOptimizer(
        self._opt, {kernel: [0] for kernel in kernels}, self._max_norm)
    return opt.apply_gradients(grads_and_vars, global_step, name)

  def variables(self):
    return self._opt.variables()
