"""Bytes of the KFP spec of 200 calls of one component."""

import json

from many import pipeline_of

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings

target, _ = registry.resolve_target("kfp")
files = compile_pipeline(pipeline_of(201), target, Settings()).files
print(json.dumps({"bytes": len(files["pipeline.yaml"].encode())}))
