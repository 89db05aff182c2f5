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
"""Builds the distribution tf-contrib-opt."""

import io
import os
import re

import setuptools

_ROOT = os.path.dirname(os.path.abspath(__file__))


def _read(*path):
  with io.open(os.path.join(_ROOT, *path), encoding="utf-8") as f:
    return f.read()


setuptools.setup(
    name="tf-contrib-opt",
    version=re.search(r'__version__ = "(.+)"',
                      _read("tf_contrib_opt", "__init__.py")).group(1),
    description=("tf.contrib.opt.VariableClippingOptimizer for TensorFlow 1.14 "
                 "to 2.21: clips variables to a maximum L2 norm."),
    long_description=_read("README.md"),
    long_description_content_type="text/markdown",
    author="The tf_contrib_opt Authors",
    license="Apache-2.0",
    classifiers=[
        "Programming Language :: Python :: 2.7",
        "Programming Language :: Python :: 3.6",
        "Programming Language :: Python :: 3.7",
        "Programming Language :: Python :: 3.8",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
    ],
    packages=["tf_contrib_opt"],
    options={
        # "build" would be the file BUILD where file names ignore case.
        "build": {"build_base": ".build"},
        "bdist_wheel": {"python_tag": "py2.py3"},
    },
    python_requires=">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*",
    # TensorFlow is an extra: installing this library must not replace the build
    # of TensorFlow that someone trains with.
    install_requires=["absl-py>=0.7", "six>=1.13"],
    extras_require={
        "tensorflow": ["tensorflow>=1.14"],
        "tensorflow-cpu": ["tensorflow-cpu>=1.15"],
        "tensorflow-gpu": ["tensorflow-gpu>=1.14"],
        "benchmarks": ["matplotlib", "portpicker"],
        "examples": ["matplotlib"],
        "tests": ["portpicker", "pytest"],
        "torch": ["torch"],
    },
)
