"""From the configuration to the settings.

    dispatcher.yml   in the current folder, or where DISPATCHER_CONFIG_FILE or --config says
    environment      DISPATCHER_NOTIFIERS__EMAIL__HOST=…  wins over the file
    secret files     password_file: /run/secrets/smtp     in place of any secret

All of it is checked before the first connection; what is wrong is said in sentences, and never with a value in them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from dispatcher.settings import Settings
from dispatcher.words.errors import SettingsError

FILE = "dispatcher.yml"
FILE_VARIABLE = "DISPATCHER_CONFIG_FILE"
PREFIX = "DISPATCHER_"
NESTED = "__"

_HERE = Path(__file__).resolve().parent
SHIPPED_TEMPLATES = next((path for path in (_HERE / "templates", _HERE.parent / "templates") if path.is_dir()), None)
"""In the package where that was built and installed, beside it in a checkout; nowhere where somebody left them out."""

Values = dict[str, Any]


class _Environment(Settings, BaseSettings):
    """The same tree, as pydantic-settings wants it to read the environment."""

    model_config = SettingsConfigDict(extra="ignore")


def setup(values: Mapping[str, Any] | None = None, *, file_path: str | Path | None = None) -> Settings:
    """Give the settings.

    Args:
        values: what would stand in the file; no file is read then.
        file_path: the file; without it, and without values, it is searched.

    Raises:
        SettingsError: something in it is wrong; each line of the text is one sentence.

    """
    if values is not None and file_path is not None:
        raise SettingsError("give either values or file_path, not both")
    merged = _copy(values) if values is not None else _read(_find(file_path))
    environment = _environment()
    for source in (merged, environment):  # each by itself: a variable wins over the file, however either gives a secret
        _drop_empty(source, Settings)
        _read_secrets(source, Settings, "")
    _merge(merged, environment)
    _choose_templates(merged)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentences(error))) from None


def _find(file_path: str | Path | None) -> Path | None:
    named = file_path or os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    try:
        return Path(FILE) if Path(FILE).exists() else None
    except PermissionError:  # as who became another user in a folder of his own finds it
        text = f"{FILE} cannot be looked for: you may not enter the current folder; go elsewhere, or name the file"
        raise SettingsError(text) from None


def _read(path: Path | None) -> Values:
    if path is None:
        return {}
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"the configuration {path} cannot be read: {getattr(error, 'strerror', error)}") from None
    except (yaml.YAMLError, ValueError) as error:  # the second: a date that does not exist
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise SettingsError(
            f"the configuration {path} is not YAML: {getattr(error, 'problem', 'unreadable')}{line}"
        ) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"the configuration {path} must hold sections, like 'notifiers:'")
    try:
        _settle_paths(values, path.parent)
    except RecursionError:
        raise SettingsError(f"the configuration {path} has a section that contains itself") from None
    return values


def _settle_paths(values: Values, folder: Path) -> None:
    """Take the paths in a file as relative to the folder of that file."""
    for name, value in values.items():
        if isinstance(value, dict):
            _settle_paths(value, folder)
        elif isinstance(value, str) and (name == "path" or str(name).endswith("_file")):
            values[name] = str(folder / value)


def _environment() -> Values:
    known = {name.upper() for name in Settings.model_fields}
    for name in os.environ:
        section, nested, _ = name.removeprefix(PREFIX).partition(NESTED)
        if name.startswith(PREFIX) and nested and section not in known:
            sections = ", ".join(f"{PREFIX}{one}{NESTED}…" for one in sorted(known))
            raise SettingsError(f"the environment variable {name} is unknown; known are {sections}")
    source = EnvSettingsSource(_Environment, env_prefix=PREFIX, env_nested_delimiter=NESTED)
    try:
        return dict(source())
    except UnreadableVariable as error:
        # Its text names the section; the cause would show the value.
        raise SettingsError(f"an environment variable cannot be read: {error}") from None


def _merge(values: Values, over: Mapping[str, Any]) -> None:
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(values.get(name), dict):
            _merge(values[name], value)
        else:
            values[name] = value


def _copy(values: Mapping[str, Any]) -> Values:
    return {name: _copy(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _drop_empty(values: Values, section: type[BaseModel]) -> None:
    """Take a section in which everything is commented out as one that is not there."""
    for name, field in section.model_fields.items():
        nested = _section(field)
        if nested is None:
            continue
        if name in values and values[name] is None:
            del values[name]
        elif isinstance(values.get(name), dict):
            _drop_empty(values[name], nested)


def _read_secrets(values: Values, section: type[BaseModel], place: str) -> None:
    """Put the contents of `password_file` in the place of `password`, for every secret there is."""
    for name, field in section.model_fields.items():
        value = values.get(name)
        nested = _section(field)
        if nested is not None and isinstance(value, dict):
            _read_secrets(value, nested, f"{place}{name}.")
        elif _is_secret(field) and (file := values.pop(f"{name}_file", None)) is not None:
            if value is not None:
                raise SettingsError(f"{place}{name}: give either {name} or {name}_file, not both")
            secret = _secret(f"{place}{name}_file", Path(str(file)))
            if secret:  # an empty one stands for none: so can a unit of systemd name files that need not be there
                values[name] = secret


def _secret(place: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:  # the second: no UTF-8, or a path with a NUL
        raise SettingsError(f"{place}: {file} cannot be read: {getattr(error, 'strerror', error)}") from None


def _choose_templates(values: Values) -> None:
    """Take the shipped templates where no folder is named and the current one has none."""
    service = values.setdefault("service", {})
    templates = service.setdefault("templates", {}) if isinstance(service, dict) else None
    if SHIPPED_TEMPLATES is None or not isinstance(templates, dict) or "path" in templates:
        return
    with suppress(PermissionError):  # the current folder may not be entered
        if Path("templates").is_dir():
            return
    templates["path"] = str(SHIPPED_TEMPLATES)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in getattr(field.annotation, "__args__", ())


def _sentences(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        path = [str(step) for step in detail["loc"]]
        place = ".".join(path)
        if detail["type"] == "extra_forbidden":
            yield f"{place}: there is no such setting; known are {', '.join(_known(path[:-1]))}"
        else:
            said = detail["msg"].removeprefix("Value error, ")
            yield f"{place}: {said}" if place else said


def _known(path: list[str]) -> Iterator[str]:
    """Name the keys of a section, those for secret files included."""
    section: type[BaseModel] = Settings
    for step in path:
        section = _section(section.model_fields[step]) or section
    for name, field in section.model_fields.items():
        yield name
        if _is_secret(field):
            yield f"{name}_file"
