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
"""Plots what `clipping.py` measured.

  python plot.py clipping.csv clipping.png
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import csv

from absl import app
from matplotlib import figure
from matplotlib.backends import backend_agg

_COLORS = collections.OrderedDict([
    ("ours", "tab:blue"),
    ("all rows", "tab:green"),
    ("contrib", "tab:orange"),
    ("torch", "tab:red"),
])
_COMMON = ["8192", "128", "100000", "1", "Adagrad", "resource", "2"]
_CASES = [[ids, over] + _COMMON
          for ids in ("zipf", "distinct") for over in ("0", "5", "100")]


def read_medians(path):
  """Returns a dict: version of TensorFlow -> method -> index of case -> median.
  """
  medians = collections.OrderedDict()
  with open(path) as csv_file:
    for row in csv.reader(csv_file):
      version, case, method, median = row[0], row[1:10], row[10], row[13]
      if case in _CASES and method in _COLORS:
        methods = medians.setdefault(version, collections.defaultdict(dict))
        methods[method][_CASES.index(case)] = float(median)
  return medians


def main(argv):
  if len(argv) != 3:
    raise app.UsageError("Name a CSV file and a PNG file.")
  medians = read_medians(argv[1])
  fig = figure.Figure(figsize=(4.5 * len(medians), 3.5), dpi=120)
  backend_agg.FigureCanvasAgg(fig)
  width = 0.8 / len(_COLORS)
  axes = None
  for i, (version, methods) in enumerate(medians.items(), 1):
    axes = fig.add_subplot(1, len(medians), i, sharey=axes)
    for j, (method, color) in enumerate(_COLORS.items()):
      medians_of_cases = methods[method]  # Empty where there is no PyTorch.
      axes.bar([case + j * width for case in medians_of_cases],
               [median - 1 for median in medians_of_cases.values()], width,
               bottom=1, color=color, label=method)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_title("TensorFlow " + version)
    axes.set_xticks([case + 1.5 * width for case in range(len(_CASES))])
    axes.set_xticklabels(["{}\n{}%".format(*case[:2]) for case in _CASES],
                         fontsize="small")
    axes.grid(axis="y", alpha=0.3)
  axes.set_ylim(0.9, 2.5)
  fig.legend(*fig.axes[0].get_legend_handles_labels(), loc="lower center",
             ncol=len(_COLORS), bbox_to_anchor=(0.5, 0.97))
  fig.axes[0].set_ylabel("Training step, relative to the unclipped one")
  fig.text(0.5, -0.07, "Ids, and rows over the bound", ha="center")
  fig.savefig(argv[2], bbox_inches="tight")


if __name__ == "__main__":
  app.run(main)
