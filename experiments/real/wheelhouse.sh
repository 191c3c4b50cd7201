#!/usr/bin/env bash
# The wheels of a whole sweep, for a GPU machine without a network that has Python 3.12, torch with
# CUDA, triton and numpy of its own: those of the engine's benchmark, and the search's.
#
#   experiments/real/wheelhouse.sh FOLDER         on a machine with a package index
#   pip install --no-index --no-deps --target SITE FOLDER/*.whl     on the GPU machine
#   PYTHONPATH=SITE python -m experiments.real --folder studies/real --out cuda.json
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:?usage: experiments/real/wheelhouse.sh FOLDER}
experiments/engine/wheelhouse.sh "$folder"

names=(
    alembic colorlog hydra-core jinja2 Mako MarkupSafe narwhals omegaconf optuna plotly scipy
    SQLAlchemy torchmetrics lightning-utilities
)
pins=()
for name in "${names[@]}"; do
    pins+=("$(grep -i "^$name==" constraints.txt)")
done
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 \
    --implementation cp --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --dest "$folder" "${pins[@]}"
# Hydra's grammar comes as source only, without compiled parts.
"${PYTHON:-python3}" -m pip wheel --quiet --no-deps --wheel-dir "$folder" \
    "$(grep -i "^antlr4-python3-runtime==" constraints.txt)"
