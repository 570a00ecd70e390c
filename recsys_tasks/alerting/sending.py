"""Where alerts go: always to the log; to a webhook and to mailboxes where settings name them."""

import json
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import Request, urlopen

import structlog

from recsys_tasks.alerting.alerts import Alert
from recsys_tasks.errors import first_line
from recsys_tasks.operation import Operation

TIMEOUT: Final = 10  # seconds
log = structlog.get_logger()


def send(alert: Alert, operation: Operation) -> None:
    """Tell everybody who is to be told.

    One way that does not work is logged and does not keep the alert from the others; nothing is
    raised.
    """
    log.error(alert.title, **_parts(alert))
    ways: dict[str, Callable[[Alert, Operation], None]] = {}
    if operation.alert_webhook:
        ways["webhook"] = _post
    if operation.alert_email:
        ways["e-mail"] = _mail
    for name, way in ways.items():
        try:
            way(alert, operation)
        except Exception as error:  # noqa: BLE001  whatever it is, the next way may work
            # Without a traceback, which may show the address's secret.
            log.error("alert not sent", way=name, reason=first_line(error))  # noqa: TRY400


def _parts(alert: Alert) -> dict[str, str]:
    """All but the title, each by its name."""
    told = {"happened": alert.happened, "serves": alert.serves, "remedy": alert.remedy}
    return told | dict(alert.facts)


def _post(alert: Alert, operation: Operation) -> None:
    """Post it as JSON: `text` is what chat programs show, the rest is for machines.

    Raises:
        OSError: Nobody took it.
    """
    body = json.dumps({"text": alert.text, "title": alert.title, **_parts(alert)}).encode()
    request = Request(  # noqa: S310  the setting admits http and https
        operation.alert_webhook or "", body, {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=TIMEOUT):  # noqa: S310  as above
        pass


def _mail(alert: Alert, operation: Operation) -> None:
    """Send it as plain text.

    Raises:
        OSError: The server does not take it; or it has no encryption for the password.
    """
    message = EmailMessage()
    message["Subject"] = alert.title
    message["From"] = operation.alert_sender or operation.alert_email[0]
    message["To"] = ", ".join(operation.alert_email)
    message.set_content(alert.text)
    place = urlsplit(operation.smtp)
    with _server(place) as server:
        _log_in(server, place)
        server.send_message(message)


def _server(place: SplitResult) -> smtplib.SMTP:
    """A connection, encrypted wherever the server can."""
    context = ssl.create_default_context()
    host, port = place.hostname or "localhost", place.port or 0
    if place.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
    return server


def _log_in(server: smtplib.SMTP, place: SplitResult) -> None:
    if place.username is None:
        return
    if not isinstance(server.sock, ssl.SSLSocket):
        message = "the mail server encrypts nothing, so it is not told the password"
        raise smtplib.SMTPNotSupportedError(message)
    server.login(unquote(place.username), unquote(place.password or ""))
