"""Receive connectors: which one serves whom, what it shows of itself, and how a reload moves it."""

import signal
import socket

import pytest

from peers import eventually, free_port
from postern import HOSTNAME, Session, marker
from test_smtp import mail


def smtp(name, *bindings, **more):
    """A connector that tells its name in its banner."""
    whole = {
        "name": name,
        "protocol": "smtp",
        "bindings": list(bindings),
        "tls": {"mode": "none"},
        "permissionGroups": ["anonymous"],
        "banner": f"220 {name}",
        "limits": {"tarpit": "0s"},
    }
    return whole | more


def only(*connectors):
    """Those beside the door for HTTP."""

    def change(config):
        config["receiveConnectors"][1:] = connectors

    return change


def greeting(port, to="127.0.0.1", source=None) -> str:
    """What a client is greeted with; a connection that is not taken is none."""
    source = (source, 0) if source else None
    with socket.create_connection((to, port), timeout=10, source_address=source) as peer:
        return peer.makefile("rb").readline().decode().strip()


def reload(gateway, expect="configuration reloaded"):
    seen = gateway.log.count(expect)
    gateway.write()
    gateway.signal(signal.SIGHUP)
    eventually(lambda: gateway.log.count(expect) > seen, what="the reload")


def listed(gateway, name) -> dict:
    return next(one for one in gateway.ask("connector", "list") if one["name"] == name)


def test_the_exact_address_comes_before_the_wildcard_and_each_family_is_its_own(own):
    port = free_port()
    gateway = own(
        change=only(
            smtp("wild", f"0.0.0.0:{port}"),
            smtp("exact", f"127.0.0.2:{port}", remoteIPRanges=["127.0.0.0/24"]),
            smtp("six", f"[::]:{port}"),
            smtp("near", f"0.0.0.0:{port}", remoteIPRanges=["127.0.0.5-127.0.0.9"]),
            smtp("one", f"0.0.0.0:{port}", remoteIPRanges=["127.0.0.7"]),
        )
    ).start()
    assert greeting(port) == "220 wild"
    assert greeting(port, "127.0.0.2") == "220 exact"
    assert greeting(port, "127.0.0.2", "127.0.1.1") == "220 wild", "the exact one does not serve it"
    assert greeting(port, "127.0.0.1", "127.0.0.5") == "220 near"
    assert greeting(port, "127.0.0.1", "127.0.0.7") == "220 one"
    assert greeting(port, "127.0.0.2", "127.0.0.7") == "220 exact"
    assert greeting(port, "::1") == "220 six"
    # An IPv6 socket that speaks to an IPv4 address is an IPv4 client.
    with socket.socket(socket.AF_INET6) as mapped:
        mapped.settimeout(10)
        mapped.connect(("::ffff:127.0.0.2", port))
        assert mapped.recv(99) == b"220 exact\r\n"


def test_a_wildcard_of_ipv6_does_not_serve_ipv4(own):
    port = free_port()
    own(change=only(smtp("six", f"[::]:{port}"))).start()
    assert greeting(port, "::1") == "220 six"
    with pytest.raises(ConnectionRefusedError):
        greeting(port)


def test_whom_no_connector_serves_is_told_so(own):
    port = free_port()
    gateway = own(
        change=only(
            smtp("few", f"127.0.0.1:{port}", remoteIPRanges=["127.0.0.8"]),
            smtp("off", f"127.0.0.1:{port}", remoteIPRanges=["127.0.0.9"], enabled=False),
        )
    ).start()
    assert greeting(port, source="127.0.0.8") == "220 few"
    assert greeting(port) == "421 4.3.2 Service not available"
    assert greeting(port, source="127.0.0.9") == "421 4.3.2 Service not available"
    assert "no connector serves the client" in gateway.log
    gateway.connector("off")["enabled"] = True
    reload(gateway)
    assert greeting(port, source="127.0.0.9") == "220 off"


@pytest.mark.parametrize("before, after", [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1"), ("[::1]", "[::]")])
def test_a_reload_moves_a_connector_between_an_address_and_the_wildcard_of_its_port(own, before, after):
    port = free_port()
    gateway = own(change=only(smtp("moved", f"{before}:{port}"))).start()
    at = "::1" if "[" in before else "127.0.0.1"
    with Session(gateway.http, greet=False):
        assert greeting(port, at) == "220 moved"
        gateway.connector("moved").update(bindings=[f"{after}:{port}"], banner="220 anew")
        reload(gateway)
        assert greeting(port, at) == "220 anew"
    gateway.connector("moved").update(bindings=[f"{before}:{port}"], banner="220 back")
    reload(gateway)
    assert greeting(port, at) == "220 back"


def test_a_reload_that_cannot_listen_leaves_every_door_as_it_was(own):
    port, taken = free_port(), socket.create_server(("127.0.0.1", 0))
    gateway = own(change=only(smtp("stays", f"127.0.0.1:{port}"))).start()
    gateway.connector("stays").update(
        bindings=[f"0.0.0.0:{port}", f"127.0.0.1:{taken.getsockname()[1]}"], banner="220 anew"
    )
    with taken:
        reload(gateway, expect="the old one stays")
    assert greeting(port) == "220 stays"
    with pytest.raises(ConnectionRefusedError):
        greeting(port, "127.0.0.3")
    assert gateway.client().get("/healthz").status == 200


@pytest.mark.parametrize("gone", [{"enabled": False}, {"remoteIPRanges": ["127.0.0.9"]}], ids=["switched off", "narrowed"])
def test_a_session_whose_connector_serves_it_no_longer_is_sent_away(own, gone):
    port = free_port()
    gateway = own(change=only(smtp("relay", f"127.0.0.1:{port}", rights=["acceptAnyRecipient"]))).start()
    with Session(port) as early, Session(port) as late:
        for session in (early, late):
            assert session.envelope("a@other.example", "x@other.example")[-1].startswith("250")
        gateway.connector("relay").update(gone)
        reload(gateway)
        assert early.data(mail(marker())) == "421 4.3.2 Service not available"
        assert early.say("NOOP") == "", "421 says that the connection ends (RFC 5321 §3.8)"
        late.say("RSET")
        assert late.say("MAIL FROM:<a@other.example>") == "421 4.3.2 Service not available"
        assert late.say("MAIL FROM:<a@other.example>") == ""


@pytest.mark.parametrize("change", ["a tighter connector", "another port"])
def test_a_session_that_another_connector_would_serve_now_is_sent_away(own, change):
    port, other = free_port(), free_port()
    gateway = own(change=only(smtp("relay", f"127.0.0.1:{port}", rights=["acceptAnyRecipient"]))).start()
    with Session(port) as session:
        assert session.envelope("a@other.example", "x@other.example")[-1].startswith("250")
        session.say("RSET")
        if change == "another port":
            gateway.connector("relay")["bindings"] = [f"127.0.0.1:{other}"]
        else:
            gateway.config["receiveConnectors"].append(
                smtp("block", f"127.0.0.1:{port}", remoteIPRanges=["127.0.0.1"], permissionGroups=[])
            )
        reload(gateway)
        assert session.say("MAIL FROM:<a@other.example>") == "421 4.3.2 Service not available"


def test_whom_no_connector_serves_hears_what_is_spoken_there(own):
    """Another connector's protocol on the same port of another address, or one that is off, is not spoken here."""
    port = free_port()
    http = {"protocol": "http", "permissionGroups": ["applications"], "tls": {"mode": "none"}}
    own(
        change=only(
            smtp("few", f"127.0.0.1:{port}", remoteIPRanges=["127.0.0.8"]),
            http | {"name": "web", "bindings": [f"127.0.0.2:{port}"]},
            http | {"name": "off", "bindings": [f"127.0.0.1:{port}"], "enabled": False},
        )
    ).start()
    assert greeting(port) == "421 4.3.2 Service not available"


def test_a_reload_brings_its_limits_to_new_connections(own):
    port = free_port()
    gateway = own(change=only(smtp("bounded", f"127.0.0.1:{port}"))).start()
    with Session(port) as early:
        assert "SIZE 37748736" in early.say("EHLO x")
    gateway.connector("bounded")["limits"] = {
        "messageSize": "1MB",
        "recipients": 1,
        "connectionsPerSource": 1,
        "protocolErrors": 1,
        "messagesPerMinute": 1,
        "inactivity": "1s",
        "tarpit": "0s",
    }
    reload(gateway)

    def session():
        """Once the one before is gone."""
        return eventually(lambda: (one := Session(port)).greeting.startswith("220") and one, what="a free place")

    with session() as late:
        assert "SIZE 1048576" in late.say("EHLO x")
        assert greeting(port).startswith("421 4.3.2 The maximum number")
        assert late.say("MAIL FROM:<a@corp.example>").startswith("250")
        late.say("RCPT TO:<a@corp.example>")
        assert late.say("RCPT TO:<b@corp.example>") == "452 4.5.3 Too many recipients"
        assert late.data(mail(marker())).startswith("250 2.6.0")
        assert late.say("MAIL FROM:<a@corp.example>").startswith("421 4.4.2")
        assert late.reply() == ""
    with session() as late:
        assert late.reply() == "451 4.7.0 Timeout waiting for client input"
    with session() as late:
        late.say("EHLO x")
        assert late.say("FLY").startswith("500")
        assert late.reply() == "421 4.7.0 Too many errors"


def test_a_connector_shows_what_it_sees(own, postfix):
    gateway = own(postfix.port).start()
    before = listed(gateway, "Default Frontend")
    assert (before["open_connections"], before["accepted"], before["last_seen"]) == (0, 0, None)
    with Session(gateway.smtp) as peer:
        peer.envelope("a@corp.example", "b@corp.example")
        assert peer.say("RCPT TO:<x@elsewhere.example>").startswith("550 5.7.54")
        assert peer.data(mail(marker())).startswith("250")
        seen = listed(gateway, "Default Frontend")
        assert seen["open_connections"] == 1
        assert (seen["accepted_connections"], seen["accepted"], seen["refused"]) == (1, 1, 1)
        assert seen["last_seen"]
    eventually(lambda: listed(gateway, "Default Frontend")["open_connections"] == 0, what="the end")
    others = [listed(gateway, name)["accepted_connections"] for name in ("Printers", "Client Frontend")]
    assert others == [0, 0]

    client = gateway.ready_client()
    assert client.send().status == 202
    assert client.send(to="x@elsewhere.example").status == 403
    seen = listed(gateway, "HTTP API")
    assert (seen["accepted"], seen["refused"]) == (1, 1)
    table = gateway.run("connector", "list").out
    assert "OPEN" in table and "LAST SEEN" in table
    assert gateway.stop() == 0
    assert listed(gateway, "HTTP API")["open_connections"] is None, "no server, nobody who counts"


def test_banner_fqdn_and_keywords_are_the_connectors_own(own):
    port = free_port()
    gateway = own(
        change=only(
            smtp("plain", f"127.0.0.1:{port}", remoteIPRanges=["127.0.0.3"], suppressKeywords=["pipelining", "SIZE"]),
            smtp("named", f"127.0.0.1:{port}", fqdn="mail.corp.example", banner=None),
        )
    )
    del gateway.connector("named")["banner"]
    gateway.write()
    gateway.start()
    with Session(port, source="127.0.0.3") as peer:
        assert peer.greeting == "220 plain"
        hello = peer.say("EHLO x")
        assert hello.startswith(f"250-{HOSTNAME} Hello [127.0.0.3]")
        assert "PIPELINING" not in hello and "SIZE" not in hello and "8BITMIME" in hello
    with Session(port) as peer:
        assert peer.greeting.startswith("220 mail.corp.example Postern ESMTP ready at ")
        assert peer.say("EHLO x").startswith("250-mail.corp.example Hello [127.0.0.1]")


def test_connectors_that_quarrel_are_refused_by_name(own):
    for first, second, said in [
        (["127.0.0.1-127.0.0.5"], ["127.0.0.5-127.0.0.9"], "overlap and neither contains the other"),
        (["127.0.0.0/24"], ["127.0.0.9/24"], "both list 127.0.0.0/24"),
        (None, None, "both serve every address"),
    ]:
        ranges = [{"remoteIPRanges": one} if one else {} for one in (first, second)]
        gateway = own(change=only(smtp("A", "127.0.0.1:25", **ranges[0]), smtp("B", "127.0.0.1:25", **ranges[1])))
        ran = gateway.run("check")
        assert ran.status == 78 and said in ran.all and '"A" and "B"' in ran.all, ran


@pytest.mark.parametrize("wrong", [{"remoteIPRanges": ["10.0.0.300"]}, {"remoteIpRanges": ["10.0.0.3"]}])
def test_a_range_that_cannot_be_read_is_no_quarrel_besides(own, wrong):
    gateway = own(change=only(smtp("A", "127.0.0.1:25"), smtp("B", "127.0.0.1:25", **wrong)))
    ran = gateway.run("check")
    assert ran.status == 78 and "remoteIPRanges" in ran.all and '"A" and "B"' not in ran.all, ran
