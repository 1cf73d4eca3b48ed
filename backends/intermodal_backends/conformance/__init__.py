"""The conformance harness: one case, run on the reference executor and on real engines, compared."""
