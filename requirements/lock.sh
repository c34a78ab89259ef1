#!/usr/bin/env bash
# Compile the pinned requirement files anew: `make lock`. What is pinned stays, unless its requirement changed.
set -euo pipefail
cd "$(dirname "$0")/.."

pin() { .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes "$@"; }
# Tools that run in the environment of the gate, or are installed into functions and the layer, have the gate's versions.
# CatBoost asks for libraries to draw charts, and predicts without them. They would add 100 MB.
pin_as_tested() { pin --excludes requirements/excluded.in --no-annotate --constraint requirements/dev.txt "$@"; }

pin --excludes requirements/excluded.in --extra dev --extra boosting --group gate --output-file requirements/dev.txt pyproject.toml
pin_as_tested --group infra --output-file requirements/infra.txt
pin_as_tested --extra platform --output-file layers/modelet/requirements.txt pyproject.toml
pin_as_tested --extra dev --output-file requirements/bench/modelet.txt pyproject.toml

# A function's own pins, if its file says that they are the project's: its comment and its own line stay.
for file in $(grep -l 'requirements/dev.txt' functions/*/requirements.txt); do
  extras=$(sed -nE 's/^modelet\[(.*)\]$/--extra=\1/p' "$file" | sed 's/,/ --extra=/g')
  pins=$(mktemp)
  # shellcheck disable=SC2086  # several options in one variable
  pin_as_tested $extras --output-file "$pins" pyproject.toml
  # Its lines are those of the project: a package that the project needs everywhere has no marker here either.
  { grep -E '^(#|modelet)' "$file"
    awk 'NR == FNR { line[$1] = $0; next } /^[a-z]/ { print line[$1]; next } { print }' requirements/dev.txt "$pins"
  } > "$file.new"
  mv "$file.new" "$file"
  rm "$pins"
done

printf 'uv==0.13.8\n' | pin --no-annotate --output-file requirements/uv.txt -
printf 'hatchling>=1.27\npip\n' | pin_as_tested --output-file requirements/build.txt -
printf 'awslambdaric>=4\n' | pin_as_tested --output-file requirements/lambda.txt -
printf 'boto3\norjson\npyarrow\n' | pin_as_tested --output-file requirements/worker.txt -
printf 'cosmic-ray==8.7.0\n' | pin_as_tested --output-file requirements/mutate.txt -
# torch is not among these, because its builds differ by machine: see the Makefile's EXPORT.
printf 'onnx\nonnxruntime\ntokenizers\nnumpy\nonnxscript==0.7.2\nsafetensors\ntransformers==5.24.0\n' | pin_as_tested --output-file requirements/export.txt -
printf 'aws-sam-cli==1.170.0\n' | pin --no-annotate --output-file requirements/sam.txt -
printf 'boto3\nministack==1.5.33\n' | pin --no-annotate --output-file requirements/ministack.txt -

# The servers that Modelet is measured beside, each with the libraries that the model was trained with.
libraries=$(sed -nE '/^(joblib|numpy|scikit-learn)==/s/ *\\$//p' requirements/dev.txt)
# MLServer 1.7's workers do not start under uvloop 0.22.
for peer in bentoml 'fastapi uvicorn[standard]' litserve mlflow 'mlserver mlserver-sklearn uvloop<0.22'; do
  printf '%s\n' "$libraries" $peer | pin --no-annotate --output-file "requirements/bench/${peer%% *}.txt" -
done
