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
"""Ends a run of tox with a table of what the tests did in each environment."""

import atexit
import re
from xml.etree import ElementTree

from tox.plugin import impl
from tox.tox_env.errors import Fail

_rows = {}


@impl
def tox_after_run_commands(tox_env, exit_code, outcomes):
  report = tox_env.env_tmp_dir / "report.xml"
  if not report.exists():
    raise Fail("no report of the tests")
  tests, errors, failures, skipped = (
      sum(int(suite.get(key))
          for suite in ElementTree.parse(report).iter("testsuite"))
      for key in ("tests", "errors", "failures", "skipped"))
  failed = errors + failures
  passed = tests - failed - skipped
  seconds = round(sum(outcome.elapsed for outcome in outcomes))
  if exit_code or not passed:
    failed = max(failed, 1)
  _rows[tox_env.conf.name] = passed, failed, skipped, seconds
  if not passed:
    raise Fail("no test passed")


@impl
def tox_env_teardown(tox_env):
  name = tox_env.conf.name
  if not name.startswith("."):  # Those are tox's own.
    # One that could not be made, or whose tests crashed, counts as a failure.
    _rows.setdefault(name, (0, 1, 0, 0))


def _versions(name):
  return [int(number) for number in re.findall(r"\d+", name)]


@atexit.register
def _print_table():
  if _rows:
    line = "{:14}{:>9}{:>9}{:>9}{:>9}"
    print(line.format("environment", "passed", "failed", "skipped", "seconds"))
    for name in sorted(_rows, key=_versions):
      print(line.format(name, *_rows[name]))
    print("total: {} passed, {} failed, {} skipped".format(
        *(sum(column) for column in list(zip(*_rows.values()))[:3])))
