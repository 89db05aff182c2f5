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
"""Compares this library with recordings of tf.contrib and TensorFlow 1.14.0.

golden/README.md describes the recordings.
"""

from __future__ import absolute_import, division, print_function

import copy
import itertools
import json
import os
import unittest

from absl.testing import parameterized
from golden import record
import numpy as np
import scenarios
import tensorflow.compat.v1 as tf
import test_util
import tf_contrib_opt


def _names(extension, directory=record.DIRECTORY):
  return sorted(name[:-len(extension)] for name in os.listdir(directory)
                if name.endswith(extension))


def _load(name, directory=record.DIRECTORY):
  with open(os.path.join(directory, name + ".json")) as f:
    return json.load(f)


def _checkpoint(name):
  return os.path.join(record.DIRECTORY, name)


def _place_reads_by_colocation(nodes):
  """Reads of resource variables have a colocation instead of a device."""
  for node in nodes.values():
    if node["op"] == "ReadVariableOp" and "_class" not in node["attr"]:
      node["device"] = ""


def _convert_empty_dims_twice(nodes):
  """A `[]` becomes an unused float32 Const before it becomes an int32 one."""
  for name, node in list(nodes.items()):
    if node["attr"].get("value") == "int32 []" and name.endswith(
        "/reduction_indices"):
      nodes[name + "_1"] = copy.deepcopy(node)
      node["attr"].update(dtype="type: DT_FLOAT", value="float32 []")
      nodes[os.path.dirname(name)]["input"][1] += "_1"


def _rename_shape_of_ones_like(nodes):
  for name in list(nodes):
    if name.endswith("/ones_like/Shape"):
      nodes[name + "/shape_as_tensor"] = nodes.pop(name)
      nodes[os.path.dirname(name)]["input"][0] += "/shape_as_tensor"


def _mark_control_inputs(nodes):
  """Ops in tf.control_dependencies or tf.group get an attribute."""
  for node in nodes.values():
    for name in node["control_input"]:
      if name in nodes:
        nodes[name]["attr"]["_has_manual_control_dependencies"] = "b: true"


def _raise_max_norm_to_zero(nodes):
  """A Tensor `clip_norm` is replaced by `maximum(clip_norm, 0)`."""
  for name, norm in list(nodes.items()):
    if name.endswith("/clip_by_norm/Maximum") and norm["input"][1] not in nodes:
      scope = os.path.dirname(name)
      nodes[name + "_1"] = copy.deepcopy(norm)
      nodes[name + "_1"]["input"][1] = name
      norm["input"] = [norm["input"][1], name + "/y"]
      nodes[name + "/y"] = copy.deepcopy(nodes[scope + "/Greater/y"])
      nodes[scope + "/mul_1"]["input"][1] = name
      nodes[scope + "/truediv"]["input"][1] = name + "_1"


def _ignore_infinite_max_norm(nodes):
  """If a Tensor `clip_norm` is infinite, the values are returned unchanged."""
  # New nodes take the names of older ones.
  renamed = {"Select_1": "Select_2", "Select": "Select_1",
             "ones_like": "ones_like_1"}
  for scope in [os.path.dirname(name) for name in nodes
                if name.endswith("/clip_by_norm/Maximum_1")]:

    def rename(name):
      for old, new in renamed.items():
        if (name + "/").startswith("%s/%s/" % (scope, old)):
          return name.replace(old, new, 1)
      return name

    for name in [name for name in nodes if name.startswith(scope)]:
      nodes[name]["input"] = [rename(i) for i in nodes[name]["input"]]
    inside = {name: nodes.pop(name) for name in list(nodes)
              if rename(name) != name}
    nodes.update({rename(name): node for name, node in inside.items()})
    for name, node in inside.items():
      if name.startswith(scope + "/ones_like"):
        nodes[name] = copy.deepcopy(node)
        nodes[name]["input"] = [i.replace("ones_like_1", "ones_like")
                                for i in node["input"]]
    nodes[scope + "/ones_like/Shape/shape_as_tensor"]["attr"][
        "value"] = "int32 []"

    is_inf, norm = scope + "/IsInf", scope + "/Maximum"
    values = nodes[scope + "/mul_1"]["input"][0]
    for name, op, like, inputs in (
        ("/IsInf", "IsInf", "/Sqrt", [norm]),
        ("/Select", "Select", "/Select_1",
         [is_inf, scope + "/ones_like", norm]),
        ("/Select_3", "Select", "/Select_1",
         [is_inf, values, scope + "/truediv"])):
      nodes[scope + name] = dict(
          copy.deepcopy(nodes[scope + like]), op=op, input=inputs)
    nodes[scope]["input"] = [scope + "/Select_3"]
    for name in ("/mul_1", "/Maximum_1"):
      nodes[scope + name]["input"][1] = scope + "/Select"


# From each of these versions on, TensorFlow itself builds other nodes. The
# functions make the same changes to the recorded nodes. Nothing else may
# differ.
_DIFFERENCES_OF_TENSORFLOW = (
    ((2, 1), _place_reads_by_colocation),
    ((2, 4), _convert_empty_dims_twice),
    ((2, 8), _rename_shape_of_ones_like),
    ((2, 11), _mark_control_inputs),
    ((2, 16), _raise_max_norm_to_zero),
    ((2, 22), _ignore_infinite_max_norm),
)


class GoldenTest(test_util.TestCase):

  def _build(self, scenario):
    model = scenarios.Model(scenario, tf_contrib_opt.VariableClippingOptimizer)
    self.addCleanup(model.close)
    return model

  def _build_saved(self, golden, use_resource):
    """Builds one of the models `saved_*`, with either kind of variables.

    Ref and resource variables have the same names in a checkpoint, so both
    kinds can restore it.
    """
    for variable in golden["scenario"]["variables"]:
      variable["use_resource"] = use_resource
    return self._build(golden["scenario"])

  def _assert_close(self, expected, actual):
    """Compares dicts of values. The tolerance is for other versions' rounding.

    After 13 steps, no value was more than 2 units in the last place off.
    """
    self.assertEqual(sorted(expected), sorted(actual))
    for name, value in actual.items():
      tolerance = 0
      if value.dtype.kind == "f":
        tolerance = 8 * np.finfo(value.dtype).eps
      self.assertAllClose(np.asarray(expected[name], value.dtype), value,
                          rtol=tolerance, atol=tolerance, msg=name)

  @parameterized.parameters(*_names(".json"))
  def test_graph_and_values(self, name):
    golden = _load(name)
    for version, apply_difference in _DIFFERENCES_OF_TENSORFLOW:
      if test_util.VERSION >= version:
        apply_difference(golden["nodes"])
    model = self._build(golden["scenario"])
    self.assertEqual(golden["nodes"], record.describe(model))
    golden["collections"][tf.GraphKeys.TRAIN_OP] = [model.train_op.name]  # D11
    self.assertEqual(golden["collections"], model.collections)
    model.train(record.NUM_STEPS)
    self._assert_close(golden["values"], model.values())

  @parameterized.parameters(*itertools.product(_names(".index"), (False, True)))
  def test_continues_from_checkpoint(self, name, use_resource):
    golden = _load(name)
    model = self._build_saved(golden, use_resource)
    model.restore(_checkpoint(name))
    for key, value in model.values().items():
      self.assertAllEqual(np.asarray(golden["values"][key], value.dtype), value)
    model.train(record.NUM_MORE_STEPS)
    self._assert_close(golden["values_after_more_steps"], model.values())

  @parameterized.parameters(*itertools.product(_names(".index"), (False, True)))
  def test_writes_same_checkpoint(self, name, use_resource):
    """This library writes the names, shapes and values of the recording."""
    model = self._build_saved(_load(name), use_resource)
    model.train(record.NUM_STEPS)
    path = os.path.join(self.get_temp_dir(), "ckpt")
    model.save(path)
    tensors = []
    for reader in map(tf.train.load_checkpoint, (_checkpoint(name), path)):
      tensors.append({key: reader.get_tensor(key)
                      for key in reader.get_variable_to_shape_map()})
    self.assertEqual(*[{key: (value.dtype, value.shape)
                        for key, value in values.items()}
                       for values in tensors])
    self._assert_close(*tensors)

  def test_coverage(self):
    """All files exist, and each difference of TensorFlow changes some nodes."""
    goldens = [_load(name) for name in _names(".json")]
    self.assertEqual({name for name, _ in test_util.INNER_OPTIMIZERS},
                     {golden["scenario"]["optimizer"] for golden in goldens})
    self.assertEqual(["saved_adagrad", "saved_adam", "saved_momentum"],
                     _names(".index"))
    graphs = [golden["nodes"] for golden in goldens]
    for _, apply_difference in _DIFFERENCES_OF_TENSORFLOW:
      before = copy.deepcopy(graphs)
      for nodes in graphs:
        apply_difference(nodes)
      self.assertNotEqual(before, graphs)

  @unittest.skipIf(tf.__version__ != "1.14.0", "Records only 1.14.0.")
  def test_record(self):
    directory = self.get_temp_dir()
    record.record(directory)
    for extension in (".json", ".index"):
      self.assertEqual(_names(extension), _names(extension, directory))
    for name in _names(".json"):
      expected, actual = _load(name), _load(name, directory)
      # Values may depend on the processor.
      for section in ("scenario", "nodes", "collections"):
        self.assertEqual(expected[section], actual[section])


if __name__ == "__main__":
  tf.test.main()
