"""Bad input: a finding and an exit code, never a traceback."""

from __future__ import annotations

import pytest

HEAD = "from intermodal import pipeline, task\n\n\n@task\ndef one() -> int:\n    return 1\n\n\n"


@pytest.fixture(autouse=True)
def in_project(project):
    return project


def fails(done, code, exit_code=1):
    """The command ended with this finding, and with no traceback."""
    assert done.code == exit_code
    assert f"error[{code}]" in done.err
    assert "Traceback" not in done.err + done.out
    return done.err


def test_missing_file(call):
    assert "no file or folder `nowhere.py`" in fails(call("compile", "nowhere.py"), "PORT001")


def test_not_a_pipeline_file(call, project):
    (project / "data.csv").write_text("a,b")
    fails(call("compile", "data.csv"), "PORT001")


def test_syntax_error_shows_the_line_and_the_place(call, project):
    (project / "bad.py").write_text("x = 1\ndef broken(:\n    pass\n")
    said = fails(call("compile", "bad.py"), "PORT003")
    assert "--> bad.py:2:12" in said
    assert "2 | def broken(:" in said
    assert "\n   |            ^" in said


def test_pipeline_function_that_raises(call, project):
    (project / "bad.py").write_text(HEAD + "@pipeline\ndef bad():\n    one()\n    1 / 0\n")
    said = fails(call("compile", "bad.py"), "PORT117")
    assert "ZeroDivisionError" in said or "division by zero" in said
    assert "--> bad.py:12" in said


def test_file_that_raises(call, project):
    (project / "bad.py").write_text("import nothing_of_that_name\n")
    assert "nothing_of_that_name" in fails(call("compile", "bad.py"), "PORT005")


def test_file_that_exits(call, project):
    (project / "bad.py").write_text("import sys\nsys.exit(0)\n")
    fails(call("compile", "bad.py"), "PORT005")


def test_file_without_pipeline(call, project):
    (project / "bad.py").write_text("x = 1\n")
    fails(call("compile", "bad.py"), "PORT004")


def test_broken_yaml(call, project):
    (project / "bad.yaml").write_text("name: x\nbody: [1, 2\n")
    assert "bad.yaml:3:1" in fails(call("compile", "bad.yaml"), "PORT003")


def test_broken_json(call, project):
    (project / "bad.json").write_text('{"name": "x",}')
    fails(call("compile", "bad.json"), "PORT003")


def test_newer_document(call, project):
    (project / "new.yaml").write_text("ir_version: 99\nname: x\n")
    fails(call("compile", "new.yaml"), "PORT103")


@pytest.mark.parametrize("name", ["x.py", "x.yaml", "x.json"])
def test_binary_file(call, project, name):
    (project / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    fails(call("compile", name), "PORT002")


@pytest.mark.parametrize("name", ["x.py", "x.yaml"])
def test_huge_file(call, project, name):
    with (project / name).open("wb") as file:
        file.truncate(11 * 1024 * 1024)
    fails(call("compile", name), "PORT002")


def test_empty_folder(call, project):
    (project / "empty").mkdir()
    fails(call("compile", "empty"), "PORT004")


def test_unknown_target_suggests_the_near_one(call):
    said = fails(call("compile", "etl.py", "--target", "toi"), "PORT007")
    assert "did you mean `toy`?" in said


def test_unknown_version_lists_those_known(call):
    assert "toy@1.0" in fails(call("compile", "etl.py", "--target", "toy@9"), "PORT007")


def test_unknown_target_in_the_project(call, etl, project):
    (project / "intermodal.toml").write_text('targets = ["toi"]\n')
    fails(call("compile", etl), "PORT007")


def test_nothing_to_compile(call):
    fails(call("compile"), "PORT009", 2)


@pytest.mark.parametrize(
    "name",
    [
        'say "hi"',
        "it's",
        "two\nlines",
        "{{ jinja }}",
        '"""',
        "naïve-日本語",
        "../../etc",
        "a/b",
        "",
    ],
)
def test_hostile_pipeline_names(call, project, name):
    import json

    document = {"name": name, "body": [{"node": "task", "id": "a", "action": {"kind": "noop"}}]}
    (project / "bad.json").write_text(json.dumps(document))
    fails(call("compile", "bad.json"), "PORT109")
    assert not (project / "build").exists()


def test_hostile_descriptions_do_no_harm(call, project):
    import json

    text = 'quote " \' \\ """ {{ x }} {% y %} $(rm) \x1b[31m 日本語\n\r\t end'
    document = {
        "ir_version": 1,
        "name": "fine",
        "description": text,
        "parameters": {"p": {"default": text, "help": text}},
        "body": [{"node": "task", "id": "a", "action": {"kind": "noop"}, "display_name": text}],
    }
    (project / "fine.json").write_text(json.dumps(document))
    assert call("compile", "fine.json").code == 0
    for form in ("mermaid", "dot", "svg"):
        assert call("graph", "fine.json", "--format", form).code == 0


def test_hostile_file_name(call, project):
    name = 'it\'s "odd" {{x}}\n日本.py'
    (project / name).write_text("def broken(:\n")
    said = fails(call("compile", name), "PORT003")
    assert '--> it\'s "odd" {{x}}\\n日本.py:1:12' in said


def test_control_characters_of_a_source_do_not_reach_the_terminal(call, project):
    (project / "bad.py").write_text("x = '\x1b[2J\x07'; def\n")
    said = fails(call("compile", "bad.py"), "PORT003")
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\\x1b[2J" in said


def test_wrong_usage(call):
    fails(call("compile", "--colour"), "PORT009", 2)
    said = fails(call("comple"), "PORT009", 2)
    assert "Did you mean `compile`?" in said
    fails(call("check", "--format", "xml"), "PORT009", 2)
    fails(call("graph"), "PORT009", 2)


def test_an_internal_error_is_one_finding(call, project):
    (project / "crash.yaml").write_text(
        "name: crash\nbody: [{node: task, id: a, action: {kind: noop}}]\n"
    )
    done = call("compile", "crash.yaml", "--target", "brick")
    said = fails(done, "PORT011")
    assert "RuntimeError: the mortar is wet" in said
    assert "`port --debug compile crash.yaml --target brick`" in said
    debugged = call("--debug", "compile", "crash.yaml", "--target", "brick")
    assert debugged.code == 1
    assert "Traceback" in debugged.err
    assert "the mortar is wet" in debugged.err


def test_ctrl_c_ends_quietly(call, etl, monkeypatch):
    from intermodal.cli import matrix

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(matrix, "compile_all", interrupted)
    done = call("compile", etl)
    assert done.code == 130
    assert "Traceback" not in done.err


def test_a_target_that_is_not_installed_whole(call, etl, project, monkeypatch):
    from intermodal import registry

    load = registry.load

    def missing(group, name):
        if name == "brick":
            raise ModuleNotFoundError("No module named 'mortar'", name="mortar")
        return load(group, name)

    monkeypatch.setattr(registry, "load", missing)
    said = fails(call("compile", etl), "PORT012")
    assert "No module named 'mortar'" in said
    assert "`pip install 'intermodal[brick]'`" in said
    assert not (project / "build").exists()
    listed = call("targets")
    assert "PORT012" in listed.err
    assert "toy     2.0, 1.0" in listed.out


def test_a_target_that_lacks_a_package_when_it_compiles(call, etl, project, monkeypatch):
    from intermodal.cli import matrix

    def compile_pipeline(*_):
        import a_package_that_is_not_there  # noqa: F401

    monkeypatch.setattr(matrix, "compile_pipeline", compile_pipeline)
    assert "a_package_that_is_not_there" in fails(call("compile", etl), "PORT012")
