"""What a task needs of its machine."""

from witness import attempt

from intermodal import Resources, pipeline, task


@task(resources=Resources(cpu=0.5, memory="256Mi"))
def give() -> int:
    with attempt("give") as seen:
        return seen(7)


@pipeline
def cpu_and_memory():
    give()
