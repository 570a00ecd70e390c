"""A model behind an address that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama do."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Timer
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from recsys_tasks.generating.generator import MAX_TOKENS, GeneratorFailed
from recsys_tasks.generating.prompts import Prompt
from recsys_tasks.threads import threads_of

AT_ONCE: Final = 4
PATIENCE: Final = 20.0  # seconds for one answer
MOST_BYTES: Final = 64 * 1024  # of an answer: more is no name


class Endpoint:
    """A model at an address. It follows no redirects: a key is for the address it was given for."""

    batch_size = AT_ONCE

    def __init__(self, url: str, model: str, key: SecretStr | None) -> None:
        """Ask `model` at `url`/chat/completions, with a bearer key where there is one."""
        self._place, self._model, self._key = urlsplit(url.rstrip("/")), model, key

    @property
    def generator_id(self) -> str:
        """The model and the host; neither path nor user, which may be secret."""
        port = f":{self._place.port}" if self._place.port else ""
        return f"{self._model}@{self._place.hostname}{port}"

    def answer(self, prompts: Sequence[Prompt], seconds: float) -> list[str | None]:
        """One answer a prompt, asked at once; None where none came in time.

        Raises:
            GeneratorFailed: It refused the key or the model, or cannot be reached.
        """
        until = monotonic() + min(seconds, PATIENCE)
        with threads_of(AT_ONCE) as threads:
            asked = [threads.submit(self._ask, prompt, until) for prompt in prompts]
            return [future.result() for future in asked]

    def _ask(self, prompt: Prompt, until: float) -> str | None:
        left = max(until - monotonic(), 0.01)
        try:
            with closing(self._connection(left)) as connection, _hung_up_in(left, connection):
                return self._exchange(connection, prompt)
        except (OSError, HTTPException) as error:
            if monotonic() >= until or isinstance(error, TimeoutError):
                return None
            # The kind alone: a message may quote the address, and a secret with it.
            message = f"it cannot be reached ({type(error).__name__})"
            raise GeneratorFailed(message) from None

    def _connection(self, timeout: float) -> HTTPConnection:
        kind = HTTPSConnection if self._place.scheme == "https" else HTTPConnection
        return kind(self._place.hostname or "", self._place.port, timeout=timeout)

    def _exchange(self, connection: HTTPConnection, prompt: Prompt) -> str | None:
        headers = {"Content-Type": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        path = f"{self._place.path}/chat/completions"
        connection.request("POST", path, self._body(prompt), headers)
        with connection.getresponse() as response:
            if response.status != HTTPStatus.OK:
                message = f"it answered with status {response.status}"
                raise GeneratorFailed(message)
            body = response.read(MOST_BYTES)
            return None if response.read(1) else _text_of(body)

    def _body(self, prompt: Prompt) -> bytes:
        facts = {
            "model": self._model,
            "messages": prompt.messages,
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
        }
        return json.dumps(facts).encode()


@contextmanager
def _hung_up_in(seconds: float, connection: HTTPConnection) -> Iterator[None]:
    """Connect, and end whatever is waited for when the time is up.

    A socket's own timeout is for one read: who sends a byte now and then would be read for ever.
    """
    connection.connect()
    wire = connection.sock

    def hang_up() -> None:
        with suppress(OSError):  # it has ended meanwhile
            wire.shutdown(socket.SHUT_RDWR)

    watch = Timer(seconds, hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def _text_of(body: bytes) -> str | None:
    """The first choice's text; None where the answer is not what it should be."""
    try:
        text = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return text if isinstance(text, str) and text.strip() else None
