"""Compile a pipeline of many tasks to three targets; prints seconds and memory as JSON."""

import json
import resource
import sys
import time

from many import pipeline_of

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.findings import errors_of


def peak_megabytes() -> float:
    """The most memory that this process has used so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1])
    targets = [registry.resolve_target(name)[0] for name in ("airflow", "kfp", "prefect")]
    warm = pipeline_of(3)
    for target in targets:
        compile_pipeline(warm, target, Settings())
    pipeline = pipeline_of(count)
    before, found = peak_megabytes(), {}
    for target in targets:
        began = time.perf_counter()
        compiled = compile_pipeline(pipeline, target, Settings())
        found[target.name] = time.perf_counter() - began
        assert not errors_of(compiled.findings), compiled.findings[:3]
        assert compiled.files
    found["seconds"] = sum(found.values())
    found["megabytes"] = peak_megabytes() - before
    print(json.dumps(found))


if __name__ == "__main__":
    main()
