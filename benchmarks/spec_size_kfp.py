"""Bytes of the kfp SDK's spec for the same pipeline."""

import json
import tempfile
from pathlib import Path

from kfp import compiler, dsl


@dsl.component(base_image="python:3.12-slim")
def load(n: int) -> list:
    return list(range(n))


@dsl.component(base_image="python:3.12-slim")
def total(numbers: list) -> int:
    return sum(numbers)


@dsl.pipeline(name="many")
def many(n: int = 10):
    numbers = load(n=n).output
    before = None
    for position in range(200):
        call = total(numbers=numbers)
        if position % 50:
            call.after(before)
        before = call


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "many.yaml"
    compiler.Compiler().compile(many, str(path))
    print(json.dumps({"bytes": len(path.read_bytes())}))
