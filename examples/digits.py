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
"""Bounds the weights of a classifier of handwritten digits.

Max-norm regularisation (Srivastava et al., 2014) bounds the norm of the weights
into each unit of a network. A network with one hidden layer and dropout learns
scikit-learn's digits from few examples, and some of their labels are wrong. The
program trains with `MomentumOptimizer` alone. Then, for each bound, it trains
again with a `VariableClippingOptimizer` around this optimizer.

  python digits.py --wrong_labels=0.2

The program prints and plots accuracies, and the gain over training without a
bound. It chooses the bound on validation digits, and not on the test digits.
"""

import os
import tempfile

from absl import app
from absl import flags
from matplotlib import pyplot as plt
import numpy as np
import six
from sklearn import datasets
# Errors come as exceptions, so the log would only disturb the table.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_multi_float(
    "max_norm", [0.5, 0.7, 1., 1.5, 2., 3., 5.],
    "Bound on the norm of the weights into a unit. Repeat the flag for more "
    "bounds.")
flags.DEFINE_float(
    "wrong_labels", 0.2, "Share of training and validation labels to change.")
flags.DEFINE_integer("steps", 1000, "Number of training steps.")
flags.DEFINE_string("plot", os.path.join(tempfile.gettempdir(), "digits.png"),
                    "The file of the plot.")

NUM_SPLITS = 8
NUM_TRAIN = 500
NUM_VALIDATION = 400
NUM_CLASSES = 10
UNITS = 128
DROPOUT = 0.5
BATCH_SIZE = 50
LEARNING_RATE = 0.1


def load_data(seed):
  """Returns images and labels to train on, to validate with and to test on."""
  digits = datasets.load_digits()
  images = digits.data.astype(np.float32) / 16 - 0.3
  random = np.random.RandomState(seed)
  order = random.permutation(NUM_TRAIN + NUM_VALIDATION)
  wrong = order[random.uniform(size=len(order)) < FLAGS.wrong_labels]
  labels = digits.target
  labels[wrong] += random.randint(1, NUM_CLASSES, len(wrong))
  ids = np.split(order, [NUM_TRAIN]) + [np.arange(len(order), len(labels))]
  return [(images[i], labels[i] % NUM_CLASSES) for i in ids]


def dense_layer(inputs, units):
  """Builds a layer, and returns its kernel and its outputs."""
  shape = [inputs.shape.as_list()[1], units]
  kernel = tf.Variable(tf.glorot_uniform_initializer()(shape))
  bias = tf.Variable(tf.zeros([units]))
  return kernel, tf.matmul(inputs, kernel) + bias


def train(seed, max_norm):
  """Trains a network, without a bound if `max_norm` is None.

  Returns the validation and test accuracies, and the largest norm.
  """
  (images, labels), validation, test = load_data(seed)
  with tf.Graph().as_default(), tf.Session() as session:
    tf.set_random_seed(seed)
    inputs = tf.placeholder(tf.float32, [None, images.shape[1]])
    classes = tf.placeholder(tf.int64, [None])
    dropout = tf.placeholder_with_default(0., [])
    hidden_kernel, hidden = dense_layer(inputs, UNITS)
    hidden = tf.nn.dropout(tf.nn.relu(hidden), rate=dropout)
    kernel, logits = dense_layer(hidden, NUM_CLASSES)
    loss = tf.losses.sparse_softmax_cross_entropy(classes, logits)

    opt = tf.train.MomentumOptimizer(LEARNING_RATE, 0.9)
    if max_norm is not None:
      # A kernel has the shape [inputs, units]. The weights into one unit lie
      # along dimension 0. [1] would bound the weights out of each input.
      opt = tf_contrib_opt.VariableClippingOptimizer(
          opt, {hidden_kernel: [0], kernel: [0]}, max_norm)
    train_op = opt.minimize(loss)

    session.run(tf.global_variables_initializer())
    random = np.random.RandomState(seed)
    for _ in range(FLAGS.steps):
      ids = random.randint(0, NUM_TRAIN, BATCH_SIZE)
      session.run(train_op, {
          inputs: images[ids], classes: labels[ids], dropout: DROPOUT})
    predictions = tf.argmax(logits, 1)
    return [
        100 * np.mean(session.run(predictions, {inputs: images}) == labels)
        for images, labels in (validation, test)
    ] + [max(np.linalg.norm(value, axis=0).max()
             for value in session.run([hidden_kernel, kernel]))]


def plot_accuracies(path, max_norms, accuracies):
  """Plots accuracies of the shape [bounds, splits]."""
  plt.switch_backend("agg")  # It needs no display.
  _, axes = plt.subplots(figsize=(9, 5))
  axes.errorbar(
      [str(max_norm) for max_norm in max_norms], accuracies.mean(axis=1),
      accuracies.std(axis=1, ddof=1), fmt="o", capsize=4,
      label="mean and standard deviation over {} splits".format(NUM_SPLITS))
  axes.axhline(accuracies[0].mean(), color="black", linestyle="--",
               label="mean without a bound")
  axes.grid(alpha=0.3)
  axes.set(xlabel="max_norm, the bound on the norm of the weights into a unit",
           ylabel="Accuracy on test digits (%)",
           title="Max-norm regularisation with {:.0%} wrong labels".format(
               FLAGS.wrong_labels))
  axes.legend()
  plt.savefig(path, dpi=120, bbox_inches="tight")


def main(_):
  print("{:.0%} of the training and validation labels are wrong.\n\n"
        "                      mean accuracy of {} splits\n"
        "max_norm  largest norm  validation   test  gain (standard error)"
        .format(FLAGS.wrong_labels, NUM_SPLITS))
  max_norms, results = [None] + sorted(FLAGS.max_norm), []
  for max_norm in max_norms:
    results.append(np.transpose(
        [train(seed, max_norm) for seed in range(NUM_SPLITS)]))
    validation, test, norms = results[-1]
    gains = test - results[0][1]
    six.print_("{!s:>8}{:14.3f}{:11.1f}%{:6.1f}%{:+6.1f} ({:.1f})".format(
        max_norm, norms.max(), validation.mean(), test.mean(), gains.mean(),
        gains.std(ddof=1) / np.sqrt(NUM_SPLITS)), flush=True)
  validation, test, _ = np.swapaxes(results, 0, 1)
  print("\nBest on the validation digits: max_norm={}".format(
      max_norms[validation.mean(axis=1).argmax()]))
  plot_accuracies(FLAGS.plot, max_norms, test)
  print("Plot: {}".format(FLAGS.plot))


if __name__ == "__main__":
  app.run(main)
