"""Reads the prices: those of the package, and over them those of `prices.file`.

The libyaml parser, where PyYAML has it, takes 10 ms for the file of the package, a tenth of the other one.
"""

from functools import cache
from pathlib import Path

import yaml

from s3mover.costs.price_file import Content, PriceFileError, merged, price_book
from s3mover.costs.prices import PriceBook
from s3mover.errors import SettingsError
from s3mover.settings.files import file_reader
from s3mover.settings.yamltext import YamlError, parse, structure

_PACKAGED = Path(__file__).parent.parent / "costs" / "prices.yaml"


def read_prices(file: str = "") -> PriceBook:
    """Return the prices of the package with those of `file` in their place.

    Raises:
        SettingsError: the file cannot be read, or is not a valid price file; with every problem.
    """
    return _book(read_price_content(file), file)


def read_price_content(file: str = "") -> Content:
    """Return the same as mappings and texts, which another process can be sent; only the file's values are checked.

    Raises:
        SettingsError: see `read_prices`.
    """
    return merged(_packaged(), _given(file)) if file else _packaged()


@cache
def _packaged() -> Content:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return structure(yaml.compose(_PACKAGED.read_text("utf-8"), Loader=loader))  # type: ignore[return-value]


def _given(file: str) -> Content:
    try:
        content = structure(parse(file_reader()(Path(file)).decode("utf-8")))
    except OSError as error:
        raise SettingsError([f"prices.file: {file} cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"prices.file: {file} is not UTF-8"]) from error
    except YamlError as error:
        raise SettingsError([f"prices.file: {file}, line {error.line}: {error}"]) from error
    _book({} if content is None else content, file)  # type: ignore[arg-type]
    return content or {}  # type: ignore[return-value]


def _book(content: Content, file: str) -> PriceBook:
    try:
        return price_book(content)
    except PriceFileError as error:
        raise SettingsError([f"prices.file: {file}: {problem}" for problem in error.problems]) from error
