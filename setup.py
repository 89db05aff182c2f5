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


def _read(*path):
  root = os.path.dirname(os.path.abspath(__file__))
  with io.open(os.path.join(root, *path), encoding="utf-8") as f:
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
    keywords=("tensorflow tf.contrib optimizer max-norm clipping embeddings "
              "wgan"),
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 2.7",
        "Programming Language :: Python :: 3.6",
        "Programming Language :: Python :: 3.7",
        "Programming Language :: Python :: 3.8",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=["tf_contrib_opt"],
    package_data={"tf_contrib_opt": ["*.pyi", "py.typed"]},
    options={
        # The default directory, "build", clashes with the file BUILD on file
        # systems that ignore case.
        "build": {"build_base": ".build"},
        # The same wheel serves Python 2 and Python 3.
        "bdist_wheel": {"python_tag": "py2.py3"},
    },
    python_requires=(">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, "
                     "!=3.5.*"),
    # TensorFlow is an extra, because installing this library must not replace
    # the build of TensorFlow that is there, such as tensorflow[and-cuda]. The
    # package does not import six, but the examples and the tests do, because
    # they run on Python 2 and 3.
    install_requires=["absl-py>=0.7", "six>=1.13"],
    extras_require={
        "tensorflow": ["tensorflow>=1.14"],
        "tensorflow-cpu": ["tensorflow-cpu>=1.15"],
        "benchmarks": ["matplotlib", "portpicker"],
        "examples": ["matplotlib", "scikit-learn", "tensorboard"],
        "tests": [
            "hypothesis", "matplotlib", "pexpect", "portpicker", "pytest",
            "pytest-xdist", "scikit-learn"
        ],
        "torch": ["torch"],
    },
)
