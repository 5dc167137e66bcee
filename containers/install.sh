#!/bin/sh
# Install jepascope from the sources in $1 into the virtual environment /opt/venv, with Ray and optical flow; for images alone.
# JEPASCOPE_TORCH says which build of torch: cpu, or cuda (which brings NVIDIA's libraries, so that no CUDA base image is needed).
set -eu
python3 -m venv /opt/venv
JEPASCOPE_TORCH="${JEPASCOPE_TORCH:-cpu}" PIP_NO_CACHE_DIR=1 /opt/venv/bin/python "$1/tools/install.py" flow ray
# whoever the container runs as: matplotlib and the store of activations want a home that can be written to
mkdir -m 1777 /home/jepascope
/opt/venv/bin/jepascope doctor
