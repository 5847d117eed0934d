"""The admin token's file: where it is looked for, and which files are refused, in one line without their content."""

import os
from hashlib import sha256

import pytest

from proxy_daemon.settings import Settings, SettingsError
from proxy_daemon.settings.secrets import admin_token

WORD = "a-word-of-the-admin"
DIGEST = sha256(WORD.encode()).digest()


@pytest.fixture
def secret(tmp_path):
    """`secret(text, mode, name)` writes a file and gives its path."""

    def write(text=WORD + "\n", mode=0o600, name="secret"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    return write


def read(path="", **environ):
    return admin_token(Settings(admin_token_file=str(path)), environ)


def test_without_a_file_there_is_none(tmp_path):
    assert [read(), read(CREDENTIALS_DIRECTORY=""), read(CREDENTIALS_DIRECTORY=str(tmp_path))] == [b""] * 3


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_private_file_is_read(secret, mode):
    assert read(secret(mode=mode)) == DIGEST


def test_a_file_below_home(secret, tmp_path, monkeypatch):
    secret()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read("~/secret") == DIGEST


@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_what_the_service_manager_hands_over_is_read(secret, tmp_path, mode):
    """Its user is let in by an access list there, which the bits of the group stand for."""
    path = secret(name="admin-token", mode=mode)
    assert read(CREDENTIALS_DIRECTORY=str(tmp_path)) == read(path, CREDENTIALS_DIRECTORY=str(tmp_path)) == DIGEST


def test_the_option_rules_over_the_service_manager(secret, tmp_path):
    secret(name="admin-token")
    other = secret("another-word-of-the-admin", name="other")
    assert read(other, CREDENTIALS_DIRECTORY=str(tmp_path)) == sha256(b"another-word-of-the-admin").digest()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_a_file_that_others_can_read_is_refused(secret, mode):
    with pytest.raises(SettingsError, match=r"can be read by others than its owner: chmod 600 \S+/secret$"):
        read(secret(mode=mode))


def test_the_group_is_let_in_to_credentials_only(secret, tmp_path):
    with pytest.raises(SettingsError, match="can be read by others"):
        read(secret(mode=0o440), CREDENTIALS_DIRECTORY=str(tmp_path / "elsewhere"))


@pytest.mark.parametrize("mode", [0o444, 0o604])
def test_a_credential_that_all_can_read_is_refused(secret, tmp_path, mode):
    secret(name="admin-token", mode=mode)
    with pytest.raises(SettingsError, match="can be read by others"):
        read(CREDENTIALS_DIRECTORY=str(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "\n", "short-secret", "two words of a secret", b"\xff\xfe" * 20, "x" * 5000, WORD + " " * 2048]
)
def test_a_file_without_a_token_is_refused_and_not_quoted(secret, text):
    path = secret(text)
    with pytest.raises(SettingsError) as error:
        read(path)
    assert str(error.value) == f"the admin token's file {path} must hold one word of 16 to 512 ASCII characters"


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory"):
        read(tmp_path / "gone")


def test_what_is_no_file_is_refused_at_once(tmp_path):
    """A pipe that nobody writes to would hold up the start for ever."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SettingsError, match="pipe is no file"):
        read(tmp_path / "pipe")
