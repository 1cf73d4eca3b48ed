"""What a `.dvc` file pins is taken from the working copy, or by its hash from where DVC keeps it."""

from pathlib import Path

from witness import attempt

from intermodal import Directory, data, pipeline, task

TEXTS = "md5:c798d1344611653f25ad74b65037e0c3.dir"


@task
def lines(rows: Path) -> int:
    with attempt("lines") as seen:
        return seen(len(rows.read_text().splitlines()))


@task
def texts(folder: Directory) -> dict[str, str]:
    with attempt("texts") as seen:
        found = {}
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            found[file.relative_to(folder).as_posix()] = file.read_text()
        return seen(found)


@pipeline
def dvc():
    lines(data("rows.csv.dvc"))
    texts(data("texts", digest=TEXTS, remote="kept"))
