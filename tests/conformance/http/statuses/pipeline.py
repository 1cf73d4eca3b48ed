"""A status from 400 on fails the attempt, and retries send the request again."""

from witness import attempt

from intermodal import Retry, http, pipeline, task, text


@task
def number(me: str, answer: str) -> int:
    with attempt(me) as seen:
        return seen(int(answer))


@pipeline
def statuses(server: str):
    again = Retry(max=2, delay="0s")
    flaky = http("/flaky/2/one", connection="api", id="flaky", retry=again)
    number.with_options(id="of_flaky")("of_flaky", flaky)
    plain = http(
        text("{server}/flaky/1/two", server=server),
        method="POST",
        id="plain",
        retry=again,
    )
    number.with_options(id="of_plain")("of_plain", plain)
