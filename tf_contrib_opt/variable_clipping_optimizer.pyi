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
"""Type stub of `VariableClippingOptimizer`.

TensorFlow has no type hints, and types-tensorflow has few. So this stub types
objects of TensorFlow as `Any`, or by the attributes that the optimizer uses.
"""

from typing import (
    Any, Iterable, List, Mapping, Optional, Protocol, Sequence, SupportsIndex,
    Tuple, TypeVar, Union)

class _Optimizer(Protocol):
  """The inner optimizer, of any class that has this method."""

  def apply_gradients(self, *args: Any, **kwargs: Any) -> Any: ...

class _Array(Protocol):
  """A tensor, a variable, or an array or a scalar of NumPy."""

  @property
  def dtype(self) -> Any: ...
  @property
  def shape(self) -> Any: ...

class _Variable(_Array, Protocol):
  """A variable, a partitioned variable or a sharded variable."""

  @property
  def name(self) -> Any: ...

class _Reference(Protocol):
  """The type of `variable.ref()`."""

  def deref(self) -> Any: ...

_Key = TypeVar("_Key", bound=Union[_Variable, _Reference])

class VariableClippingOptimizer:
  GATE_NONE: int
  GATE_OP: int
  GATE_GRAPH: int

  def __init__(
      self,
      opt: _Optimizer,
      vars_to_clip_dims: Mapping[_Key, Iterable[SupportsIndex]],
      max_norm: Union[float, _Array, Sequence[float],
                      Sequence[Sequence[float]]],
      use_locking: bool = False,
      colocate_clip_ops_with_vars: bool = False,
      name: str = "VariableClipping",
  ) -> None: ...
  def apply_gradients(
      self,
      grads_and_vars: Iterable[Tuple[Any, Any]],
      global_step: Any = None,
      name: Optional[str] = None,
  ) -> Any: ...
  def compute_gradients(
      self, *args: Any, **kwargs: Any) -> List[Tuple[Any, Any]]: ...
  def get_name(self) -> str: ...
  def get_slot(self, *args: Any, **kwargs: Any) -> Any: ...
  def get_slot_names(self, *args: Any, **kwargs: Any) -> List[str]: ...
  def minimize(
      self,
      loss: Any,
      global_step: Any = None,
      var_list: Any = None,
      gate_gradients: int = 1,
      aggregation_method: Optional[int] = None,
      colocate_gradients_with_ops: bool = False,
      name: Optional[str] = None,
      grad_loss: Any = None,
  ) -> Any: ...
  def variables(self) -> List[Any]: ...
