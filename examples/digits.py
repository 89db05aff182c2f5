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
"""Bounds the weights of classifiers of handwritten digits.

Max-norm regularisation (Srivastava et al., 2014) bounds the norm of the weights
into each unit of a network. The networks, of one hidden layer with dropout,
learn scikit-learn's digits from few of them: half of the networks from correct
labels, half from labels of which some are wrong. They are trained by momentum
in a `VariableClippingOptimizer`, with one bound after the other, and without.

  python digits.py --model_dir=/tmp/digits

Prints how many of the other digits they classify correctly, what they gain by
the bound, with its standard error over random splits, and plots it. With the
default flags, a bound of 1 gains about 4 points where a fifth of the labels is
wrong. Where all are correct, no bound gains anything, and tight ones lose.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import os
import signal
import sys
import tempfile


def interrupt(*_):
  os.write(2, b"Interrupted.\n")
  os._exit(1)  # An exception could get lost in TensorFlow's callbacks.


# From here on, since TensorFlow takes seconds to import.
signal.signal(signal.SIGINT, interrupt)

from absl import app
from absl import flags
from matplotlib import figure
from matplotlib import ticker
from matplotlib.backends import backend_agg
import numpy as np
import six
from sklearn import datasets
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "model_dir", None, "A new directory for checkpoints and the plot, instead "
    "of a temporary one.")
flags.DEFINE_bool(
    "estimator", hasattr(tf, "estimator"), "Whether to train an Estimator, "
    "which TensorFlow has until 2.15, or in a MonitoredTrainingSession.")
flags.DEFINE_multi_float(
    "max_norm", [0.5, 0.7, 1., 1.5, 2., 3., 5.], "Bound on the norm of the "
    "weights into a unit; repeat it for several bounds.")
flags.DEFINE_integer("splits", 8, "Random splits of the digits into those to "
                     "train on and those to test on.", lower_bound=2)
flags.DEFINE_integer("num_train", 500, "Digits to train on, of 1,797.",
                     lower_bound=1, upper_bound=1796)
flags.DEFINE_float("wrong_labels", 0.2, "Share of labels that are wrong.")
flags.DEFINE_integer("steps", 1000, "Steps to train.", lower_bound=1)
flags.DEFINE_integer("batch_size", 50, "Digits per step.", lower_bound=1)
flags.DEFINE_integer("width", 128, "Units of the hidden layer.", lower_bound=1)
flags.DEFINE_float("learning_rate", 0.1, "Learning rate.")
flags.DEFINE_float("dropout", 0.5, "Share of hidden units that a step drops.")

flags.register_validator(
    "max_norm", lambda values: all(0 < value < np.inf for value in values),
    "must be a positive number")
flags.register_validator(
    "learning_rate", lambda value: 0 < value < np.inf,
    "must be a positive number")
flags.register_validator(
    "estimator", lambda value: not value or hasattr(tf, "estimator"),
    "TensorFlow has none since 2.16, which needs --noestimator")
for _name in "wrong_labels", "dropout":
  flags.register_validator(_name, lambda value: 0 <= value < 1,
                           "must be a number from 0 to below 1")

_NUM_CLASSES = 10


def load_digits():
  """Splits the digits at random, in the same ways whenever it is called.

  Returns:
    Images to train on, their labels, images to test on, and their labels. The
    first dimension of each array is that of networks: one for each split, with
    correct labels, and then one for each split with wrong labels among them.
  """
  digits = datasets.load_digits()
  images = digits.data.astype(np.float32) / 16 - 0.3
  random = np.random.RandomState(0)
  ids = np.stack([random.permutation(len(images)) for _ in range(FLAGS.splits)])
  train, test = np.split(np.concatenate([ids, ids]), [FLAGS.num_train], axis=1)
  labels = digits.target[train]
  wrong = random.uniform(size=labels.shape) < FLAGS.wrong_labels
  wrong[:FLAGS.splits] = False
  labels = np.where(
      wrong, labels + random.randint(1, _NUM_CLASSES, labels.shape), labels)
  return (images[train], labels.astype(np.int32) % _NUM_CLASSES, images[test],
          digits.target[test])


def sample_batch(images, labels):
  """Returns tensors of a batch that depends on the step alone."""
  step = tf.cast(tf.train.get_or_create_global_step(), tf.int32)
  ids = tf.random.stateless_uniform(
      [FLAGS.batch_size], [0, step], 0, FLAGS.num_train, tf.int32)
  return tf.gather(images, ids, axis=1), tf.gather(labels, ids, axis=1)


def dense(name, inputs, units):
  """Builds a layer of each network; returns its kernel and its outputs."""
  networks, _, width = inputs.shape.as_list()
  kernel = tf.get_variable(
      name + "/kernel", [networks, width, units],
      initializer=tf.random_normal_initializer(
          stddev=np.sqrt(2 / width), seed=0))
  bias = tf.get_variable(name + "/bias", [networks, 1, units],
                         initializer=tf.zeros_initializer())
  return kernel, tf.matmul(inputs, kernel) + bias


def classify(images, dropout):
  """Builds the networks; returns their kernels and their logits."""
  hidden_kernel, hidden = dense("hidden", images, FLAGS.width)
  hidden = tf.nn.dropout(tf.nn.relu(hidden), rate=dropout)
  kernel, logits = dense("logits", hidden, _NUM_CLASSES)
  return [hidden_kernel, kernel], logits


def minimize(kernels, logits, labels, max_norm):
  """Returns the loss and a train op that keeps kernels within the bound."""
  # A sum over networks, so that each learns as it would alone.
  loss = tf.reduce_sum(tf.reduce_mean(
      tf.nn.sparse_softmax_cross_entropy_with_logits(
          labels=labels, logits=logits), axis=1))
  opt = tf.train.MomentumOptimizer(FLAGS.learning_rate, 0.9)
  if max_norm:
    # Along dimension 1 of a kernel are the weights into a unit.
    opt = tf_contrib_opt.VariableClippingOptimizer(
        opt, {kernel: [1] for kernel in kernels}, max_norm)
  return loss, opt.minimize(loss, global_step=tf.train.get_global_step())


def train_estimator(model_dir, max_norm, images, labels, test_images):
  """Trains an Estimator; returns the classes that it predicts."""

  def model_fn(features, labels, mode):
    if mode == tf.estimator.ModeKeys.PREDICT:
      _, logits = classify(features, dropout=0)
      return tf.estimator.EstimatorSpec(
          mode, predictions=tf.argmax(logits, axis=2))
    kernels, logits = classify(features, FLAGS.dropout)
    loss, train_op = minimize(kernels, logits, labels, max_norm)
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op)

  estimator = tf.estimator.Estimator(model_fn, model_dir)
  estimator.train(lambda: sample_batch(images, labels), steps=FLAGS.steps)
  return list(estimator.predict(
      lambda: tf.data.Dataset.from_tensors(test_images)))


def train_in_session(model_dir, max_norm, images, labels, test_images):
  """Does what `train_estimator` does, without an Estimator."""
  with tf.Graph().as_default():
    tf.set_random_seed(1)  # As an Estimator does.
    batch_images, batch_labels = sample_batch(images, labels)
    kernels, logits = classify(batch_images, FLAGS.dropout)
    _, train_op = minimize(kernels, logits, batch_labels, max_norm)
    with tf.train.MonitoredTrainingSession(checkpoint_dir=model_dir) as session:
      for _ in range(FLAGS.steps):
        session.run(train_op)

  with tf.Graph().as_default():
    _, logits = classify(tf.constant(test_images), dropout=0)
    classes = tf.argmax(logits, axis=2)
    tf.train.get_or_create_global_step()
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(
        checkpoint_dir=model_dir)) as session:
      return session.run(classes)


def largest_norm(model_dir):
  """Returns the largest norm of the weights into a unit in a checkpoint."""
  kernels = [tf.train.load_variable(model_dir, name + "/kernel")
             for name in ("hidden", "logits")]
  return max(np.linalg.norm(kernel, axis=1).max() for kernel in kernels)


def train_and_test(model_dir):
  """Trains with each bound.

  Returns:
    The bounds and an array of accuracies, in percent, of shape [bounds, 2,
    splits]. The first bound is None.
  """
  images, labels, test_images, test_labels = load_digits()
  train = train_estimator if FLAGS.estimator else train_in_session
  max_norms, accuracies = [None] + sorted(FLAGS.max_norm), []
  print("\n                          labels correct   {:>6.0%} of them wrong\n"
        "max_norm  largest norm  accuracy        gain  accuracy        gain"
        .format(FLAGS.wrong_labels))
  for max_norm in max_norms:
    path = os.path.join(model_dir, "max_norm_{}".format(max_norm))
    classes = train(path, max_norm, images, labels, test_images)
    accuracies.append(100 * np.mean(classes == test_labels, axis=1).reshape(
        2, FLAGS.splits))
    gains = accuracies[-1] - accuracies[0]
    errors = gains.std(axis=1, ddof=1) / np.sqrt(FLAGS.splits)
    row = "{!s:>8}{:14.3f}".format(max_norm, largest_norm(path))
    for accuracy, gain, error in zip(accuracies[-1], gains, errors):
      row += "{:9.1f}%{:+7.1f} ({:.1f})".format(
          accuracy.mean(), gain.mean(), error)
    six.print_(row, flush=True)
  return max_norms, np.array(accuracies)


def plot_accuracies(path, max_norms, accuracies):
  """Plots accuracies against the bound."""
  fig = figure.Figure(figsize=(9, 5), dpi=120)
  backend_agg.FigureCanvasAgg(fig)
  axes = fig.add_subplot(1, 1, 1)
  for i, (label, color) in enumerate([
      ("labels correct", "tab:blue"),
      ("{:.0%} of labels wrong".format(FLAGS.wrong_labels), "tab:orange")]):
    for split in range(FLAGS.splits):
      axes.plot(max_norms[1:], accuracies[1:, i, split], ".", color=color,
                alpha=0.35, markersize=8, markeredgewidth=0)
    means = accuracies[:, i].mean(axis=1)
    axes.plot(max_norms[1:], means[1:], "o-", color=color, label=label)
    axes.axhline(means[0], color=color, linestyle="--", linewidth=1,
                 label=label + ", without a bound")
  axes.set_xscale("log")
  axes.set_xticks(max_norms[1:])
  axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}"))
  axes.xaxis.set_minor_locator(ticker.NullLocator())
  axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:g}%"))
  axes.grid(alpha=0.3)
  axes.set_xlabel("max_norm, the bound on the norm of the weights into a unit")
  axes.set_ylabel("Accuracy on other digits")
  axes.set_title("Max-norm regularisation of a classifier of digits")
  axes.legend()
  fig.savefig(path, bbox_inches="tight")


def make_model_dir():
  """Makes the directory of --model_dir, or a temporary one."""
  if FLAGS.model_dir is None:
    return tempfile.mkdtemp(prefix="digits_")
  try:
    os.makedirs(FLAGS.model_dir)
  except EnvironmentError as error:
    sys.exit("flag --model_dir={}: {}; give a new directory.".format(
        FLAGS.model_dir, error))
  return FLAGS.model_dir


def main(argv):
  if len(argv) > 1:
    sys.exit("Unknown argument {}; see --help.".format(argv[1]))
  tf.logging.set_verbosity(tf.logging.ERROR)
  model_dir = make_model_dir()
  print("Checkpoints: {}".format(model_dir))
  max_norms, accuracies = train_and_test(model_dir)
  path = os.path.join(model_dir, "accuracies.png")
  plot_accuracies(path, max_norms, accuracies)
  print("\nPlot: {}".format(path))


if __name__ == "__main__":
  try:
    app.run(main, flags_parser=FLAGS)
  except flags.Error as error:
    sys.exit("{}; see --help.".format(error))
