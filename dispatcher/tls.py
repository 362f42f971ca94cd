"""The settings of TLS, and what the connections of an adapter make of them.

It reads files, so it is none of the words. Adapters that must not know each other need it, so it lies below them all:
the same names mean the same for each of them.
"""

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dispatcher.words.errors import SettingsError
from dispatcher.words.sections import Section


def _readable(path: Path) -> Path:
    if "-----BEGIN" in str(path):  # may be a key: not to be shown
        raise ValueError("holds what belongs into a file; give the path of that file")
    try:
        if not path.is_file():
            raise ValueError(f"there is no file {path}")
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return path


TlsFile = Annotated[Path, AfterValidator(_readable)]
"""A file that can be read now; what is in it is looked at when the connections are made."""


class TlsSettings(Section):
    """A section that has certificates in it. Where it is the first of several bases, its settings come last."""

    verify_certificate: bool = Field(
        default=True, description="Whether the server must show a certificate for its name that is trusted here."
    )
    ca_file: TlsFile | None = Field(None, description="Certificates to trust instead of the system's, PEM.")
    cert_file: TlsFile | None = Field(None, description="Certificate to show to the server, PEM.")
    key_file: TlsFile | None = Field(None, description="Its key, where it is not in the same file, PEM.")

    @model_validator(mode="after")
    def _a_key_has_its_certificate(self) -> Self:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("key_file needs cert_file, the certificate that the key belongs to")
        return self

    def refuse_files(self, why: str) -> None:
        """Refuse certificates where there is no TLS: whoever names them believes that there is.

        Raises:
            ValueError: there are some; the text says why they have no use, and what would give them one.

        """
        if self.ca_file is not None or self.cert_file is not None:
            raise ValueError(f"ca_file and cert_file have no use {why}")

    def context(self) -> ssl.SSLContext:
        """Make what connections use: TLS 1.2 at least. The files are read each time, so that they may be renewed.

        Raises:
            SettingsError: a file has not in it what it should.

        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise SettingsError(f"ca_file {self.ca_file} cannot be used ({_words(error)})") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file is not None:
            self._show_own(context, self.cert_file)
        return context

    def _show_own(self, context: ssl.SSLContext, cert_file: Path) -> None:
        files = f"cert_file {cert_file}" + (f" with key_file {self.key_file}" if self.key_file else "")
        try:
            context.load_cert_chain(cert_file, self.key_file, _no_passphrase)
        except (OSError, ValueError) as error:
            raise SettingsError(f"{files} cannot be used ({_words(error)})") from None


def _no_passphrase() -> str:
    """Stand in the way of the library's own question, which a daemon would wait at for ever."""
    raise ValueError("the key asks for a passphrase; store it without one")


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is not what it should be"
    return getattr(error, "strerror", None) or str(error)
