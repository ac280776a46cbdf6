"""The adapter of YAML: parses a settings file into mappings with line numbers, and lists out of text.

Every scalar is kept as the text it was written as, because settings read text themselves: so a bucket called `123`,
a region called `no` or a prefix called `2024-01-01` stay what they are. Only safe YAML is
taken: plain tags, no objects.
"""

import re
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "value")
)
# The only messages of the YAML parser that repeat a name, which may be a secret that begins with `*` or `!`.
_TELLTALE = re.compile(r"(found (?:undefined|duplicate) [a-z ]+) .*", re.DOTALL)

# Far more than a document without aliases has: those are bounded as files.
_MAX_SIZE = 1_000_000
_WITHOUT_END = _MAX_SIZE + 1

Plain = str | tuple[str, ...] | None
Structure = str | tuple["Structure", ...] | dict[str, "Structure"] | None


class YamlError(ValueError):
    """Text that is not YAML, or not the YAML that settings are written in; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping: its value is still a node, because it may be a mapping itself."""

    key: str
    line: int
    node: Node


def parse(text: str) -> Node | None:
    """Return the root of the one document in `text`, or None where it is empty.

    Raises:
        YamlError: not valid YAML, or more than one document, or too much once its aliases are followed.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = _TELLTALE.sub(r"\1", error.problem or "it cannot be read")
        raise YamlError(f"not valid YAML: {problem}", mark.line + 1 if mark else 1) from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError("not valid YAML: it contains a control character", line) from error
    except RecursionError as error:
        raise YamlError("nested too deeply", 1) from error
    if root is not None:
        _require_bounded(root)
    return root


def _require_bounded(root: Node) -> None:
    """Raise YamlError if the document, with a copy in place of each alias, is too long: aliases of aliases multiply."""
    sizes: dict[Node, int] = {}

    def size(node: Node) -> int:
        """Return the characters and nodes of a node; each node is counted once, however many aliases it has."""
        if node not in sizes:
            sizes[node] = _WITHOUT_END  # what an alias within itself finds
            sizes[node] = 1 + (
                len(node.value) if isinstance(node, ScalarNode) else sum(map(size, _children(node)))
            )
        return sizes[node]

    if size(root) > _MAX_SIZE:
        raise YamlError(f"too long: its aliases stand for more than {_MAX_SIZE} characters", 1)


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value)


def entries(node: Node | None) -> list[Entry] | None:
    """Return the entries of a mapping, an empty one for nothing at all, and None for anything else."""
    if node is None or _is_nothing(node):
        return []
    if not isinstance(node, MappingNode):
        return None
    return [Entry(_key(key), key.start_mark.line + 1, value) for key, value in node.value]


def items(node: Node | None) -> list[tuple[int, Node]] | None:
    """Return the items of a list with their lines, none for nothing at all, and None for anything else."""
    if node is None or _is_nothing(node):
        return []
    if not isinstance(node, SequenceNode):
        return None
    return [(item.start_mark.line + 1, item) for item in node.value]


def plain(node: Node | None) -> Plain:
    """Return a scalar's text, a list's texts, or None for nothing.

    Raises:
        YamlError: a mapping, a list in a list, or a tag that is not plain YAML's.
    """
    if node is None or _is_nothing(node):
        return None
    if isinstance(node, SequenceNode) and node.tag in _PLAIN_TAGS:
        return tuple(_scalar(item) for item in node.value)
    return _scalar(node)


def structure(node: Node | None) -> Structure:
    """Return mappings and lists, one in the other, with texts at their ends.

    Raises:
        YamlError: a tag that is not plain YAML's, or a duplicate key.
    """
    if node is None or _is_nothing(node):
        return None
    if isinstance(node, MappingNode) and node.tag in _PLAIN_TAGS:
        found = {_key(key): structure(value) for key, value in node.value}
        if len(found) < len(node.value):
            raise YamlError("has a duplicate key", node.start_mark.line + 1)
        return found
    if isinstance(node, SequenceNode) and node.tag in _PLAIN_TAGS:
        return tuple(structure(item) for item in node.value)
    return _scalar(node)


def read_list(text: str) -> tuple[str, ...]:
    """Return the items of `a, b` or of a flow list `["a", "b"]`.

    Raises:
        ValueError: the text begins with a bracket and is not a flow list.
    """
    if not text.lstrip().startswith("["):
        return tuple(item.strip() for item in text.split(",") if item.strip())
    try:
        items = plain(parse(text))
    except YamlError as error:
        raise ValueError("begins with a bracket but is not a list") from error
    if not isinstance(items, tuple):
        raise ValueError("begins with a bracket but is not a list")  # noqa: TRY004
    return items


def _key(node: Node) -> str:
    return str(node.value) if isinstance(node, ScalarNode) else "(no text)"


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _scalar(node: Node) -> str:
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN_TAGS:
        raise YamlError("has an unsupported YAML tag", line)
    if isinstance(node, MappingNode):
        raise YamlError("is a mapping", line)
    if isinstance(node, SequenceNode):
        raise YamlError("is a list within a list", line)
    return str(node.value)
