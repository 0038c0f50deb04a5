"""What stands between servers and the application: which bodies are waited for, and how their reads are ended."""

import socket
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest
from flask import Flask, request

from portal.core.errors import Unavailable
from portal.core.pace import Pace, Patient
from portal.core.web.patience import HANG_UP, hang_up, init_patience, patient


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


@pytest.mark.parametrize("name", ["gunicorn.socket", "werkzeug.socket"])
def test_a_read_of_a_connection_is_ended_and_an_answer_still_goes(
    pair: tuple[socket.socket, socket.socket], name: str
) -> None:
    ours, theirs = pair
    end, read = hang_up({name: ours, "SERVER_PROTOCOL": "HTTP/1.1"}), list[bytes]()
    assert end
    reader = Thread(target=lambda: read.append(ours.recv(1)))
    reader.start()

    end()

    reader.join(10)
    assert read == [b""]
    ours.sendall(b"too slow")
    assert theirs.recv(99) == b"too slow"


def test_a_connection_that_is_gone_is_no_fault(pair: tuple[socket.socket, socket.socket]) -> None:
    end = hang_up({"gunicorn.socket": pair[0], "SERVER_PROTOCOL": "HTTP/1.1"})
    assert end
    pair[0].close()

    end()


def test_where_no_way_is_offered_none_is_taken(pair: tuple[socket.socket, socket.socket]) -> None:
    """Nor on a connection that others share."""
    assert hang_up({"SERVER_PROTOCOL": "HTTP/1.1"}) is None
    assert hang_up({"gunicorn.socket": pair[0], "SERVER_PROTOCOL": "HTTP/2.0"}) is None


def test_a_servers_own_way_is_taken_first(pair: tuple[socket.socket, socket.socket]) -> None:
    def own() -> None:
        raise AssertionError

    assert hang_up({HANG_UP: own, "gunicorn.socket": pair[0], "SERVER_PROTOCOL": "HTTP/2"}) is own


@pytest.fixture
def app() -> Flask:
    """An application that waits for nobody."""
    made = Flask("patience")
    made.testing = True
    made.config["PACE"] = Pace(window=9, notice=0, least=10, slow_at_once=1)
    init_patience(made)

    @made.route("/<what>", methods=["GET", "POST"])
    def page(what: str) -> str:
        data = request.get_data(as_text=True)
        if what == "fails":
            raise KeyboardInterrupt
        return f"{data} {isinstance(request.environ['wsgi.input'], Patient)}"

    @made.route("/room", methods=["POST"])
    def room() -> str:
        patient().check_room()
        if request.get_data():
            with pytest.raises(Unavailable):
                patient().check_room()
        return "room"

    return made


def test_only_what_may_have_a_body_is_waited_for(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/page").text == " False"
    assert client.post("/page", data=b"all of it").text == "all of it True"


def test_a_request_leaves_the_crowd_however_it_ends(app: Flask) -> None:
    client = app.test_client()

    assert client.post("/room", data=b"1").text == "room"
    assert client.post("/room").text == "room"
    with pytest.raises(KeyboardInterrupt):
        client.post("/fails", data=b"1")
    assert client.post("/room").text == "room"
