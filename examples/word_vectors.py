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

The model is skip-gram with negative sampling. The text is the documentation
that is part of Python, or any text file. Two models start with the same values
and see the same batches. One is trained with Adagrad, the other with Adagrad in
a `VariableClippingOptimizer`.

  python word_vectors.py --model_dir=/tmp/word_vectors

The program prints nearest neighbours and norms, and plots the norms. At its
end, it prints the commands for TensorBoard and for further training.
"""

import collections
import io
import os
import re
import sys
import tempfile

from absl import app
from absl import flags
from matplotlib import pyplot as plt
import numpy as np
from pydoc_data import topics
import six
# Errors come as exceptions, so the log would only disturb the tables.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow.compat.v1 as tf
import tf_contrib_opt

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "text", None,
    "UTF-8 text file to train on. Default: the documentation in Python.")
flags.DEFINE_string(
    "model_dir", None, "Directory for checkpoints, summaries and the plot. "
    "Default: a new temporary directory.")
flags.DEFINE_integer("steps", 20000, "The step to train to.")
flags.DEFINE_float("max_norm", 1.5, "Bound on the norm of a word vector.")

MIN_COUNT = 5  # Words that occur less often are left out.
WINDOW = 5  # An example is a pair of words that are at most this far apart.
NUM_NOISE_WORDS = 64  # All examples of a batch share these noise words.
# All noise words together count like 5 noise words for each example.
NOISE_WEIGHT = 5.
BATCH_SIZE = 512
WIDTH = 64
LEARNING_RATE = 0.5
REPORT_STEPS = 1000
MODELS = ("unclipped", "clipped")


def read_text():
  """Returns words, most frequent first, their counts, and the text as ids."""
  text = "\n".join(sorted(topics.topics.values()))
  if FLAGS.text:
    with io.open(FLAGS.text, encoding="utf-8") as text_file:
      text = text_file.read()
  text = re.findall(r"[^\W\d_]+", text.lower(), re.UNICODE)
  words, counts = zip(*[
      (word, count) for word, count in collections.Counter(text).most_common()
      if count >= MIN_COUNT])
  ids = {word: i for i, word in enumerate(words)}
  return (words, np.array(counts),
          np.array([ids[word] for word in text if word in ids]))


def sample_batch(text, noise_weights, step):
  """Returns ids of words, of their neighbours, and of noise words."""
  random = np.random.RandomState(step)  # A resumed run sees the same batches.
  words = random.randint(WINDOW, len(text) - WINDOW, BATCH_SIZE)
  distances = random.randint(1, WINDOW + 1, BATCH_SIZE)
  near = words + distances * random.choice([-1, 1], BATCH_SIZE)
  noise = random.choice(len(noise_weights), NUM_NOISE_WORDS, p=noise_weights)
  return text[words], text[near], noise


def build_model(scope, num_words, batch):
  """Builds skip-gram, and returns its word vectors and its loss."""
  with tf.variable_scope(scope):
    embeddings = tf.get_variable(
        "embeddings", [num_words, WIDTH],
        initializer=tf.random_uniform_initializer(-0.01, 0.01, seed=0))
    weights = tf.get_variable(
        "weights", [num_words, WIDTH], initializer=tf.zeros_initializer())
  rows = tf.nn.embedding_lookup(embeddings, batch[0])
  near, noise = [tf.nn.embedding_lookup(weights, ids) for ids in batch[1:]]
  logits = tf.reduce_sum(rows * near, axis=1)
  noise_logits = tf.matmul(rows, noise, transpose_b=True)
  # softplus(-x) is -log(sigmoid(x)).
  loss = (tf.reduce_mean(tf.nn.softplus(-logits)) +
          NOISE_WEIGHT * tf.reduce_mean(tf.nn.softplus(noise_logits)))
  tf.summary.scalar(scope + "/loss", loss)
  return embeddings, loss


def train(model_dir, text, counts):
  """Trains both models, and returns their word vectors."""
  batch = [tf.placeholder(tf.int32, [None]) for _ in range(3)]
  plain, plain_loss = build_model(MODELS[0], len(counts), batch)
  clipped, clipped_loss = build_model(MODELS[1], len(counts), batch)

  opt = tf.train.AdagradOptimizer(LEARNING_RATE)
  # A word vector is a row of the table. Its elements lie along dimension 1.
  clip_opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.train.AdagradOptimizer(LEARNING_RATE), {clipped: [1]}, FLAGS.max_norm)
  train_op = tf.group(
      opt.minimize(plain_loss),
      clip_opt.minimize(clipped_loss, tf.train.create_global_step()))

  progress = [plain_loss, clipped_loss]
  # The norms are read after the whole step. Otherwise a row could be read
  # between its update and its clipping.
  with tf.control_dependencies([train_op]):
    for name, embeddings in zip(MODELS, [plain, clipped]):
      norms = tf.norm(embeddings.read_value(), axis=1)
      tf.summary.histogram(name + "/row_norms", norms)
      progress.append(tf.reduce_max(norms))

  step = 0
  if tf.train.latest_checkpoint(model_dir):
    step = tf.train.load_variable(model_dir, "global_step")
    print("Resuming from step {}.".format(step))
  print("\n                             loss     largest row norm\n"
        "        step  unclipped  clipped   unclipped  clipped")
  noise_weights = counts**0.75 / np.sum(counts**0.75)
  with tf.train.MonitoredTrainingSession(
      checkpoint_dir=model_dir, save_checkpoint_secs=10,
      save_summaries_steps=100) as session:
    while step < FLAGS.steps:
      feed_dict = dict(zip(batch, sample_batch(text, noise_weights, step)))
      values, _ = session.run([progress, train_op], feed_dict)
      step += 1
      if step % REPORT_STEPS == 0 or step == FLAGS.steps:
        six.print_("{:>12}{:11.3f}{:9.3f}{:12.3f}{:9.3f}".format(
            "{}/{}".format(step, FLAGS.steps), *values), flush=True)
  return [tf.train.load_variable(model_dir, name + "/embeddings")
          for name in MODELS]


def print_neighbours(words, vectors):
  """Prints neighbours of the most frequent words of six letters or more."""
  print("\nNearest neighbours by cosine, unclipped and clipped:")
  for i in [i for i, word in enumerate(words) if len(word) > 5][:6]:
    for label, rows in zip([words[i], ""], vectors):
      cosines = rows.dot(rows[i]) / np.linalg.norm(rows, axis=1)
      ids = [j for j in np.argsort(-cosines) if j != i][:6]
      print("{:>12}  {}".format(label, ", ".join(words[j] for j in ids)))


def report_norms(path, counts, vectors):
  """Prints norms, and plots them against the frequency of the words."""
  plt.switch_backend("agg")  # It needs no display.
  _, axes = plt.subplots(figsize=(9, 5))
  print("\n   Row norms      max   median  within 1% of max_norm")
  for name, rows in zip(MODELS, vectors):
    norms = np.linalg.norm(rows, axis=1)
    print("{:>12}{:9.3f}{:9.3f}{:23.1%}".format(
        name, norms.max(), np.median(norms),
        np.mean(np.abs(norms / FLAGS.max_norm - 1) <= 0.01)))
    axes.scatter(counts, norms, s=14, alpha=0.5, linewidths=0, label=name)
  axes.axhline(FLAGS.max_norm, color="black", linestyle="--", linewidth=1,
               label="max_norm = {:g}".format(FLAGS.max_norm))
  axes.grid(alpha=0.3)
  axes.set(xscale="log", xlabel="Word frequency (occurrences in the text)",
           ylim=(0, None), ylabel="L2 norm of the word vector",
           title="Norms of word vectors trained with and without clipping")
  axes.legend()
  plt.savefig(path, dpi=120, bbox_inches="tight")
  print("\nPlot: {}".format(path))


def main(_):
  tf.logging.set_verbosity(tf.logging.ERROR)
  words, counts, text = read_text()
  model_dir = FLAGS.model_dir or tempfile.mkdtemp(prefix="word_vectors_")
  print("Training on {:,} words, {:,} distinct.".format(len(text), len(words)))
  print("Checkpoints and summaries: {}".format(model_dir))
  with tf.Graph().as_default():
    vectors = train(model_dir, text, counts)
  print_neighbours(words, vectors)
  report_norms(os.path.join(model_dir, "norms.png"), counts, vectors)
  print("Losses and norms over time: {0} -m tensorboard.main --logdir={2}\n"
        "To train further: {0} {1} --model_dir={2} --steps={3}".format(
            sys.executable, " ".join(sys.argv), model_dir, 2 * FLAGS.steps))


if __name__ == "__main__":
  app.run(main)
