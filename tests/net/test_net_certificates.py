"""What is said of files that cannot be a server's certificate, and of those that hardly can."""

import base64
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authorities import Authority
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tls_wires import TLSClient
from wires import Front

from proxy_daemon.net.certificates import CertificateError, Files, load, warnings
from proxy_daemon.net.listening import endpoint
from proxy_daemon.net.serving_tls import Certificates

PEM, PKCS8 = Encoding.PEM, PrivateFormat.PKCS8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Good and bad files."""
    folder = tmp_path_factory.mktemp("files")
    authority = Authority(folder, "ca")
    authority.write(folder / "good.pem", "localhost").chmod(0o600)
    authority.write(folder / "other.pem", "localhost")
    authority.write(folder / "open.pem", "localhost").chmod(0o644)
    authority.write(folder / "expired.pem", "localhost", days=(-2, -1)).chmod(0o600)
    authority.write(folder / "early.pem", "localhost", days=(1, 2)).chmod(0o600)
    (folder / "empty.pem").touch()
    key = load_pem_private_key((folder / "good.pem").read_bytes(), None)
    (folder / "locked.pem").write_bytes(key.private_bytes(PEM, PKCS8, BestAvailableEncryption(b"x")))
    (folder / "half.pem").write_bytes((folder / "good.pem").read_bytes()[:100])
    (folder / "folder").mkdir()
    (folder / "rsa.pem").write_bytes(rsa.generate_private_key(65537, 2048).private_bytes(PEM, PKCS8, NoEncryption()))
    (folder / "p384.pem").write_bytes(
        ec.generate_private_key(ec.SECP384R1()).private_bytes(PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return folder


UNUSABLE = [
    ("no file", "gone.pem", "good.pem", "cannot read the private key {key}: No such file or directory"),
    ("no certificate file", "good.pem", "gone.pem", "cannot read the certificate {certificate}: No such file"),
    ("a folder", "folder", "good.pem", "cannot read the private key {key}: Is a directory"),
    ("empty", "empty.pem", "good.pem", "there is no private key in PEM format in {key}"),
    ("empty certificate", "good.pem", "empty.pem", "there is no certificate in PEM format in {certificate}"),
    ("half", "half.pem", "good.pem", "there is no private key in PEM format in {key}"),
    ("only a certificate", "ca.pem", "good.pem", "there is no private key in PEM format in {key}"),
    ("a password", "locked.pem", "good.pem", "the private key {key} is protected by a password"),
    ("another key", "other.pem", "good.pem", "the key in {key} does not belong to the certificate in {certificate}"),
    ("a key of another kind", "rsa.pem", "good.pem", "the key in {key} does not belong to the certificate"),
    ("a key of another curve", "p384.pem", "good.pem", "the key in {key} does not belong to the certificate"),
]


@pytest.mark.parametrize(("key", "own", "said"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_a_file_that_cannot_be_used_is_named(folder, key, own, said):
    files = Files(folder / key, folder / own)
    with pytest.raises(CertificateError) as caught:
        load(files)
    assert str(caught.value).startswith(said.format(key=files.key, certificate=files.certificate))
    assert "\n" not in str(caught.value)


def test_a_chain_that_cannot_be_used_is_named(folder):
    with pytest.raises(CertificateError, match=r"no certificate in PEM format in .*empty\.pem"):
        load(Files(folder / "good.pem", folder / "good.pem", folder / "empty.pem"))


def test_what_openssl_does_not_take_is_found_at_the_start(tmp_path):
    """It wants more than 1024 bits of RSA by itself, from its version 3.2 on."""
    path = Authority(tmp_path).write(tmp_path / "small.pem", "localhost", key=rsa.generate_private_key(65537, 1024))
    with pytest.raises(CertificateError, match=r"OpenSSL does not take .*small\.pem: ee key too small"):
        load(Files(path, path))


@given(st.lists(st.tuples(st.integers(0, 350), st.integers(0, 255)), min_size=1, max_size=5))
@example([(344, 128)])  # a serial number below zero
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_a_certificate_is_damaged_it_is_said_in_one_line(folder, damages):
    """Some of it is read only when it is needed."""
    content = (folder / "good.pem").read_bytes()
    key, _, _ = content.partition(b"-----BEGIN CERT")
    octets = bytearray(load_pem_x509_certificate(content).public_bytes(Encoding.DER))
    for at, octet in damages:
        octets[at % len(octets)] = octet
    path = folder / "damaged.pem"
    lines = b"-----BEGIN CERTIFICATE-----\n%b-----END CERTIFICATE-----\n" % base64.encodebytes(bytes(octets))
    path.write_bytes(key + lines)
    said = str(path)
    try:
        warnings(Files(path, path), load(Files(path, path))[1])
    except CertificateError as error:
        said = str(error)
    assert str(path) in said
    assert "\n" not in said


UNWISE = [
    ("good.pem", []),
    ("open.pem", ["every user of this machine can read the private key"]),
    ("expired.pem", ["has expired on"]),
    ("early.pem", ["is not valid before"]),
]


@pytest.mark.parametrize(("name", "said"), UNWISE, ids=[row[0] for row in UNWISE])
def test_what_is_unwise_is_told(folder, name, said):
    files = Files(folder / name, folder / name)
    found = warnings(files, load(files)[1])
    assert len(found) == len(said)
    assert all(text in line and str(files.key) in line for text, line in zip(said, found, strict=True))


def test_a_certificate_expires_with_time(folder):
    files = Files(folder / "good.pem", folder / "good.pem")
    assert len(warnings(files, load(files)[1], datetime.now(UTC) + timedelta(days=2))) == 1


@pytest.mark.parametrize("in_the_certificate", [True, False])
def test_the_chain_is_sent(folder, tmp_path, in_the_certificate):
    """From a file of its own, or behind the certificate, as `fullchain.pem` has it."""
    root = Authority(tmp_path, "Root")
    middle = root.below("Middle")
    own, chain = middle.write(tmp_path / "own.pem", "localhost"), None
    if in_the_certificate:
        own.write_bytes(own.read_bytes() + middle.path.read_bytes())
    else:
        chain = middle.path
    front = Front()
    client = TLSClient(front, Certificates(Files(own, own, chain), front.clock), root.path)
    assert client.handshake().serial()


DESCRIPTIONS = [
    ("nothing", "ssl:", "lacks port, privateKey"),
    ("no key", "ssl:8443", "lacks privateKey"),
    ("port", "ssl:x:privateKey={key}", "'x' is not a port"),
    ("a word that it does not know", "ssl:1:privateKey={key}:dhParameters=x", "does not know dhParameters"),
    ("too many", "ssl:1:{key}:{key}:x", "does not know a fourth part"),
    ("backlog", "ssl:1:privateKey={key}:backlog=x", "invalid literal"),
]


@pytest.mark.parametrize(("text", "said"), [row[1:] for row in DESCRIPTIONS], ids=[row[0] for row in DESCRIPTIONS])
def test_a_description_that_is_wrong(folder, text, said):
    with pytest.raises(ValueError, match=said):
        endpoint(Front().clock, text.format(key=folder / "good.pem"))


@pytest.mark.parametrize("text", ["ssl:1:{key}", "ssl:1:{key}:{key}", "ssl:1:certKey={key}:privateKey={key}"])
def test_descriptions_as_twisted_reads_them(folder, text):
    assert endpoint(Front().clock, text.format(key=folder / "good.pem"))


def test_a_colon_in_a_path_is_written_with_a_backslash(folder, tmp_path):
    path = tmp_path / "a:b.pem"
    path.write_bytes((folder / "good.pem").read_bytes())
    text = str(path).replace(":", r"\:")
    assert endpoint(Front().clock, f"ssl:1:privateKey={text}")


START = [
    ("ssl:0:privateKey={folder}/gone.pem", "llmproxy: --listen ssl:0:privateKey={folder}/gone.pem: cannot read the "),
    ("ssl:0:privateKey={folder}/other.pem:certKey={folder}/good.pem", "does not belong to the certificate in {folder}"),
    ("ssl:0", "llmproxy: --listen: 'ssl:0' is not an endpoint (ssl: lacks privateKey)"),
]


@pytest.mark.parametrize(("listen", "said"), START)
def test_the_start_fails_with_one_line(folder, listen, said):
    command = [sys.executable, "-m", "proxy_daemon.cli.main", "serve", "--listen", listen.format(folder=folder)]
    ran = subprocess.run(
        [*command, "--store", "off"], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )
    assert ran.returncode == 1
    assert said.format(folder=folder) in ran.stderr
    assert ran.stderr.count("\n") == 1
