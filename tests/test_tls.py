"""The settings of TLS that all adapters share: files that can be used, or a sentence."""

import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from dispatcher.tls import TlsSettings
from dispatcher.words.errors import SettingsError
from tests.conftest import Certificates

KEY = "-----BEGIN PRIVATE KEY-----\nhunter2"


def test_without_files_the_system_decides_whom_to_trust():
    context = TlsSettings().context()

    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert (True, ssl.CERT_REQUIRED) == (context.check_hostname, context.verify_mode)


def test_a_certificate_is_not_verified_where_that_is_said():
    context = TlsSettings(verify_certificate=False).context()

    assert (False, ssl.CERT_NONE) == (context.check_hostname, context.verify_mode)


def test_only_the_authority_that_is_named_is_trusted(certificates: Certificates):
    assert 1 == len(TlsSettings(ca_file=certificates.ca).context().get_ca_certs())


def test_a_key_lies_in_a_file_of_its_own_or_with_its_certificate(certificates: Certificates, tmp_path: Path):
    both = tmp_path / "both.pem"
    both.write_text(certificates.key.read_text() + certificates.cert.read_text())

    TlsSettings(cert_file=certificates.cert, key_file=certificates.key).context()
    TlsSettings(cert_file=both).context()


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("nowhere.pem", "there is no file nowhere.pem"),
        ("/", "there is no file /"),
        ("x" * 300, "cannot be read: File name too long"),
        (KEY, "give the path of that file"),
    ],
)
@pytest.mark.parametrize("name", ["ca_file", "cert_file", "key_file"])
def test_a_file_that_is_none_is_said_at_once(name: str, path: str, sentence: str):
    with pytest.raises(ValidationError) as refused:
        TlsSettings(**{name: path})

    assert sentence in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_we_may_not_read_is_said_at_once(certificates: Certificates, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ValidationError, match=r"ca\.pem cannot be read: Permission denied"):
        TlsSettings(ca_file=certificates.ca)


def test_a_key_needs_its_certificate(certificates: Certificates):
    with pytest.raises(ValidationError, match="key_file needs cert_file"):
        TlsSettings(key_file=certificates.key)


def test_files_with_something_else_in_them_are_said(certificates: Certificates, tmp_path: Path):
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("")
    other = tmp_path / "other.pem"
    trustme.CA().private_key_pem.write_to_path(str(other))

    for settings, sentence in (
        (TlsSettings(ca_file=nothing), r"^ca_file .*nothing\.pem cannot be used \(.+\)$"),
        (TlsSettings(ca_file=other), r"^ca_file .*other\.pem cannot be used \(.+\)$"),
        (TlsSettings(cert_file=nothing), r"^cert_file .*nothing\.pem cannot be used \(.+\)$"),
        (TlsSettings(cert_file=certificates.cert), r"^cert_file .*cert\.pem cannot be used \(.+\)$"),
        (
            TlsSettings(cert_file=certificates.cert, key_file=other),
            r"^cert_file .*cert\.pem with key_file .*other\.pem cannot be used \(KEY_VALUES_MISMATCH\)$",
        ),
    ):
        with pytest.raises(SettingsError, match=sentence):
            settings.context()


def test_a_file_that_goes_away_later_is_said(certificates: Certificates, tmp_path: Path):
    passing = tmp_path / "passing.pem"
    passing.write_bytes(certificates.ca.read_bytes())
    settings = TlsSettings(ca_file=passing)
    passing.unlink()

    with pytest.raises(SettingsError, match=r"passing\.pem cannot be used \(No such file or directory\)"):
        settings.context()


def test_a_key_with_a_passphrase_asks_nobody(certificates: Certificates, tmp_path: Path):
    key = serialization.load_pem_private_key(certificates.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )

    with pytest.raises(SettingsError, match=r"the key asks for a passphrase; store it without one"):
        TlsSettings(cert_file=certificates.cert, key_file=locked).context()
