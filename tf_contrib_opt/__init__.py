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
"""`tf.contrib.opt.VariableClippingOptimizer` for TensorFlow 1.14 to 2.21."""

import re

import six

try:
  from tf_contrib_opt.variable_clipping_optimizer import (
      VariableClippingOptimizer)
except ImportError as e:
  # What a broken TensorFlow lacks is for it to say.
  if not re.match(r"No module named '?tensorflow(\.compat|'|$)", str(e)):
    raise
  six.raise_from(
      ImportError(
          "tf_contrib_opt needs TensorFlow 1.14 or newer. To install it: "
          'pip install "tf-contrib-opt[tensorflow]"'), e)

__version__ = "1.0.0"
