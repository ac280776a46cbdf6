"""What is said where settings cannot be worked with."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from s3mover.errors import SettingsError
from s3mover.settings.load import load
from s3mover.settings.problems import nearest, shown

BUCKETS = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs"}
PART_SIZE = "a number with a unit such as 64MiB, 10MB or 5GiB, from 5MiB to 5GiB"
THREADS = "an integer, from 1 to 1000"
METHODS = "auto, server_side_copy or streaming"
A_DURATION = "a number with a unit such as 500ms, 60s, 5m, 24h or 7d, or plain 0"
GLOBS = 'globs with commas between them, or a list such as ["*.pdf", "hr/*"]'


def problems(
    environ: Mapping[str, str] | None = None,
    file: str | bytes | None = None,
    overrides: Mapping[str, object] | None = None,
) -> list[str]:
    """Return what is wrong, with both buckets named."""
    path = None
    if file is not None:
        path = Path("f.yaml")
        path.write_bytes(file if isinstance(file, bytes) else file.encode())
    try:
        load(path, BUCKETS | dict(environ or {}), overrides or {})
    except SettingsError as error:
        return list(error.problems)
    return []


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"S3MOVER_TRANSFER__PART_SIZE": "64 apples"},
            f'transfer.part_size (S3MOVER_TRANSFER__PART_SIZE): "64 apples" is not a size; expected {PART_SIZE}',
        ),
        (
            {"S3MOVER_TRANSFER__PART_SIZE": "1MiB"},
            f'transfer.part_size (S3MOVER_TRANSFER__PART_SIZE): "1MiB" is too small; expected {PART_SIZE}',
        ),
        (
            {"S3MOVER_HTTP__PORT": "70000"},
            'http.port (S3MOVER_HTTP__PORT): "70000" is too large; expected an integer, from 0 to 65535',
        ),
        (
            {"S3MOVER_TRANSFER__THREADS": "many"},
            f'transfer.threads (S3MOVER_TRANSFER__THREADS): "many" is not an integer; expected {THREADS}',
        ),
        (
            {"S3MOVER_TRANSFER__METHOD": "stream"},
            f'transfer.method (S3MOVER_TRANSFER__METHOD): "stream" is not one of the choices; expected {METHODS}',
        ),
        (
            {"S3MOVER_SWEEP__INTERVAL": "60"},
            f'sweep.interval (S3MOVER_SWEEP__INTERVAL): "60" has no unit; expected {A_DURATION}',
        ),
        (
            {"S3MOVER_TRANSFER__REQUESTS_PER_SECOND": "inf"},
            (
                'transfer.requests_per_second (S3MOVER_TRANSFER__REQUESTS_PER_SECOND): "inf" is not a finite number; '
                "expected a number"
            ),
        ),
        (
            {"SRC_REGION": "eu central"},
            'source.region (SRC_REGION): "eu central" is not a region name; expected a name such as eu-central-1',
        ),
        (
            {"SRC_PREFIX": "\udcff"},
            (
                'source.prefix (SRC_PREFIX): "\\\\udcff" is not UTF-8; '
                "expected the beginning of a key, up to 1,024 bytes of UTF-8"
            ),
        ),
        (
            {"S3MOVER_LOG__LEVL": "x"},
            '"S3MOVER_LOG__LEVL" (environment) is not a setting; did you mean S3MOVER_LOG__LEVEL?',
        ),
        (
            {"S3MOVER_SRC__BUCKET": "x"},
            '"S3MOVER_SRC__BUCKET" (environment) is not a setting; did you mean S3MOVER_SOURCE__BUCKET?',
        ),
        (
            {"S3MOVER_LOG__LEVEL_FILE": "missing"},
            "log.level (S3MOVER_LOG__LEVEL_FILE): missing cannot be read (No such file or directory)",
        ),
        (
            {"SRC_PREFIX": "a", "SRC_PREFIX_FILE": "b"},
            "source.prefix (SRC_PREFIX and SRC_PREFIX_FILE): both are set; expected one of them, so unset the other",
        ),
        (
            {"S3MOVER_CONFIG": "missing.yaml"},
            "missing.yaml: no such file; name another with --config",
        ),
    ],
)
def test_a_problem_names_setting_place_finding_and_expectation(
    environ: dict[str, str], sentence: str
) -> None:
    """One sentence per problem, and nothing else is said."""
    assert problems(environ) == [sentence]


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("sorce:\n  bucket: x\n", '"sorce" (f.yaml line 1) is not a section; did you mean source?'),
        ("threads: 3\n", '"threads" (f.yaml line 1) is not a section; did you mean transfer.threads?'),
        ("log:\n\n  levl: x\n", '"log.levl" (f.yaml line 3) is not a setting; did you mean log.level?'),
        ("qqqqqq: x\n", '"qqqqqq" (f.yaml line 1) is not a section; config.yaml shows all settings.'),
        (
            "log: {level: info}\nhttp:\nlog: {level: debug}\n",
            "log (f.yaml lines 1 and 3): is set twice; keep one",
        ),
        (
            "log:\n  level: info\n  level: info\n",
            "log.level (f.yaml lines 2 and 3): is set twice; keep one",
        ),
        ("- a\n", 'f.yaml: is not a mapping; expected sections such as "source:"'),
        ("log: info\n", "log (f.yaml line 1): is not a mapping; expected settings below it"),
        ("a: [b\n", "f.yaml line 2: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        (b"\xff", "f.yaml: is not UTF-8 text"),
        (
            "\n\nstop:\n  grace: soon\n",
            f'stop.grace (f.yaml line 4): "soon" is not a duration; expected {A_DURATION}',
        ),
        (
            "log:\n  level: [info]\n",
            "log.level (f.yaml line 2): a list is not one of the choices; expected debug, info, warning or error",
        ),
        (
            "log:\n  level: {a: b}\n",
            "log.level (f.yaml line 2): is a mapping; expected debug, info, warning or error",
        ),
        (
            "filter:\n  include: [a, '']\n",
            f"filter.include (f.yaml line 2): a list is empty; expected {GLOBS}",
        ),
    ],
)
def test_a_problem_of_the_file_names_its_line(file: str | bytes, sentence: str) -> None:
    """One sentence per problem, and nothing else is said."""
    assert problems(file=file) == [sentence]


def test_an_unknown_option_is_a_problem() -> None:
    """The command line is checked as the file is."""
    assert problems(overrides={"sweep.intervall": "1s"}) == [
        '"sweep.intervall" (command line) is not a setting; did you mean sweep.interval?'
    ]


def test_a_file_that_is_not_named_may_be_missing() -> None:
    """`./config.yaml` is read where it exists."""
    assert problems() == []


def test_a_directory_is_no_file() -> None:
    """Every failure to read is told by the system's own words."""
    assert problems({"S3MOVER_CONFIG": "."}) == [".: cannot be read (Is a directory)"]


def test_all_problems_are_said_at_once() -> None:
    """Those of the file, of the environment, of single values and between them, in this order."""
    environ = {
        "S3MOVER_A__B": "x",
        "S3MOVER_HTTP__PORT": "x",
        "S3MOVER_STOP__GRACE": "x",
        "DST_SECRET_KEY": "x",
    }
    found = problems(environ, "colour: red\nlog: {level: loud}\n", {"x.y": 1})
    starts = ["S3MOVER_A__B", "x.y", "http.port", "log.level", "stop.grace", "destination.access_key"]
    assert len(found) == 7
    assert found[0].startswith('"colour"')
    assert sorted(line.lstrip('"').split()[0].rstrip('":') for line in found[1:]) == sorted(starts)


def test_missing_buckets_are_named_with_both_their_names() -> None:
    """As the setting and as the variable of the first version."""
    with pytest.raises(SettingsError) as caught:
        load(None, {}, {})
    assert caught.value.problems == (
        "source.bucket: is not set; set source.bucket, or SRC_BUCKET in the environment",
        "destination.bucket: is not set; set destination.bucket, or DST_BUCKET in the environment",
    )


def test_a_value_that_is_not_known_is_not_complained_about_twice() -> None:
    """A bucket that was refused, misspelt, or is in a file that cannot be read is not missing as well."""
    for environ in ({"SRC_BUCKET": "x"}, {"S3MOVER_SOURCE__BUKET": "ours"}, {"SRC_BUCKET_FILE": "nowhere"}):
        with pytest.raises(SettingsError) as caught:
            load(None, {"DST_BUCKET": "theirs"} | environ, {})
        assert len(caught.value.problems) == 1, environ
    with pytest.raises(SettingsError) as caught:
        load(Path("nowhere"), {}, {})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("MYSQL_DSN", "user:hunter2@host/name"),
        ("S3MOVER_AUDIT__URL", "hunter2"),
        ("SRC_ENDPOINT_URL", "https://user:hunter2@minio"),
        ("SRC_BUCKET", "mysql://user:hunter2@host/name"),
        ("SRC_ACCESS_KEY", "AKIA hunter2"),
        ("S3MOVER_SOURCE__SECRET_KEY", "hunter2\udcff"),
    ],
)
def test_no_secret_is_repeated(variable: str, text: str) -> None:
    """Neither in the problem nor in the chain of errors behind it."""
    with pytest.raises(SettingsError) as caught:
        load(None, BUCKETS | {variable: text}, {})
    error: BaseException | None = caught.value
    while error:
        assert "hunter2" not in str(error)
        error = error.__cause__ or error.__context__


def test_a_secret_s_place_in_the_sentence_is_held_by_other_words() -> None:
    """The rest of the sentence is as for any setting."""
    [problem] = problems({"MYSQL_DSN": "hunter2"})
    assert problem.startswith(
        "audit.url (MYSQL_DSN): the value (not shown) is not a database URL; expected sqlite:///FILE"
    )


def test_an_at_sign_alone_hides_nothing() -> None:
    """Only a URL can carry credentials."""
    assert shown("a@b") == '"a@b"'
    assert shown("https://minio") == '"https://minio"'


def test_a_long_value_is_cut_and_control_characters_are_written_out() -> None:
    """A message stays on its line."""
    assert shown("a\n\x1b[31m") == '"a\\n\\u001b[31m"'
    assert len(shown("x" * 1000)) < 100


def test_the_nearest_name_is_found_by_its_last_word_too() -> None:
    """Whoever forgets the section or takes the wrong one is helped."""
    known = ["source.bucket", "destination.bucket", "transfer.threads"]
    assert nearest("threads", known) == "transfer.threads"
    assert nearest("http.thread", known) == "transfer.threads"
    assert nearest("zzz", known) == ""


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        (
            {"SRC_PREFIX": "docs/\r"},
            "source.prefix (SRC_PREFIX): ends with a carriage return, as lines of Windows files do (U+000D); remove it",
        ),
        (
            {"DST_SECRET_KEY": "hunter2\r", "DST_ACCESS_KEY": "id"},
            (
                "destination.secret_key (DST_SECRET_KEY): ends with a carriage return, as lines of Windows files do "
                "(U+000D); remove it"
            ),
        ),
        (
            {"S3MOVER_SWEEP__INTERVAL": "5m\x00"},
            "sweep.interval (S3MOVER_SWEEP__INTERVAL): ends with a control character (U+0000); remove it",
        ),
    ],
)
def test_a_control_character_at_the_end_is_named(environ: dict[str, str], sentence: str) -> None:
    """For any setting: it cannot be seen, and no prefix or name ends with one on purpose."""
    assert problems(environ) == [sentence]


def test_a_control_character_at_the_end_is_named_in_the_file_too() -> None:
    """Also in an item of a list."""
    file = 'source: {prefix: "docs/\\r"}\nfilter: {exclude: ["*.tmp", "*.bak\\t"]}\n'
    assert problems(file=file) == [
        "source.prefix (f.yaml line 1): ends with a carriage return, as lines of Windows files do (U+000D); remove it",
        "filter.exclude (f.yaml line 2): ends with a tab (U+0009); remove it",
    ]


@pytest.mark.parametrize(
    ("setting", "value", "variable"),
    [
        ("source.secret_key", "hunter2", "S3MOVER_SOURCE__SECRET_KEY"),
        ("destination.session_token", "hunter2", "S3MOVER_DESTINATION__SESSION_TOKEN"),
        ("audit.url", "mysql://user:hunter2@host/name", "S3MOVER_AUDIT__URL"),
        ("audit.url", "user:hunter2@tcp(host:3306)/name", "S3MOVER_AUDIT__URL"),
        ("audit.url", "mysql://user:p@hunter2@host/name", "S3MOVER_AUDIT__URL"),
    ],
)
def test_a_secret_on_the_command_line_is_refused(setting: str, value: str, variable: str) -> None:
    """The process list shows it; the message says where it belongs, and does not repeat it."""
    [found] = problems(overrides={setting: value})
    assert found == (
        f"{setting} (command line): is a secret, which the process list would show to every user of this machine; "
        f"set it as {variable} in the environment, or write it to a file and name that as {variable}_FILE"
    )


def test_a_secret_of_a_route_on_the_command_line_is_refused() -> None:
    """With the variable of the route."""
    file = "routes: [{name: h-r, source: {bucket: aaa}, destination: {bucket: bbb}}]"
    [found] = problems(file=file, overrides={"routes.h-r.source.secret_key": "hunter2"})
    assert "S3MOVER_ROUTES__H_R__SOURCE__SECRET_KEY_FILE" in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("audit.url", "sqlite:///s3mover.db"),
        ("audit.url", "mysql://user@host:3306/name"),
        ("audit.url", "user@tcp(host:3306)/name"),
        ("source.session_token", ""),
    ],
)
def test_what_is_no_secret_may_stand_on_the_command_line(setting: str, value: str) -> None:
    """A DSN without a password, or nothing."""
    assert problems(overrides={setting: value}) == []
