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

  python plot.py clipping.csv

writes, beside the CSV file, a picture for each field that cases differ in:
clipping.png, clipping_batch.png, clipping_width.png and clipping_rows.png, or
those of them that the file has cases for.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import csv
import itertools
import os

from absl import app
from matplotlib import figure
from matplotlib.backends import backend_agg
import numpy as np

# Methods, as drawn: colours that colour-blind people tell apart, and markers.
_STYLES = collections.OrderedDict([
    ("MaxNorm", ("#cc79a7", "D")),
    ("torch", ("#d55e00", "^")),
    ("contrib", ("#e69f00", "s")),
    ("all rows", ("#009e73", "v")),
    ("ours", ("#0072b2", "o")),
])

_BASE = {
    "over": "0", "batch": "8192", "width": "128", "rows": "100000",
    "partitions": "1", "optimizer": "Adagrad", "kind": "resource",
    "threads": "2",
}

# The end of the file's name, the field along the x axis, its label, and in what
# else the cases differ from those of _BASE.
_PICTURES = (
    ("", "over", "Rows over the bound, in %", {}),
    ("_batch", "batch", "Ids that a step looks up", {}),
    ("_width", "width", "Width of a row", {}),
    ("_rows", "rows", "Rows of the table, of width 32", {"width": "32"}),
)

_TICKS = (1, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200)
_LABEL_HEIGHT = 0.08  # Of an axes.


def select(rows, field, differences):
  """Returns the rows of a CSV file whose cases differ in `field` alone."""
  fixed = dict(_BASE, **differences)
  del fixed[field]
  return [row for row in rows if row["method"] in _STYLES and
          row["ids"] != "dense" and
          all(row[key] == value for key, value in fixed.items())]


def draw_lines(axes, rows, field, values):
  """Draws medians with quartiles; returns where the lines of methods end."""
  ends = {}
  for method, (color, marker) in _STYLES.items():
    of_method = sorted((row for row in rows if row["method"] == method),
                       key=lambda row: int(row[field]))
    if of_method:
      x = [values.index(row[field]) for row in of_method]
      # What clipping adds, as the logarithmic scale is that of this.
      lower, median, upper = [
          np.array([float(row[key]) - 1 for row in of_method])
          for key in ("lower_quartile", "median", "upper_quartile")]
      axes.errorbar(x, median, [median - lower, upper - median], color=color,
                    marker=marker, markersize=5, linewidth=1.5, capsize=3)
      ends[method] = x[-1], median[-1]
  return ends


def draw_labels(axes, ends):
  """Names methods beside the ends of their lines, one above the other."""
  to_axes = axes.transData + axes.transAxes.inverted()
  height = -np.inf
  for method, end in sorted(ends.items(), key=lambda item: item[1][1]):
    x, y = to_axes.transform(end)
    height = max(y, height + _LABEL_HEIGHT)
    color, _ = _STYLES[method]
    axes.annotate(
        method, (x, y), (0.74, height), "axes fraction", "axes fraction",
        color=color, va="center_baseline", arrowprops=dict(
            arrowstyle="-", color=color, alpha=0.5, relpos=(0, 0.5)))


def plot(rows, field, label):
  """Returns a figure with axes for each kind of ids and each TensorFlow."""
  versions = sorted(
      {row["tensorflow"] for row in rows}, reverse=True,
      key=lambda version: [int(number) for number in version.split(".")[:2]])
  all_ids = sorted({row["ids"] for row in rows}, reverse=True)
  values = sorted({row[field] for row in rows}, key=int)
  fig = figure.Figure(figsize=(0.6 + 3.2 * len(versions),
                               0.8 + 2.6 * len(all_ids)), dpi=100)
  backend_agg.FigureCanvasAgg(fig)
  all_axes = list(fig.subplots(
      len(all_ids), len(versions), sharex=True, sharey=True,
      squeeze=False).flat)
  all_ends = []
  for axes, (ids, version) in zip(
      all_axes, itertools.product(all_ids, versions)):
    all_ends.append(draw_lines(
        axes, [row for row in rows if row["ids"] == ids and
               row["tensorflow"] == version], field, values))
    axes.axhline(0, color="black", linewidth=1)
    axes.set_yscale("symlog", linthresh=0.1)
    axes.grid(axis="y", alpha=0.3)
    axes.set_title("{} ids, TensorFlow {}".format(ids.capitalize(), version),
                   fontsize="medium")
  axes.set_xlim(-0.3, 1.5 * len(values) - 1)  # Leaves room for labels.
  axes.set_xticks(range(len(values)))
  axes.set_xticklabels([
      "$10^{}$".format(len(value) - 1) if value.rstrip("0") == "1" and
      len(value) > 4 else "{:,}".format(int(value)) for value in values])
  axes.set_yticks([tick - 1 for tick in _TICKS])
  axes.set_yticklabels(_TICKS)
  axes.minorticks_off()
  axes.set_ylim(
      min([-0.02] + [float(row["lower_quartile"]) - 1.01 for row in rows]),
      max([0.1] + [1.5 * (float(row["upper_quartile"]) - 1) for row in rows]))
  fig.supxlabel(label)
  fig.supylabel("Training step, relative to the unclipped one")
  fig.tight_layout()
  for axes, ends in zip(all_axes, all_ends):
    draw_labels(axes, ends)
  return fig


def main(argv):
  if len(argv) != 2:
    raise app.UsageError("Name a CSV file.")
  with open(argv[1]) as csv_file:
    rows = list(csv.DictReader(csv_file))
  for suffix, field, label, differences in _PICTURES:
    selected = select(rows, field, differences)
    if selected:
      path = os.path.splitext(argv[1])[0] + suffix + ".png"
      plot(selected, field, label).savefig(
          path, pil_kwargs={"optimize": True})
      print(path)


if __name__ == "__main__":
  app.run(main)
