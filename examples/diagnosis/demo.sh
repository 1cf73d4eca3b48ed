#!/usr/bin/env bash
# The main job, step by step: compile one pipeline to three targets, then run it here with tracking.
set -euo pipefail
cd "$(dirname "$0")/../.."
port=${PORT:-.venv/bin/port}
pipeline=examples/diagnosis/pipeline.py
work=${DEMO_FOLDER:-build/demo}
mkdir -p "$work"

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say "$port" compile "$pipeline" --target airflow --target kfp --target prefect --out "$work/compiled"
say "$port" run "$pipeline" -p trees=100 --store "$work/store" --tracking "sqlite:///$PWD/$work/mlflow.db"
say "$port" artifacts list --store "$work/store"

cat <<END

What there is now:
  Airflow DAG      $work/compiled/airflow/diagnosis/diagnosis.py
  Kubeflow spec    $work/compiled/kfp/diagnosis/pipeline.yaml
  Prefect flow     $work/compiled/prefect/diagnosis/flow.py, with prefect.yaml to deploy it
  artifacts        $work/store
  MLflow's pages   .venv/bin/mlflow ui --backend-store-uri sqlite:///$PWD/$work/mlflow.db
END
