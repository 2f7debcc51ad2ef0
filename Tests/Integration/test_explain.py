"""`explain` against the doors: what it says of a mail is what a session hears, whatever the configuration."""

import base64
import json
import random
import ssl

import pytest

from peers import free_port
from postern import HOSTNAME, Session

DOMAINS = ["corp.example", "lab.example", "a.lab.example", "sub.corp.example", "elsewhere.example", "far.example"]
GROUPS = [["anonymous"], ["applications"], ["anonymous", "applications"]]
RIGHTS = ["acceptAnyRecipient", "bypassMessageSizeLimit"]
GROUP_RIGHTS = ["acceptAnySender", "acceptAuthoritativeDomainSender"]
# Each strictly within the one before it.
RANGES = [None, "127.0.0.0/28", "127.0.0.0/29", "127.0.0.4/30", "127.0.0.5"]


def some(dice, choices):
    return [choice for choice in choices if dice.random() < 0.5]


def connectors(dice, port, name):
    """One binding, shared by connectors for ever smaller ranges."""
    for count, ranges in enumerate(RANGES):
        if count and dice.random() < 0.4:
            continue
        made = {
            "name": f"{name} {count}",
            "bindings": [f"127.0.0.1:{port}"],
            "tls": {"mode": dice.choice(["none", "offered", "required"])},
            "permissionGroups": dice.choice(GROUPS),
            "withoutRights": some(dice, GROUP_RIGHTS),
            "authentication": dice.choice([[], ["plain"]]),
            "allowPlaintextAuthentication": dice.random() < 0.5,
            "enabled": count == 0 or dice.random() < 0.8,
            "limits": {"tarpit": "0s", "messageSize": dice.choice(["1000", "5000", "36MB"])},
        }
        if ranges:
            made |= {"remoteIPRanges": [ranges], "rights": some(dice, RIGHTS)}
        yield made


def house(dice, own):
    ports = [free_port(), free_port()]

    def change(config):
        config["receiveConnectors"] = config["receiveConnectors"][:1]
        for number, port in enumerate(ports):
            config["receiveConnectors"] += connectors(dice, port, f"Door {number}")
        config["acceptedDomains"] = [
            {"domain": domain, "type": dice.choice(["authoritative", "internalRelay", "externalRelay"])}
            for domain in ["corp.example", "*.lab.example"]
        ]
        hop = config["sendConnectors"][0]
        limits = [{}, {"messageSize": "2000"}]
        config["sendConnectors"] = [
            hop | {"name": "Inside", "addressSpaces": ["corp.example", "*.lab.example"], "limits": dice.choice(limits)},
            hop | {"name": "Outside", "addressSpaces": ["*.elsewhere.example"], "limits": dice.choice(limits), "cost": 5},
        ]

    return own(change=change).start(), ports


class Asker:
    """Says by SMTP what `explain` is asked."""

    def __init__(self, trust, hindered):
        self.trust, self.hindered = trust, hindered

    def ask(self, port, source, tls, app, sender, recipient, size):
        """The reply that decides; nothing where the question cannot be put."""
        with Session(port, source=source) as peer:
            if not peer.greeting.startswith("220"):
                return peer.greeting
            offers = peer.say("EHLO asker")
            if tls:
                if "STARTTLS" not in offers:
                    return None
                assert peer.say("STARTTLS").startswith("220")
                peer.peer = self.trust.wrap_socket(peer.peer, server_hostname=HOSTNAME)
                offers = peer.say("EHLO asker")
            if app and "AUTH PLAIN" in offers:
                word = base64.b64encode(f"\0any\0{app.key}".encode()).decode()
                logon = peer.say(f"AUTH PLAIN {word}")
                assert logon.startswith("535" if app.name in self.hindered else "235"), logon
            reply = peer.say(f"MAIL FROM:<{sender}> SIZE={size}")
            return peer.say(f"RCPT TO:<{recipient}>") if reply.startswith("250") else reply


@pytest.mark.parametrize("seed", range(8))
def test_a_session_hears_what_explain_says(own, authority, seed):
    dice = random.Random(seed)
    gateway, ports = house(dice, own)
    apps = [
        None,
        gateway.app("--relay", "external", "--sender", "*"),
        gateway.app("--sender", "*@corp.example", "--sender", "ups@far.example"),
        gateway.app("--recipient", "*@lab.example"),
        gateway.app("--scope", "messages:read", known=False),
        gateway.app("--ip", "10.1.2.0/24", known=False),
    ]
    asker = Asker(ssl.create_default_context(cafile=str(authority.file)), [app.name for app in apps[4:]])
    heard = set()
    for _ in range(150):
        app, port = dice.choice(apps), dice.choice(ports)
        source = f"127.0.0.{dice.choice([1, 3, 4, 5, 6, 9, 15, 17])}"
        tls = dice.random() < 0.5
        sender = dice.choice(["", f"ups@{dice.choice(DOMAINS)}", f"fax@{dice.choice(DOMAINS)}"])
        recipient, size = f"ops@{dice.choice(DOMAINS)}", dice.choice([0, 999, 1000, 1001, 2001, 6000, 40 << 20])
        question = {"from": sender, "to": recipient, "ip": source, "port": port, "tls": tls, "size": size}
        if app:
            question["application"] = app.name
        said = gateway.admin.post("/v1/explain", question).json()
        serving = [one for one in gateway.config["receiveConnectors"] if one["name"] == said["connector"]]
        if app and serving and "applications" not in serving[0]["permissionGroups"]:
            continue  # it is taken to have logged on, offered or not
        live = asker.ask(port, source, tls, app, sender, recipient, size)
        if live is None:
            continue
        reply = " ".join(str(said["reply"][part]) for part in ("code", "enhanced", "text"))
        heard.add(live[:9])
        assert reply == live, json.dumps(question | {"said": said, "config": gateway.config})
        assert said["accepted"] == live.startswith("250")
        assert said["rules"][-1]["name"] == said["rule"]
    assert len(heard) >= 4, heard
