"""What the tests stand on; conftest.py of both folders takes it from here."""

import itertools

import pytest

from nameserver import NameServer, allow_low_ports, loopback_address
from peers import Authority, Postfix, Sink
from postern import BINARY, DOCUMENT, Gateway

_running: list[Gateway] = []


def pytest_configure():
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is not there: build it first, or run ./deploy/test integration")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for gateway in _running:
            report.sections.append((f"log of {gateway.folder.name}", gateway.log[-4000:]))
    return report


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def postfix(authority):
    """The real next hop of this run."""
    server = Postfix(authority.issue("next.test.example", "127.0.0.1"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, authority, postfix, request):
    """A gateway in front of Postfix, shared by the tests of a file."""
    made = Gateway(tmp_path_factory.mktemp(request.module.__name__), authority, postfix.port)
    _running.append(made)
    try:
        yield made.start()
    finally:
        _running.remove(made)
        made.shut()


@pytest.fixture(scope="module")
def client(gateway):
    """An application that may do everything to its own mail, inside the accepted domains."""
    scopes = ["messages:send", "messages:read", "messages:manage", "messages:content"]
    return gateway.ready_client(*[word for scope in scopes for word in ("--scope", scope)])


@pytest.fixture(scope="module")
def admin(gateway):
    return gateway.admin


@pytest.fixture
def own(tmp_path_factory, authority):
    """Makes gateways for one test: `own(next_hop, change)`; not started."""
    made = []
    numbers = itertools.count(1)

    def make(next_hop=1, change=None) -> Gateway:
        gateway = Gateway(tmp_path_factory.mktemp(f"own{next(numbers)}-"), authority, next_hop, change)
        made.append(gateway)
        _running.append(gateway)
        return gateway

    yield make
    for gateway in made:
        _running.remove(gateway)
        gateway.shut()


@pytest.fixture
def sink():
    """Makes sinks for one test: `sink(script, tls=…, users=…)`."""
    made = []

    def make(script=None, **more) -> Sink:
        made.append(Sink(script, **more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def names():
    """Makes name servers for one test: `names({...records})`."""
    made = []

    def make(records=None, **more) -> NameServer:
        made.append(NameServer(records, **more))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def low_ports():
    allow_low_ports()


@pytest.fixture
def exchanger(sink, low_ports):
    """Makes mail exchangers: sinks at port 25 of an address of their own."""
    return lambda script=None, **more: sink(script, port=25, **({"address": loopback_address()} | more))


@pytest.fixture(scope="session")
def document():
    return DOCUMENT
