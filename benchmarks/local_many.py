"""Run many trivial tasks on the embedded engine; prints seconds, start-up included, as JSON."""

import json
import sys
import tempfile
import time
from pathlib import Path

began = time.perf_counter()

from many import pipeline_of  # noqa: E402 - the imports are part of what is measured

from intermodal_backends.local import RunOptions, run_pipeline  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = run_pipeline(
            pipeline_of(int(sys.argv[1])),
            {},
            RunOptions(store=folder, python_path=(Path(__file__).parent,)),
        )
        assert result.trace.state == "succeeded", result
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
