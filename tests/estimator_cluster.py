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
"""Trains an Estimator as one task of a cluster, which TF_CONFIG describes."""

import tensorflow.compat.v1 as tf
import tf_contrib_opt

tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.INFO)


def input_fn():
  ids = tf.random.uniform([64], 0, 1000, tf.int32)
  return ids, ids % 16


def model_fn(features, labels, mode, config):
  embeddings = tf.get_variable(
      "embeddings", [1000, 64],
      partitioner=tf.fixed_size_partitioner(config.num_ps_replicas or 1))
  weights = tf.get_variable("weights", [64, 16])
  rows = tf.nn.embedding_lookup(
      embeddings, features, partition_strategy="div")
  loss = tf.losses.sparse_softmax_cross_entropy(
      labels, tf.matmul(rows, weights))
  opt = tf_contrib_opt.VariableClippingOptimizer(
      tf.train.AdagradOptimizer(0.5, use_locking=True), {embeddings: [1]},
      max_norm=1.0, use_locking=True, colocate_clip_ops_with_vars=True)
  train_op = opt.minimize(loss, tf.train.get_or_create_global_step())
  largest_norm = tf.reduce_max(tf.norm(embeddings, axis=1))
  return tf.estimator.EstimatorSpec(
      mode, loss=loss, train_op=train_op,
      eval_metric_ops={"largest_norm": tf.metrics.mean(largest_norm)})


config = tf.estimator.RunConfig(save_checkpoints_steps=1000)
# The workers stop earlier than the chief. No worker can then update a row
# without clipping it while the chief saves the last checkpoint.
stops_early = config.task_type == "worker" and not config.is_chief
tf.estimator.train_and_evaluate(
    tf.estimator.Estimator(model_fn, config=config),
    tf.estimator.TrainSpec(input_fn, max_steps=3960 if stops_early else 4000),
    tf.estimator.EvalSpec(
        input_fn, steps=1, start_delay_secs=0, throttle_secs=1))
