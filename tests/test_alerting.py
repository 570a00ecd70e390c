"""Alerts: what they say, and that each way of sending one works without the others."""

import asyncio
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from structlog.testing import capture_logs

from recsys_tasks.alerting import Alert, late_lists, send, stopped_run, stopped_task, tell_if_late
from recsys_tasks.alerting.deadlines import lateness
from recsys_tasks.errors import NightRefused
from recsys_tasks.operation import Operation
from recsys_tasks.serving import serving_in_words
from recsys_tasks.settings import Settings, read_settings
from recsys_tasks.warehouse import Warehouse

FACTS = {
    "dag": "nightly_recommendations",
    "task": "check",
    "run": "scheduled__2011-12-02",
    "tenant": "acme",
    "day": "2011-12-02",
    "link": "http://airflow/dags/x",
}
SERVES = "Readers keep the lists of night 2011-12-01."
ALERT = stopped_task(FACTS, NightRefused(night="2011-12-02", reasons="short lists"), SERVES)


class Post(BaseHTTPRequestHandler):
    """Keeps what is posted to it; /refuse refuses."""

    bodies: list[object] = []  # noqa: RUF012  one server a test

    def do_POST(self) -> None:
        """Take a body."""
        self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(500 if self.path == "/refuse" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    """A server that answers in a thread; its port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def listening() -> Iterator[str]:
    """The address of a webhook; Post.bodies is what it got."""
    Post.bodies = []
    with serving(HTTPServer(("127.0.0.1", 0), Post)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def webhook() -> Iterator[str]:
    """As `listening`, for a test."""
    with listening() as address:
        yield address


class Mailbox(socketserver.StreamRequestHandler):
    """As much of a mail server as a client needs; it knows no encryption."""

    messages: list[str] = []  # noqa: RUF012  one server a test
    commands: list[str] = []  # noqa: RUF012  as above

    def handle(self) -> None:
        """Take a message."""
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            self.commands.append(line)
            verb = line.split()[0].upper()
            if verb == "DATA":
                self._say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                self.messages.append("".join(lines))
            if verb == "QUIT":
                self._say("221 bye")
                return
            self._say("250-here\r\n250 AUTH PLAIN LOGIN" if verb == "EHLO" else "250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailbox() -> Iterator[str]:
    """The address of a mail server; Mailbox.messages is what it got."""
    Mailbox.messages, Mailbox.commands = [], []
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Mailbox)) as port:
        yield f"127.0.0.1:{port}"


def test_an_alert_says_what_happened_what_serves_and_what_to_do() -> None:
    assert ALERT.title == (
        "Ebbtide: check of nightly_recommendations (day 2011-12-02, tenant acme) failed"
    )
    assert "What happened: The lists of night 2011-12-02 were not published: short" in ALERT.text
    assert f"What still serves: {SERVES}" in ALERT.text
    assert "Do what the message says, then clear task check in Airflow" in ALERT.text
    assert ALERT.text.endswith(FACTS["link"])


@pytest.mark.parametrize(
    ("error", "happened", "remedy"),
    [
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero", "ebbtide doctor"),
        (None, "The task ended without a word.", "memory runs out"),
        ("Task killed externally", "Task killed externally", "memory runs out"),
    ],
)
def test_an_error_that_is_not_ours_has_a_remedy_too(
    error: Exception | str | None, happened: str, remedy: str
) -> None:
    alert = stopped_task(FACTS, error, SERVES)

    assert alert.happened == happened
    assert remedy in alert.remedy


def test_a_run_without_day_and_tenant_is_named_by_its_dag() -> None:
    facts = {"dag": "maintain", "task": "keep_house", "tenant": ""}

    assert stopped_run(facts, SERVES).title == "Ebbtide: maintain took too long"


def test_every_alert_goes_to_the_log() -> None:
    with capture_logs() as logs:
        send(ALERT, Operation())

    assert [(line["log_level"], line["event"]) for line in logs] == [("error", ALERT.title)]
    assert logs[0]["remedy"] == ALERT.remedy


def test_a_webhook_gets_the_text_and_the_facts(webhook: str) -> None:
    send(ALERT, Operation(alert_webhook=webhook))

    assert Post.bodies == [
        {
            "text": ALERT.text,
            "title": ALERT.title,
            "happened": ALERT.happened,
            "serves": SERVES,
            "remedy": ALERT.remedy,
            **FACTS,
        }
    ]


def test_mail_goes_to_everybody_who_is_named(mailbox: str) -> None:
    operation = Operation(
        alert_email=("a@x.example", "b@x.example"),
        alert_sender="ebbtide@x.example",
        smtp=f"smtp://{mailbox}",
    )
    send(ALERT, operation)
    message = message_from_string(Mailbox.messages[0], policy=policy.default)

    assert message["Subject"] == ALERT.title
    assert message["From"] == "ebbtide@x.example"
    assert message["To"] == "a@x.example, b@x.example"
    assert "What still serves" in str(message.get_payload())
    recipients = [line for line in Mailbox.commands if line.lower().startswith("rcpt")]
    assert len(recipients) == 2


def test_a_way_that_fails_keeps_nothing_from_the_other(webhook: str, mailbox: str) -> None:
    operation = Operation(
        alert_webhook=f"{webhook}/refuse",
        alert_email=("a@x.example",),
        smtp=f"smtp://{mailbox}",
    )
    with capture_logs() as logs:
        send(ALERT, operation)

    assert len(Mailbox.messages) == 1
    assert [line["event"] for line in logs] == [ALERT.title, "alert not sent"]


def test_what_cannot_be_reached_tells_no_secret() -> None:
    operation = Operation(
        alert_webhook="http://127.0.0.1:1/?token=s3cret",
        alert_email=("a@x.example",),
        smtp="smtp://user:s3cret@127.0.0.1:1",
    )
    with capture_logs() as logs:
        send(ALERT, operation)

    assert [line.get("way") for line in logs] == [None, "webhook", "e-mail"]
    assert "s3cret" not in str(logs)
    assert "s3cret" not in repr(operation)


def test_a_password_is_not_told_to_a_server_that_encrypts_nothing(mailbox: str) -> None:
    operation = Operation(alert_email=("a@x.example",), smtp=f"smtp://me:s3cret@{mailbox}")
    with capture_logs() as logs:
        send(ALERT, operation)

    assert "encrypts nothing" in logs[-1]["reason"]
    assert Mailbox.messages == []
    assert not any("AUTH" in line for line in Mailbox.commands)


def published(warehouse: Warehouse, night: date) -> None:
    """A night that readers have."""
    with warehouse.transaction() as session:
        session.select(
            "insert into models (model_id, kind, encoder_id, dim, parameters)"
            " values ('m', 'x', 'x', 1, '{}') on conflict do nothing returning 1"
        )
        session.select(
            "insert into published_nights"
            " (night, model_key, partition_name, n_lists, inputs_fingerprint)"
            " select %(night)s, model_key, 'x', 1200, 'x' from models returning 1",
            {"night": night},
        )


NOW = datetime(2011, 12, 3, 6, 5, tzinfo=UTC)
DAY = date(2011, 12, 2)
ONE_DAY = timedelta(days=1)


def run_of(day: date) -> dict[str, object]:
    """A scheduled run, as Airflow's REST API shows it."""
    return {
        "dag_id": "nightly_recommendations",
        "dag_run_id": f"scheduled__{day}",
        "logical_date": f"{day}T00:00:00Z",
        "state": "running",
    }


def test_lists_that_are_not_published_in_time_are_late(
    settings: Settings, warehouse: Warehouse
) -> None:
    published(warehouse, DAY - ONE_DAY)
    alert = lateness(settings, run_of(DAY), NOW)

    assert isinstance(alert, Alert)
    assert alert.title == "Ebbtide: the lists of night 2011-12-02 are late"
    assert "not published at 06:00 UTC; nightly_recommendations" in alert.happened
    assert alert.happened.endswith("is running.")
    assert "lists of night 2011-12-01 (made for 2011-12-02): 1,200 users, model m" in alert.serves


def test_lists_that_are_published_are_not_late(settings: Settings, warehouse: Warehouse) -> None:
    published(warehouse, DAY)

    assert lateness(settings, run_of(DAY), NOW) is None


@pytest.mark.parametrize(
    "run",
    [
        run_of(DAY - ONE_DAY),  # it catches up
        run_of(DAY) | {"logical_date": "2011-12-02T17:20:11Z"},  # a click
        run_of(DAY) | {"logical_date": None},
    ],
)
def test_nobody_waits_for_a_run_that_catches_up_or_is_made_by_hand(
    settings: Settings, run: dict[str, object]
) -> None:
    assert lateness(settings, run, NOW) is None


def test_a_database_that_does_not_answer_is_told_as_late() -> None:
    unreachable = read_settings(dsn="postgresql://127.0.0.1:1/nothing")
    alert = lateness(unreachable, run_of(DAY), NOW)

    assert alert is not None
    assert "Nobody can tell: The database cannot be used" in alert.serves


def test_before_the_first_night_readers_can_lose_nothing(settings: Settings) -> None:
    assert "No night is published yet" in serving_in_words(settings)


def test_airflows_triggerer_sends_the_alert(
    webhook: str, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = datetime.now(UTC).date() - ONE_DAY
    monkeypatch.setenv("RECSYS_DSN", dsn)
    monkeypatch.setenv("RECSYS_ALERT_WEBHOOK", webhook)
    asyncio.run(tell_if_late(context={"dag_run": run_of(yesterday)}))

    assert [body["day"] for body in Post.bodies if isinstance(body, dict)] == [str(yesterday)]


def test_late_lists_name_the_tenant() -> None:
    alert = late_lists(FACTS, DAY, "06:00", SERVES)

    assert "(day 2011-12-02, tenant acme) is unknown" in alert.happened
