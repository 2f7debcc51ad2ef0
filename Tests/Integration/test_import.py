"""`postern import exchange`: what it writes is what `check` accepts, and what decides as Exchange did."""

import json

import pytest

from postern import EXIT_DATA, EXIT_USAGE, ROOT

EXPORTS = ROOT / "Tests" / "Exports"
FILES = [EXPORTS / name for name in ("receive-connectors.json", "send-connectors.json", "accepted-domains.csv", "permissions.json")]
CANNOT_CREATE = 73


@pytest.fixture
def shell(own):
    return own()


@pytest.fixture
def keys(shell, authority):
    tls = authority.issue("mail.corp.example")
    return ["--certificate", tls.certificate, "--key", tls.key]


def test_the_imported_configuration_passes_check_and_decides_as_exchange_did(shell, keys):
    new = shell.folder / "new.json5"
    ran = shell.run("import", "exchange", *FILES, *keys, "--output", new, config=False)
    assert ran.status == 0, ran
    assert "exact" in ran.out.splitlines()[-1] and 'receive connector "Anonymous Relay"' in ran.out
    # The default folder is the system's.
    new.write_text(new.read_text().replace("hostname:", f'dataDirectory: "{shell.folder}/new", hostname:'))
    checked = shell.run("check", "--config", new, config=False)
    assert checked.status == 0, checked

    def explain(recipient, ip, port=25):
        words = ["--from", "fax@corp.example", "--to", recipient, "--ip", ip, "--port", port]
        ran = shell.run("explain", *words, "--json", "--config", new, config=False)
        assert ran.status == 0, ran
        reply = json.loads(ran.out)["reply"]
        return f"{reply['code']} {reply['enhanced']}"

    assert explain("anna@corp.example", "10.9.9.9").startswith("250")
    assert explain("x@elsewhere.example", "10.9.9.9") == "550 5.7.54"
    assert explain("x@elsewhere.example", "10.1.20.7").startswith("250")
    assert explain("anna@corp.example", "10.9.9.9", 587) == "530 5.7.57"


def test_the_report_tells_of_every_object_rule_by_rule(shell, keys):
    ran = shell.run("import", "exchange", *FILES, *keys, "--json", config=False)
    assert ran.status == 0, ran
    report = ran.json()
    objects = {rule["object"] for rule in report["rules"]}
    for export in FILES[:2]:
        for exported in json.loads(export.read_text()):
            assert any(f'"{exported["Name"]}"' in title for title in objects), exported["Name"]
    assert {rule["outcome"] for rule in report["rules"]} == {"exact", "approximated", "none", "skipped"}
    for rule in report["rules"]:
        assert rule["note"] or rule["outcome"] in ("exact", "approximated"), rule
    assert sum(report["summary"].values()) == len(report["rules"])
    assert "receiveConnectors" in report["configuration"]


def test_without_an_output_the_configuration_goes_to_standard_output_and_the_report_beside_it(shell):
    ran = shell.run("import", "exchange", FILES[0], config=False)
    assert ran.status == 0, ran
    assert ran.out.startswith("//") and "receiveConnectors:" in ran.out
    assert "without equivalent" in ran.err


def test_an_existing_file_is_left_alone_and_mistakes_have_their_status(shell):
    before = shell.file.read_text()
    ran = shell.run("import", "exchange", FILES[0], "--output", shell.file, config=False)
    assert ran.status == CANNOT_CREATE and str(shell.file) in ran.err
    assert shell.file.read_text() == before
    assert shell.run("import", "exchange", config=False).status == EXIT_USAGE
    missing = shell.run("import", "exchange", "nowhere.json", config=False)
    assert missing.status == EXIT_DATA and "nowhere.json: cannot be read" in missing.err
    broken = shell.folder / "broken.json"
    broken.write_text('[\n{"Bindings": ["x"], "RemoteIPRanges": ["10.0.0.1"],}]')
    ran = shell.run("import", "exchange", broken, config=False)
    assert ran.status == EXIT_DATA and f"{broken}:2:" in ran.err
    broken.write_text('[{"Name": "R", "Bindings": ["x"], "RemoteIPRanges": ["10.0.0.1"]}]')
    ran = shell.run("import", "exchange", broken, config=False)
    assert ran.status == EXIT_DATA and f'{broken}: [0].Bindings: holds "x"' in ran.err
