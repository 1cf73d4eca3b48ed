"""A task that needs a certain machine."""

from witness import attempt

from intermodal import Resources, pipeline, task


@task(
    resources=Resources(
        cpu=1,
        memory="1Gi",
        cpu_limit=2,
        memory_limit="2Gi",
        gpu=1,
        gpu_type="nvidia.com/gpu",
    )
)
def train() -> int:
    with attempt("train") as seen:
        return seen(1)


@pipeline
def limits_and_gpu():
    train()
