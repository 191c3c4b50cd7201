#!/usr/bin/env bash
# Collects the wheels that the benchmark needs on a GPU machine without a network, which has Python
# 3.12, torch with CUDA and triton, and numpy of its own.
#
#   experiments/engine/wheelhouse.sh FOLDER       on a machine with a package index
#   pip install --no-index --no-deps --target SITE FOLDER/*.whl     on the GPU machine
#   PYTHONPATH=SITE python -m experiments.engine.benchmark --suite cuda --out cuda.json
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:?usage: experiments/engine/wheelhouse.sh FOLDER}
limit_mib=60

names=(
    accelerate DeepCache diffusers filelock fsspec huggingface_hub importlib_metadata packaging
    pillow psutil pydantic pydantic_core PyYAML regex requests safetensors tokenizers tomesd tqdm
    transformers annotated-types annotated-doc typing_extensions typing-inspection zipp
    httpx httpcore h11 anyio idna sniffio certifi charset-normalizer urllib3 typer click shellingham rich
    Pygments markdown-it-py mdurl hf-xet truststore httpx2 httpcore2
)
pins=()
for name in "${names[@]}"; do
    pins+=("$(grep -i "^$name==" constraints.txt)")
done
platforms=()
for glibc in 2_39 2_35 2_34 2_31 2_28 2_27 2_24 2_17; do
    platforms+=(--platform "manylinux_${glibc}_x86_64")
done

rm -rf "$folder"
mkdir -p "$folder"
"${PYTHON:-python3}" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 \
    --implementation cp "${platforms[@]}" --platform manylinux2014_x86_64 --dest "$folder" "${pins[@]}"
size=$(du -sm "$folder" | cut -f1)
echo "$(find "$folder" -name '*.whl' | wc -l) wheels, $size MiB"
if ((size >= limit_mib)); then
    echo "The wheels take $size MiB; they have to stay below $limit_mib MiB." >&2
    exit 1
fi
