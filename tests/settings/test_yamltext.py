"""The door to YAML."""

import pytest

from s3mover.settings.yamltext import YamlError, entries, parse, plain, read_list


def value_of(text: str) -> object:
    """Return the value of the one key `a` in `text`."""
    found = entries(parse(text))
    assert found is not None
    return plain(found[0].node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 0123", "0123"),
        ("a: no", "no"),
        ("a: 2024-13-45", "2024-13-45"),
        ("a: 1:30", "1:30"),
        ("a: 1e3", "1e3"),
        ("a: 'x'", "x"),
        ("a: ''", ""),
        ("a:", None),
        ("a: ~", None),
        ("a: null", None),
        ("a: [1, 'b']", ("1", "b")),
        ("a: []", ()),
    ],
)
def test_a_scalar_stays_the_text_that_it_is(text: str, value: object) -> None:
    """YAML's guesses (octal, booleans, dates, sixties) are not made, and nothing is None."""
    assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    ["a: !!python/object/apply:os.getcwd []", "a: !!python/name:os.system", "a: !secret x", "a: [!x y]"],
)
def test_a_tag_that_is_not_plain_is_refused(text: str) -> None:
    """No object is ever made from a settings file."""
    with pytest.raises(YamlError, match="tag"):
        value_of(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\nb: \x07\n", 2),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: {b: 1}\n", 1),
    ],
)
def test_an_error_names_its_line(text: str, line: int) -> None:
    """Lines count from 1, as editors count them."""
    with pytest.raises(YamlError) as caught:
        value_of(text)
    assert caught.value.line == line


def test_an_error_quotes_nothing_that_could_be_secret() -> None:
    """YAML's own message repeats the name of an unknown alias, which may be a password that begins with `*`."""
    with pytest.raises(YamlError) as caught:
        parse("a: *hunter2")
    assert "hunter2" not in str(caught.value)


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    """The composer calls itself for each level."""
    with pytest.raises(YamlError, match="deep"):
        parse("[\n" * 5_000)


def bomb(levels: int) -> str:
    """Return a document whose last line stands for ten to the power of `levels` texts."""
    lines = ["l0: &l0 text"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels + 1)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [bomb(30), "a: &a [*a]", "a: &a {b: *a}"])
def test_aliases_that_multiply_are_refused(text: str) -> None:
    """Before anything follows them."""
    with pytest.raises(YamlError, match="too long"):
        parse(text)


def test_aliases_may_be_used() -> None:
    """Routes can share what is equal."""
    assert parse(bomb(3)) is not None


def test_only_a_mapping_has_entries() -> None:
    """An empty document has none; a list or a text is something else."""
    assert entries(parse("")) == []
    assert entries(parse("# nothing\n")) == []
    assert entries(parse("[a]")) is None
    assert entries(parse("a")) is None


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("*.pdf, hr/*", ("*.pdf", "hr/*")),
        ("*.pdf,", ("*.pdf",)),
        ("a b", ("a b",)),
        ('["a,b", "[c]*"]', ("a,b", "[c]*")),
        ("[a, b]", ("a", "b")),
        ("", ()),
    ],
)
def test_a_list_in_text_has_commas_or_brackets(text: str, items: tuple[str, ...]) -> None:
    """Brackets are for items that hold a comma or begin with a bracket."""
    assert read_list(text) == items


@pytest.mark.parametrize("text", ["[ab]*", "['a'", "[[a]]", "[{a: b}]"])
def test_a_bracket_that_opens_no_list_is_refused(text: str) -> None:
    """A glob such as `[ab]*` is not guessed at: an exclusion read wrongly would move what must stay."""
    with pytest.raises(ValueError, match="begins with a bracket"):
        read_list(text)
