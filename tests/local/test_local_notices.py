"""Notifications: when they are sent, what they say, and that they never do harm."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from local_pipelines import states, task

from intermodal.ir import ForEach, ItemRef, Items, Literal_, Notification, Retry
from intermodal.runtime.notify import send


def literal(value):
    return Literal_(value=value)


class Inbox(ThreadingHTTPServer):
    """Keeps what is posted to it; `status` is what it answers."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got = []
        self.status = 200

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/hook/hunter22"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def inbox():
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def hook(inbox):
    return {"environment": {"INTERMODAL_SECRET_HOOK": inbox.url}}


def all_of(channel="webhook:hook", message=None):
    kinds = ("failure", "success", "retry")
    return tuple(Notification(on=on, channel=channel, message=message) for on in kinds)


def texts(inbox):
    return [message["text"] for message in inbox.got]


def test_tasks_and_the_pipeline_say_what_became_of_them(run, inbox, hook, tmp_path):
    inputs = {"folder": literal(str(tmp_path))}
    result = run(
        task("mark_and_fail_first", inputs=inputs, retry=Retry(max=1), notifications=all_of()),
        task("fail", notifications=all_of("slack:hook")),
        task("one", "fail", notifications=all_of()),
        task("one", id="silent"),
        notifications=all_of(),
        options=hook,
    )
    assert result.state == "failed"
    assert result.findings == ()
    assert sorted(texts(inbox)) == [
        "fail of p failed",
        "mark_and_fail_first of p succeeded",
        "mark_and_fail_first of p will be retried",
        "p failed",
    ]
    assert texts(inbox)[-1] == "p failed"
    assert all(set(message) == {"text"} for message in inbox.got)


def test_a_failure_is_told_after_the_last_attempt_only(run, inbox, hook):
    run(task("fail", retry=Retry(max=2), notifications=all_of()), options=hook)
    assert texts(inbox) == ["fail of p will be retried"] * 2 + ["fail of p failed"]


def test_a_message_of_ones_own_and_instances_of_a_loop(run, inbox, hook):
    body = task(
        "fail_for",
        inputs={"item": ItemRef(loop="each"), "bad": literal(2)},
        notifications=(
            Notification(on="failure", channel="webhook:hook"),
            Notification(on="success", channel="webhook:hook", message="fine"),
        ),
    )
    run(ForEach(id="each", items=Items(lists=(literal([1, 2]),)), body=(body,)), options=hook)
    assert sorted(texts(inbox)) == ["fail_for[1] of p failed", "fine"]


def test_a_success_of_the_pipeline(run, inbox, hook):
    run(task("one"), notifications=all_of(), options=hook)
    assert texts(inbox) == ["p succeeded"]


def test_the_log_is_told_to_the_listener(run):
    run(task("one", notifications=all_of("log")), notifications=all_of("log", "the end"))
    notices = [(p.instance, p.error) for p in run.told if p.state == "notice"]
    assert notices == [("one", "one of p succeeded"), ("", "the end")]


@pytest.mark.parametrize(
    ("channel", "environment", "why"),
    [
        ("webhook:hook", {}, "set INTERMODAL_SECRET_HOOK"),
        ("webhook:hook", {"INTERMODAL_SECRET_HOOK": "file:///etc/passwd"}, "http://"),
        ("webhook:hook", {"INTERMODAL_SECRET_HOOK": "http://127.0.0.1:1/x"}, "refused"),
        ("email:a@example.org", {}, "set INTERMODAL_SMTP_URL"),
        ("email:a@example.org", {"INTERMODAL_SMTP_URL": "smtp://127.0.0.1:1"}, "refused"),
    ],
)
def test_what_cannot_be_sent_fails_nothing(run, channel, environment, why):
    body = task("one", notifications=all_of(channel))
    result = run(body, options={"environment": environment})
    assert states(result) == {"one": "succeeded"}
    assert result.state == "succeeded"
    (finding,) = result.findings
    assert (finding.code, finding.severity) == ("PORT610", "warning")
    assert channel in finding.what
    assert why in finding.why


def test_a_refusal_is_told_without_the_address(run, inbox, hook):
    inbox.status = 500
    result = run(task("one", notifications=all_of()), options=hook)
    (finding,) = result.findings
    assert "HTTP Error 500" in finding.why
    assert "hunter22" not in str(finding)


def test_mail(monkeypatch):
    sent = []

    class Server:
        def __init__(self, host, port, timeout):
            sent.append((host, port))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def ehlo(self):
            return None

        def has_extn(self, name):
            return False

        def login(self, user, password):
            sent.append((user, password))

        def send_message(self, mail):
            sent.append((mail["To"], mail["From"], mail["Subject"], mail.get_content().strip()))

    monkeypatch.setattr("smtplib.SMTP", Server)
    environment = {
        "INTERMODAL_SMTP_URL": "smtp://me:p%40ss@mail.example:2525",
        "INTERMODAL_SMTP_FROM": "port@example.org",
    }
    assert send("email:a@example.org", "two\nlines", environment) == ""
    assert sent == [
        ("mail.example", 2525),
        ("me", "p@ss"),
        ("a@example.org", "port@example.org", "two lines", "two\nlines"),
    ]
