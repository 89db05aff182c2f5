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
"""Records graphs, values and checkpoints of tf.contrib. See README.md.

    cd tests; python -m golden.record
"""

from __future__ import absolute_import, division, print_function

import json
import os
import re
import sys

import scenarios
import tensorflow.compat.v1 as tf

DIRECTORY = os.path.dirname(os.path.abspath(__file__))
NUM_STEPS = 3  # Steps before a model is saved.
NUM_MORE_STEPS = 10

_VARIABLE = {
    "shape": [6, 4],
    "dtype": "float32",
    "use_resource": False,
    "device": "",
    "partition_axis": None,
    "dims": [[1]],
    "gradient": "sparse",
    "ids": [4, 0, 2],
    "ids_dtype": "int64",
}
_SAVED = {
    "seed": 0,
    "levels": [{"max_norm": 1.}],
    "max_norm_is_tensor": False,
    "variables": [
        dict(_VARIABLE, name="plain"),
        dict(_VARIABLE, name="partitioned", partition_axis=0),
        dict(_VARIABLE, name="dense", dims=[[0]], gradient="dense", ids=None),
    ],
    "scope": "",
    "minimize": True,
    "name": None,
    "global_step": True,
}


def record(directory):
  """Writes all files to a directory."""
  recorded = {"saved" + optimizer: dict(_SAVED, optimizer=optimizer)
              for optimizer in ("_adagrad", "_adam", "_momentum")}
  for seed in range(20):
    scenario = scenarios.generate(seed)
    # Only tf.contrib keeps negative dimensions in its graphs (D7).
    if not scenarios.has_negative_dims(scenario):
      recorded["random_{:02}".format(seed)] = scenario
  for name, scenario in recorded.items():
    path = os.path.join(directory, name)
    model = scenarios.Model(scenario, scenarios.contrib_optimizer)
    model.train(NUM_STEPS)
    golden = {
        "scenario": scenario,
        "nodes": describe(model),
        "collections": model.collections,
        "values": _values(model),
    }
    if name.startswith("saved"):
      model.save(path)
      model.train(NUM_MORE_STEPS)
      golden["values_after_more_steps"] = _values(model)
    model.close()
    with open(path + ".json", "w") as f:
      f.write(_dumps(golden))


def describe(model):
  """Returns a dict from names to JSON values of the optimizers' own nodes.

  These are the train ops, and the nodes in the scopes of variables to clip.
  """
  is_own = re.compile(
      r"{}(/VariableClipping|/MaxNorm)*(/clip_.*|/NoOp(_\d+)?)?$".format(
          model.train_op.name)).match
  return {
      node.name: {
          "op": node.op,
          "device": node.device,
          "input": [name for name in node.input if name[0] != "^"],
          "control_input": sorted(
              name[1:] for name in node.input if name[0] == "^"),
          "attr": {key: _describe_attr(attr)
                   for key, attr in node.attr.items()},
      } for node in model.graph_def.node if is_own(node.name)
  }


def _describe_attr(attr):
  if attr.WhichOneof("value") == "tensor":
    array = tf.make_ndarray(attr.tensor)
    return "{} {}".format(array.dtype, array.tolist())
  return " ".join(str(attr).split())


def _values(model):
  return {name: value.tolist() for name, value in model.values().items()}


def _dumps(golden):
  """Returns JSON with sorted keys, and with one line per value of a section."""
  sections = []
  for section, values in sorted(golden.items()):
    lines = ["{}: {}".format(json.dumps(key), json.dumps(value, sort_keys=True))
             for key, value in sorted(values.items())]
    sections.append('"{}": {{\n{}\n}}'.format(section, ",\n".join(lines)))
  return "{{{}}}\n".format(",\n".join(sections))


if __name__ == "__main__":
  if tf.__version__ != "1.14.0":
    sys.exit("Needs TensorFlow 1.14.0.")
  record(DIRECTORY)
