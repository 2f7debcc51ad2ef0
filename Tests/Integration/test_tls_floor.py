"""TLS by connector: its certificate, its oldest version, and the old suites for those who know no others."""

import datetime
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from peers import free_port


@pytest.fixture(scope="module")
def old_certificate(tmp_path_factory):
    """Of an RSA key: the suites TLS_RSA_WITH_… need one."""
    folder = tmp_path_factory.mktemp("rsa")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old.test.example")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=9))
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "old.pem", folder / "old.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"name": "old", "certificateFile": str(pem), "keyFile": str(secret)}


def connector(name, port, **tls):
    return {
        "name": name,
        "bindings": [f"127.0.0.1:{port}"],
        "permissionGroups": ["anonymous"],
        "tls": {"mode": "offered", "certificate": "old"} | tls,
    }


def shake(port, *options, starttls=True):
    """What `openssl s_client` settles: (version, cipher, subject), or the reason why not."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-cipher", "ALL:@SECLEVEL=0", *options]
    done = subprocess.run(
        words + (["-starttls", "smtp"] if starttls else []), input="QUIT\n", capture_output=True, text=True, timeout=20
    )
    text = done.stdout + done.stderr
    settled = [line for line in text.splitlines() if line.startswith("New, ")]
    if not settled or "(NONE)" in settled[0]:
        return text
    version, cipher = settled[0].removeprefix("New, ").split(", Cipher is ")
    protocol = [line.split(":")[1].strip() for line in text.splitlines() if line.strip().startswith("Protocol  :")]
    subject = next(line for line in text.splitlines() if line.startswith("subject="))
    return (protocol or [version])[0], cipher, subject


def test_only_the_listed_old_devices_speak_old_tls(own, old_certificate):
    legacy, middle, modern, newest, sealed = (free_port() for _ in range(5))

    def change(config):
        config["certificates"].append(old_certificate)
        config["receiveConnectors"] += [
            connector("Legacy", legacy, minimumVersion="1.0") | {"remoteIPRanges": ["127.0.0.0/24"]},
            connector("Middle", middle, minimumVersion="1.1") | {"remoteIPRanges": ["127.0.0.0/24"]},
            connector("Modern", modern),
            connector("Newest", newest, minimumVersion="1.3"),
            connector("Sealed", sealed, mode="implicit", certificate="default"),
        ]

    gateway = own(change=change).start()
    assert shake(legacy, "-tls1")[:1] == ("TLSv1",)
    assert shake(legacy, "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0")[:2] == ("TLSv1", "AES128-SHA")
    assert shake(legacy, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")[1] == "AES128-SHA"
    assert shake(legacy, "-tls1_3")[0] == "TLSv1.3", "the newest that both know"
    assert "old.test.example" in shake(legacy, "-tls1")[2], "its own certificate"

    assert "alert protocol version" in shake(middle, "-tls1")
    assert shake(middle, "-tls1_1")[0] == "TLSv1.1"
    for options in (["-tls1"], ["-tls1_1"]):
        assert "alert protocol version" in shake(modern, *options)
    assert shake(modern, "-tls1_2")[0] == "TLSv1.2"
    assert "alert handshake failure" in shake(modern, "-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")
    assert "alert protocol version" in shake(newest, "-tls1_2")
    assert shake(newest, "-tls1_3")[0] == "TLSv1.3"
    assert "relay.test.example" in shake(sealed, "-tls1_2", starttls=False)[2]

    checked = gateway.run("check")
    assert checked.status == 0
    assert '"Legacy" accepts TLS 1.0' in checked.out and '"Middle" accepts TLS 1.1' in checked.out
    assert '"Modern" accepts' not in checked.out


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_old_tls_for_everyone_is_refused_at_load(own, old_certificate, version):
    def change(config):
        config["certificates"].append(old_certificate)
        config["receiveConnectors"].append(connector("Legacy", free_port(), minimumVersion=version))

    ran = own(change=change).run("check")
    assert ran.status == 78
    assert f'"Legacy" accepts TLS {version} from every address; set remoteIPRanges to the old devices' in ran.all


def test_an_authority_that_cannot_be_read_is_refused_at_load(own):
    def change(config):
        config["receiveConnectors"][3]["tls"]["clientCAFile"] = "/nowhere/ca.pem"

    ran = own(change=change).run("check")
    assert ran.status == 78 and "/nowhere/ca.pem" in ran.all and "Client Frontend" in ran.all
