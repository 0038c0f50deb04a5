"""Clients that ask as fast as they are answered."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from typing import NamedTuple

from tests.bench.measuring import seconds

CLIENTS = 2


class Question(NamedTuple):
    """One request."""

    method: str
    path: str
    cookie: str = ""
    body: str = ""


def answer(connection: HTTPConnection, question: Question) -> int:
    """Ask, read the whole answer, tell its status."""
    headers = {"Cookie": question.cookie} if question.cookie else {}
    if question.body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(question.method, question.path, question.body or None, headers)
    response = connection.getresponse()
    response.read()
    return response.status


def per_second(port: int, questions: Sequence[Question], allowed: frozenset[int], *, clients: int = CLIENTS) -> float:
    """Answers a second to questions that `clients` share, each over a connection of its own.

    Raises AssertionError for a status that is not allowed.
    """
    ready = Barrier(clients + 1)

    def client(mine: Sequence[Question]) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        connection.connect()
        ready.wait()
        try:
            for question in mine:
                status = answer(connection, question)
                assert status in allowed, (status, question.path)
        finally:
            connection.close()

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client, questions[number::clients]) for number in range(clients)]
        ready.wait()
        took = seconds(lambda: [each.result() for each in running])
    return len(questions) / took


def warmed(port: int, question: Question, allowed: frozenset[int], *, clients: int = CLIENTS) -> Callable[[int], float]:
    """The rate of one question asked again and again, after it was asked a few times."""
    per_second(port, [question] * 4, allowed, clients=clients)
    return lambda count: per_second(port, [question] * count, allowed, clients=clients)
