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
"""Trains word vectors with and without a bound on their norms.

Skip-gram with negative sampling on the documentation that ships with Python, or
on any text file. Two models start alike and see the same batches: one is
trained by Adagrad, the other by Adagrad in a `VariableClippingOptimizer`.

  python word_vectors.py --model_dir=/tmp/word_vectors
  tensorboard --logdir=/tmp/word_vectors

Prints nearest neighbours and norms, and plots norm against word frequency. When
run again with the same `--model_dir`, it resumes from the last checkpoint.
"""

from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import collections
import io
import os
import re
import signal
import sys
import tempfile
import time


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
from pydoc_data import topics
import six
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "text", None, "A UTF-8 text file, instead of Python's documentation.")
flags.DEFINE_string(
    "model_dir", None, "The directory of checkpoints, summaries and the plot, "
    "instead of a new temporary one.")
flags.DEFINE_integer("steps", 20000, "The step to train to.", lower_bound=1)
flags.DEFINE_integer("batch_size", 512, "Examples per step.", lower_bound=1)
flags.DEFINE_integer("width", 64, "Width of a word vector.", lower_bound=1)
flags.DEFINE_float("learning_rate", 0.5, "Adagrad's learning rate.")
flags.DEFINE_float("max_norm", 1.5, "Bound on the norm of a word vector.")

for _name in "learning_rate", "max_norm":
  flags.register_validator(
      _name, lambda value: 0 < value < np.inf, "must be a positive number")

_MIN_COUNT = 5  # Words that occur less often are left out.
_WINDOW = 5  # An example is a word and one at most this far from it.
_NUM_NOISE_WORDS = 64  # Shared by the examples of a batch, ...
_NOISE_WEIGHT = 5.  # ... and worth this many noise words per example.
_NUM_NEIGHBOURS = 6
_REPORT_SECONDS = 5


def read_text(path):
  """Reads a text file, or Python's documentation if `path` is None.

  Returns:
    A list of distinct words, most frequent first, an array of their counts, and
    the text as an array of indices into that list.
  """
  if path is None:
    text = "\n".join(six.ensure_text(topics.topics[topic])
                     for topic in sorted(topics.topics))
  else:
    try:
      with io.open(path, encoding="utf-8") as text_file:
        text = text_file.read()
    except (IOError, UnicodeDecodeError) as error:
      sys.exit("flag --text={}: {}; give a UTF-8 text file.".format(
          path, error))
  text = re.findall(r"[^\W\d_]+", text.lower(), re.UNICODE)
  counts = sorted((-count, word)
                  for word, count in collections.Counter(text).items()
                  if count >= _MIN_COUNT)
  if len(counts) <= _NUM_NEIGHBOURS:
    sys.exit("flag --text={}: {} distinct words occur {} times or more; give a "
             "text with {}.".format(
                 path, len(counts), _MIN_COUNT, _NUM_NEIGHBOURS + 1))
  ids = {word: i for i, (_, word) in enumerate(counts)}
  return ([six.ensure_str(word) for _, word in counts],
          np.array([-count for count, _ in counts]),
          np.array([ids[word] for word in text if word in ids]))


def sample_batch(text, cumulative_noise, step):
  """Samples ids of words, of a word near each, and of noise words.

  The step is the seed: a resumed run sees the batches that an uninterrupted one
  would see.
  """
  random = np.random.RandomState(step)
  words = random.randint(_WINDOW, len(text) - _WINDOW, FLAGS.batch_size)
  offsets = random.randint(1, _WINDOW + 1, FLAGS.batch_size)
  offsets *= random.choice([-1, 1], FLAGS.batch_size)
  noise = random.uniform(0, cumulative_noise[-1], _NUM_NOISE_WORDS)
  return (text[words], text[words + offsets],
          np.searchsorted(cumulative_noise, noise))


def skip_gram(scope, num_words, batch):
  """Builds a model; returns the variable of its word vectors, and its loss."""
  shape = [num_words, FLAGS.width]
  with tf.variable_scope(scope):
    embeddings = tf.get_variable(
        "embeddings", shape, initializer=tf.random_uniform_initializer(
            -0.5 / FLAGS.width, 0.5 / FLAGS.width, seed=0))
    weights = tf.get_variable(
        "weights", shape, initializer=tf.zeros_initializer())
    words = tf.nn.embedding_lookup(embeddings, batch[0])
    near = tf.nn.embedding_lookup(weights, batch[1])
    noise = tf.nn.embedding_lookup(weights, batch[2])
    logits = tf.reduce_sum(words * near, axis=1)
    noise_logits = tf.matmul(words, noise, transpose_b=True)
    # softplus(-x) is -log(sigmoid(x)).
    loss = (tf.reduce_mean(tf.nn.softplus(-logits)) +
            _NOISE_WEIGHT * tf.reduce_mean(tf.nn.softplus(noise_logits)))
  return embeddings, loss


def train(model_dir, text, counts):
  """Trains up to `--steps`, from the last checkpoint in `model_dir` if any.

  Returns:
    The word vectors as two arrays: trained without clipping, and with it.
  """
  batch = [tf.placeholder(tf.int32, [None]) for _ in range(3)]
  plain, plain_loss = skip_gram("unclipped", len(counts), batch)
  clipped, clipped_loss = skip_gram("clipped", len(counts), batch)

  global_step = tf.train.get_or_create_global_step()
  plain_opt = tf.train.AdagradOptimizer(FLAGS.learning_rate)
  clip_opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.train.AdagradOptimizer(FLAGS.learning_rate), {clipped: [1]},
      FLAGS.max_norm)
  train_op = tf.group(
      plain_opt.minimize(plain_loss),
      clip_opt.minimize(clipped_loss, global_step=global_step))

  tf.summary.scalar("unclipped/loss", plain_loss)
  tf.summary.scalar("clipped/loss", clipped_loss)
  with tf.control_dependencies([train_op]):  # Not between update and clipping.
    tf.summary.histogram("unclipped/row_norms",
                         tf.norm(plain.read_value(), axis=1))
    tf.summary.histogram("clipped/row_norms",
                         tf.norm(clipped.read_value(), axis=1))

  tf.get_variable("max_norm", initializer=FLAGS.max_norm, trainable=False)
  checkpoint = tf.train.latest_checkpoint(model_dir)
  if checkpoint:
    reader = tf.train.load_checkpoint(checkpoint)
    shapes = reader.get_variable_to_shape_map()
    if shapes.get(clipped.op.name) != clipped.shape.as_list():
      sys.exit("flag --model_dir={}: was trained with another --text or "
               "--width; give those, or another --model_dir.".format(model_dir))
    max_norm = reader.get_tensor("max_norm")
    if max_norm != np.float32(FLAGS.max_norm):
      sys.exit("flag --model_dir={}: was trained with --max_norm={:g}; give "
               "that, or another --model_dir.".format(model_dir, max_norm))

  with tf.train.MonitoredTrainingSession(
      checkpoint_dir=model_dir, save_checkpoint_secs=10,
      save_summaries_steps=100) as session:

    def evaluate(fetches):
      return session.run_step_fn(  # Without the hooks, which need a batch.
          lambda step_context: step_context.session.run(fetches))

    first_step = evaluate(global_step)
    if checkpoint:
      print("Resuming from step {}.".format(first_step))
    if first_step < FLAGS.steps:
      print("\n                        mean loss     largest row norm\n"
            "        step  unclipped  clipped   unclipped  clipped  examples/s")
    cumulative_noise = np.cumsum(counts**0.75)
    losses, start = [], time.time()
    for step in range(first_step + 1, FLAGS.steps + 1):
      feed_dict = dict(zip(batch, sample_batch(text, cumulative_noise, step)))
      losses.append(
          session.run([plain_loss, clipped_loss, train_op], feed_dict)[:2])
      seconds = time.time() - start
      if seconds > _REPORT_SECONDS or step == FLAGS.steps:
        norms = [row_norms(rows).max() for rows in evaluate([plain, clipped])]
        rate = len(losses) * FLAGS.batch_size / seconds
        six.print_("{:>12}{:11.3f}{:9.3f}{:12.3f}{:9.3f}{:12,.0f}".format(
            "{}/{}".format(step, FLAGS.steps),
            *np.concatenate([np.mean(losses, axis=0), norms, [rate]])),
                   flush=True)
        losses, start = [], time.time()
    return evaluate([plain, clipped])


def row_norms(embeddings):
  return np.linalg.norm(embeddings, axis=1)


def print_neighbours(words, plain, clipped):
  """Prints neighbours of the most frequent words of six letters or more."""
  print("\nNearest neighbours by cosine, unclipped and clipped:")
  for i in [i for i, word in enumerate(words) if len(word) > 5][:6]:
    for label, embeddings in [(words[i], plain), ("", clipped)]:
      cosines = embeddings.dot(embeddings[i]) / row_norms(embeddings)
      ids = [j for j in np.argsort(-cosines) if j != i][:_NUM_NEIGHBOURS]
      print("{:>12}  {}".format(label, ", ".join(words[j] for j in ids)))


def print_norms(plain, clipped):
  """Prints statistics of the norms of word vectors."""
  print("\n   Row norms      max   median  within 1% of max_norm  above that")
  for label, embeddings in [("unclipped", plain), ("clipped", clipped)]:
    norms = row_norms(embeddings)
    ratios = norms / FLAGS.max_norm
    print("{:>12}{:9.3f}{:9.3f}{:23.1%}{:12.1%}".format(
        label, norms.max(), np.median(norms),
        np.mean(np.abs(ratios - 1) <= 0.01), np.mean(ratios > 1.01)))


def plot_norms(path, counts, plain, clipped):
  """Plots the norms of word vectors against the frequency of the words."""
  fig = figure.Figure(figsize=(9, 5), dpi=120)
  backend_agg.FigureCanvasAgg(fig)
  axes = fig.add_subplot(1, 1, 1)
  for label, embeddings, color in [
      ("Adagrad", plain, "tab:orange"),
      ("Adagrad in VariableClippingOptimizer", clipped, "tab:blue")]:
    axes.scatter(counts, row_norms(embeddings), s=14, alpha=0.5, color=color,
                 linewidths=0, label=label)
  axes.axhline(FLAGS.max_norm, color="black", linestyle="--", linewidth=1,
               label="max_norm = {:g}".format(FLAGS.max_norm))
  axes.set_xscale("log")
  axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
  axes.set_ylim(bottom=0)
  axes.grid(alpha=0.3)
  axes.set_xlabel("Word frequency (occurrences in the text)")
  axes.set_ylabel("L2 norm of the word vector")
  axes.set_title("Norms of word vectors trained with and without clipping")
  axes.legend()
  fig.savefig(path, bbox_inches="tight")


def make_model_dir():
  """Returns the directory of --model_dir, or of a temporary one."""
  if FLAGS.model_dir is None:
    return tempfile.mkdtemp(prefix="word_vectors_")
  try:
    if not os.path.isdir(FLAGS.model_dir):
      os.makedirs(FLAGS.model_dir)
    tempfile.TemporaryFile(dir=FLAGS.model_dir).close()
  except EnvironmentError as error:
    sys.exit("flag --model_dir={}: {}; give a directory that can be written "
             "to.".format(FLAGS.model_dir, error))
  return FLAGS.model_dir


def main(argv):
  if len(argv) > 1:
    sys.exit("Unknown argument {}; see --help.".format(argv[1]))
  tf.logging.set_verbosity(tf.logging.ERROR)
  words, counts, text = read_text(FLAGS.text)
  model_dir = make_model_dir()
  print("Training on {:,} words, {:,} distinct.".format(len(text), len(words)))
  print("Checkpoints and summaries: {}".format(model_dir))
  with tf.Graph().as_default():
    plain, clipped = train(model_dir, text, counts)
  print_neighbours(words, plain, clipped)
  print_norms(plain, clipped)
  path = os.path.join(model_dir, "norms.png")
  plot_norms(path, counts, plain, clipped)
  print("\nPlot: {}".format(path))


if __name__ == "__main__":
  try:
    app.run(main, flags_parser=FLAGS)
  except flags.Error as error:
    sys.exit("{}; see --help.".format(error))
