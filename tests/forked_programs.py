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
"""Runs programs in forks of one process that has imported TensorFlow.

In a process of its own, a short program would spend most of its time on this
import. The arguments are the paths of the programs. Each program runs in its
directory, and its output goes to a file with ".out" after the path. No program
runs after one that has failed.
"""

from __future__ import print_function

import os
import runpy
import sys
import traceback

import tensorflow  # noqa: F401 pylint: disable=unused-import


def _succeeds(path):
  pid = os.fork()
  if pid:
    return os.waitpid(pid, 0)[1] == 0
  try:
    os.chdir(os.path.dirname(path))
    with open(path + ".out", "w") as f:
      os.dup2(f.fileno(), sys.stdout.fileno())
    runpy.run_path(path, run_name="__main__")
    sys.stdout.flush()
    # A normal exit would first free all modules, which takes longer than most
    # programs.
    os._exit(0)
  except BaseException:  # pylint: disable=broad-except
    traceback.print_exc()
    os._exit(1)


if __name__ == "__main__":
  for argument in sys.argv[1:]:
    if not _succeeds(os.path.abspath(argument)):
      sys.exit(argument + " failed.")
