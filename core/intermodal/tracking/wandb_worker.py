"""Makes one W&B run from a plan, in a process of its own; see `wandb.py`.

W&B starts a service, keeps a run as the process's current one and registers hooks for its end. In the task's
process that would meet the user's own use of W&B. This file imports nothing of Intermodal.

    python -P wandb_worker.py PLAN.json ROWS.jsonl
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

QUIET = {
    "silent": True,
    "quiet": True,
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "disable_job_creation": True,
    "save_code": False,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}


def main(plan_file: str, rows_file: str) -> None:
    """Make the run and print its address, if it has one, as JSON."""
    plan = json.loads(Path(plan_file).read_text())
    import wandb

    known = wandb.Settings.model_fields
    settings = wandb.Settings(**{name: value for name, value in QUIET.items() if name in known})
    run = wandb.init(
        **{key: plan[key] for key in ("id", "entity", "project", "group", "name", "job_type")},
        tags=plan["tags"],
        config=plan["config"],
        mode=plan["mode"],
        resume="allow" if plan["mode"] == "online" else None,
        dir=plan["dir"],
        settings=settings,
    )
    with Path(rows_file).open() as rows:
        for line in rows:
            row = json.loads(line)
            run.log(row["values"], step=row["step"])
    run.summary.update(plan["summary"])
    for file in plan["files"]:
        _save(run, file)
    for artifact in plan["artifacts"]:
        run.log_artifact(_artifact(wandb, artifact), aliases=artifact.get("aliases") or None)
    url = getattr(run, "url", None) or ""
    run.finish(exit_code=plan["exit_code"])
    print(json.dumps({"url": url}))


def _save(run: Any, file: dict[str, str]) -> None:
    """Put a file into the run's own folder, so that it is uploaded from there."""
    place = Path(run.dir, file["name"])
    place.parent.mkdir(parents=True, exist_ok=True)
    if "text" in file:
        place.write_bytes(file["text"].encode("utf-8", "replace"))
    elif Path(file["path"]).is_dir():
        shutil.copytree(file["path"], place, dirs_exist_ok=True)
    else:
        shutil.copyfile(file["path"], place)
    for path in [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file()):
        run.save(str(path), base_path=run.dir, policy="end")


def _artifact(wandb: Any, plan: dict[str, Any]) -> Any:
    """An artifact that holds a file or folder, or refers to where the content is."""
    facts = plan["metadata"]
    artifact = wandb.Artifact(plan["name"], type=plan["type"], metadata=facts)
    path = plan.get("path", "")
    if path and Path(path).is_dir():
        artifact.add_dir(path)
    elif path:
        artifact.add_file(path)
    else:
        try:
            artifact.add_reference(plan["uri"], checksum=False)
        except Exception as problem:  # it asks for cloud packages, and for local paths to be there
            with artifact.new_file("reference.json") as file:
                json.dump({**facts, "uri": plan["uri"], "why": type(problem).__name__}, file)
    return artifact


if __name__ == "__main__":
    main(*sys.argv[1:])
