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
optimizer is momentum, first alone and then in a `VariableClippingOptimizer`
with one bound after the other.

  python digits.py

The program prints the accuracy on the other digits and the gain of each bound.
It also plots the accuracy. With `--wrong_labels=0`, all labels are correct.
"""

from absl import app
from absl import flags
from matplotlib import pyplot as plt
import numpy as np
import six
from sklearn import datasets
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_multi_float(
    "max_norm", [0.5, 0.7, 1., 1.5, 2., 3., 5.],
    "Bound on the norm of the weights into a unit. Repeat it for more bounds.")
flags.DEFINE_float(
    "wrong_labels", 0.2, "Share of the training labels that are wrong.")
flags.DEFINE_integer("steps", 1000, "Number of training steps.")
flags.DEFINE_string("plot", "digits.png", "The file of the plot.")

NUM_SEEDS = 8
NUM_TRAIN = 500
NUM_CLASSES = 10
UNITS = 128
DROPOUT = 0.5
BATCH_SIZE = 50
LEARNING_RATE = 0.1


def load_data(seed):
  """Returns images and labels to train on, and others to test on."""
  digits = datasets.load_digits()
  images = digits.data.astype(np.float32) / 16 - 0.3
  random = np.random.RandomState(seed)
  train, test = np.split(random.permutation(len(images)), [NUM_TRAIN])
  labels = digits.target[train]
  shift = random.randint(1, NUM_CLASSES, NUM_TRAIN)
  shift[random.uniform(size=NUM_TRAIN) >= FLAGS.wrong_labels] = 0
  return (images[train], (labels + shift) % NUM_CLASSES, images[test],
          digits.target[test])


def dense_layer(inputs, units):
  """Builds a layer, and returns its kernel and its outputs."""
  shape = [inputs.shape.as_list()[1], units]
  kernel = tf.Variable(tf.glorot_uniform_initializer()(shape))
  bias = tf.Variable(tf.zeros([units]))
  return kernel, tf.matmul(inputs, kernel) + bias


def train(seed, max_norm):
  """Trains a network, without a bound if `max_norm` is None.

  Returns:
    The accuracy in percent, and the largest norm of the weights into a unit.
  """
  images, labels, test_images, test_labels = load_data(seed)
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
    predictions = session.run(tf.argmax(logits, 1), {inputs: test_images})
    norms = [np.linalg.norm(value, axis=0).max()
             for value in session.run([hidden_kernel, kernel])]
  return 100 * np.mean(predictions == test_labels), max(norms)


def plot_accuracies(path, max_norms, accuracies):
  """Plots accuracies of the shape [bounds, seeds]."""
  plt.switch_backend("agg")  # It needs no display.
  _, axes = plt.subplots(figsize=(9, 5))
  axes.errorbar(
      [str(max_norm) for max_norm in max_norms], accuracies.mean(axis=1),
      accuracies.std(axis=1, ddof=1), fmt="o", capsize=4,
      label="mean and standard deviation over {} splits".format(NUM_SEEDS))
  axes.axhline(accuracies[0].mean(), color="black", linestyle="--",
               label="mean without a bound")
  axes.grid(alpha=0.3)
  axes.set(xlabel="max_norm, the bound on the norm of the weights into a unit",
           ylabel="Accuracy on test digits (%)",
           title="Max-norm regularisation, {:.0%} of the training labels wrong"
           .format(FLAGS.wrong_labels))
  axes.legend()
  plt.savefig(path, dpi=120, bbox_inches="tight")


def main(_):
  max_norms, accuracies = [None] + sorted(FLAGS.max_norm), []
  print("max_norm  largest norm  accuracy  gain (standard error)")
  for max_norm in max_norms:
    results = np.array([train(seed, max_norm) for seed in range(NUM_SEEDS)])
    accuracies.append(results[:, 0])
    gains = accuracies[-1] - accuracies[0]
    six.print_("{!s:>8}{:14.3f}{:9.1f}%{:+6.1f} ({:.1f})".format(
        max_norm, results[:, 1].max(), accuracies[-1].mean(), gains.mean(),
        gains.std(ddof=1) / np.sqrt(NUM_SEEDS)), flush=True)
  plot_accuracies(FLAGS.plot, max_norms, np.array(accuracies))
  print("Plot: {}".format(FLAGS.plot))


if __name__ == "__main__":
  app.run(main)
