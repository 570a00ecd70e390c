"""Airflow on this machine: what holds before and after it runs. tests/real_airflow runs it."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from configparser import ConfigParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import islice
from pathlib import Path

import psutil
import pytest

from recsys_tasks.errors import (
    AirflowFailed,
    AirflowRunning,
    AirflowUnwell,
    BadSettings,
    PortTaken,
)
from recsys_tasks.settings import read_settings
from recsys_tasks.standalone import Place, place_of, processes, running
from recsys_tasks.standalone.configuration import configure, passwords
from recsys_tasks.standalone.following import Line, follow
from recsys_tasks.standalone.health import healthy_parts, wait_until_healthy
from recsys_tasks.standalone.place import refuse_taken_port
from recsys_tasks.standalone.processes import Component


@pytest.fixture
def port() -> Iterator[int]:
    """A port that something listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def read(place: Place) -> ConfigParser:
    """airflow.cfg with interpolation, as Airflow reads it."""
    parser = ConfigParser()
    parser.read(place.home / "airflow.cfg")
    return parser


def test_a_second_start_finds_the_same_secrets_and_passwords(tmp_path: Path) -> None:
    place = Place(tmp_path, 8080)
    configure(place, "postgresql://first")
    first, logins = read(place), passwords(place)
    configure(place, "postgresql://second")

    assert passwords(place) == logins
    assert read(place)["database"]["sql_alchemy_conn"] == "postgresql://second"
    for section, option in (("core", "fernet_key"), ("api_auth", "jwt_secret")):
        assert read(place)[section][option] == first[section][option]


def test_secrets_are_for_their_owner_and_differ_between_homes(tmp_path: Path) -> None:
    places = [Place(tmp_path / name, 8080) for name in ("one", "two")]
    for place in places:
        configure(place, "postgresql://")
        passwords(place)
        for name in ("airflow.cfg", "passwords.json"):
            assert (place.home / name).stat().st_mode & 0o077 == 0

    one, two = map(read, places)
    assert one["api_auth"]["jwt_secret"] != two["api_auth"]["jwt_secret"]
    assert passwords(places[0]) != passwords(places[1])


def test_what_somebody_wrote_into_the_configuration_stays(tmp_path: Path) -> None:
    place = Place(tmp_path, 8080, options={("core", "parallelism"): "7"})
    (tmp_path / "airflow.cfg").write_text("[email]\nfrom_email = me@example.org\n")
    configure(place, "postgresql://%2Frun@/x")

    assert read(place)["email"]["from_email"] == "me@example.org"
    assert read(place)["core"]["parallelism"] == "7"
    assert read(place)["database"]["sql_alchemy_conn"] == "postgresql://%2Frun@/x"


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path, port: int) -> None:
    told = f"Port {port} is in use.*--port {port + 1}"
    with pytest.raises(PortTaken, match=told), running(Place(tmp_path, port)):
        pass

    assert not (tmp_path / "airflow.cfg").exists()


def test_a_host_that_is_not_here_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"'192\.0\.2\.1' is no address of this machine"):
        refuse_taken_port(Place(tmp_path, 8080, host="192.0.2.1"))


def test_two_starts_of_one_home_do_not_mix(tmp_path: Path, port: int) -> None:
    code = (
        "import fcntl, sys, time; file = open(sys.argv[1], 'w'); fcntl.flock(file, fcntl.LOCK_EX);"
        "file.write('http://localhost:1, process 1'); file.flush(); print(flush=True);"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        told = "http://localhost:1, process 1"
        with pytest.raises(AirflowRunning, match=told), running(Place(tmp_path, port)):
            pass
        other.kill()


def start_family() -> subprocess.Popen[bytes]:
    """A session of two: a child that leaves the group, as Airflow's tasks do, and ignores TERM."""
    code = (
        "import os, signal, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setpgid(0, 0)\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    print(flush=True)\n"
        "time.sleep(60)\n"
    )
    family = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )
    assert family.stdout is not None
    family.stdout.readline()
    return family


def test_stopping_leaves_nobody_of_a_session(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.5)
    with start_family() as family:
        assert len(processes.members({family.pid})) == 2
        processes.stop([[Component("family", tmp_path / "log", family)]])

        assert processes.members({family.pid}) == []


def test_what_a_killed_launcher_left_is_ended_at_the_next_start(tmp_path: Path) -> None:
    remembered = tmp_path / "processes.json"
    with start_family() as family:
        processes.remember([Component("family", tmp_path / "log", family)], remembered)
        family.kill()
        family.wait()
        assert len(processes.members({family.pid})) == 1

        assert processes.end_remembered(remembered) == [family.pid]

        assert processes.members({family.pid}) == []
    assert processes.end_remembered(remembered) == []


def test_a_session_that_somebody_else_got_the_id_of_is_left_alone(tmp_path: Path) -> None:
    remembered = tmp_path / "processes.json"
    with start_family() as family:
        later = psutil.Process(family.pid).create_time() + 60
        remembered.write_text(json.dumps({str(family.pid): later}))

        assert processes.end_remembered(remembered) == []
        assert len(processes.members({family.pid})) == 2
        processes.end({family.pid})


def test_a_log_is_followed_by_whole_lines_from_now_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")
    texts = iter(["new\nha", "lf\n"])

    def write() -> None:
        with log.open("a") as file:
            file.write(next(texts))

    lines = follow({"scheduler": log, "triggerer": tmp_path / "not there yet"}, write)

    assert list(islice(lines, 2)) == [Line("scheduler", "new"), Line("scheduler", "half")]


def test_a_component_that_ends_is_told_with_its_log(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        with pytest.raises(AirflowFailed, match=r"`airflow scheduler` failed; its log is .*log"):
            processes.refuse_ended([Component("scheduler", tmp_path / "log", ended)])


@pytest.fixture
def answering() -> Iterator[Place]:
    """A place whose web server says that the scheduler is unwell."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            answer = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": None}}
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Place(Path("nowhere"), server.server_port)
        server.shutdown()


def test_health_is_what_airflow_says_of_each_part(answering: Place) -> None:
    assert healthy_parts(answering) == {"api_server", "metadatabase"}
    with pytest.raises(AirflowUnwell, match="Not healthy after 0 s: scheduler"):
        wait_until_healthy(answering, ["scheduler", "api_server"], lambda: None, 0)


def test_where_nothing_answers_nothing_is_healthy(tmp_path: Path, port: int) -> None:
    assert healthy_parts(Place(tmp_path, port + 1)) == set()


def test_tasks_get_the_warehouse_that_was_connected_to(tmp_path: Path) -> None:
    settings = read_settings(var=tmp_path, schema_name="films", preset="media")

    place = place_of(settings, "postgresql://here", 8080)

    assert place.home == tmp_path / "airflow"
    assert place.variables["RECSYS_DSN"] == "postgresql://here"
    assert place.variables["RECSYS_SCHEMA"] == "films"
    assert place.variables["RECSYS_PRESET"] == "media"
    assert os.environ.get("RECSYS_DSN") is None


def test_the_address_is_one_that_a_browser_here_can_open(tmp_path: Path) -> None:
    assert Place(tmp_path, 8080).url == "http://localhost:8080"
    assert Place(tmp_path, 8080, host="0.0.0.0").url == "http://127.0.0.1:8080"  # noqa: S104
