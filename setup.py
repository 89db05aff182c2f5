"""Setuptools configuration of tf-contrib-opt."""

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
    packages=["tf_contrib_opt"],
    python_requires=">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*",
    # TensorFlow is an extra: installing this library must not replace the build
    # of TensorFlow that someone trains with.
    install_requires=["absl-py>=0.7", "six>=1.13"],
    extras_require={
        "tensorflow": ["tensorflow>=1.14"],
        "tensorflow-cpu": ["tensorflow-cpu>=1.15"],
        "tensorflow-gpu": ["tensorflow-gpu>=1.14"],
        "examples": ["matplotlib"],
        "tests": ["pytest"],
    },
)
