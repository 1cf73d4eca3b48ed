"""The time zone of a schedule on KFP, whose server has one for all of them."""

import pytest

from intermodal import registry
from intermodal.compile import compile_pipeline
from intermodal.compiling import Settings
from intermodal.ir import Cron, Pipeline, Schedule, Shell, Task


@pytest.mark.parametrize(
    ("zone", "server", "severity"),
    [
        ("UTC", "", None),
        ("Europe/Paris", "", "warning"),
        ("Europe/Paris", "Europe/Paris", None),
        ("Europe/Paris", "UTC", "error"),
        ("UTC", "Asia/Tokyo", "error"),
    ],
)
def test_the_zone_is_the_servers(zone, server, severity):
    schedule = Schedule(triggers=(Cron(expression="0 6 * * *", timezone=zone),))
    pipeline = Pipeline(
        name="p", schedule=schedule, body=(Task(id="a", action=Shell(command="true")),)
    )
    target, _ = registry.resolve_target("kfp")
    settings = Settings(targets={"kfp": {"timezone": server}} if server else {})
    compiled = compile_pipeline(pipeline, target, settings)
    found = [f.severity.value for f in compiled.findings if f.code == "PORT204"]
    assert found == ([severity] if severity else [])
    assert bool(compiled.files) is (severity != "error")
