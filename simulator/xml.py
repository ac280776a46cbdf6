"""XML: escaping for answers, and a small tree for the bodies that clients send.

The answers themselves are written in `operations/`.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import quote_plus
from xml.parsers.expat import ExpatError, ParserCreate

from simulator.refusals import Refusal

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile(r'[&<>"\x00-\x1f\x7f]')
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_PLAIN = re.compile(r"[A-Za-z0-9/._-]*")


def escape(text: str) -> str:
    """Return the text as XML character data; control characters become references, as S3 writes them."""
    return _SPECIAL.sub(_entity, text) if _SPECIAL.search(text) else text


def _entity(found: re.Match[str]) -> str:
    character = found.group()
    return _ENTITIES.get(character) or f"&#x{ord(character):x};"


def url_encode(text: str) -> str:
    """Encode as `encoding-type=url` does: form encoding (a space is `+`), `/` and `*` left alone."""
    return text if _PLAIN.fullmatch(text) else quote_plus(text, safe="/*")


def document(root: str, content: str) -> bytes:
    """Return a whole answer with S3's namespace on its root element."""
    return f'{PROLOGUE}<{root} xmlns="{NAMESPACE}">{content}</{root}>'.encode()


def element(name: str, value: object) -> str:
    """Return one element, or nothing for None."""
    return "" if value is None else f"<{name}>{escape(str(value))}</{name}>"


@dataclass
class Node:
    """One element of a parsed body; names are without their namespace."""

    name: str
    text: str = ""
    children: list["Node"] = field(default_factory=list)

    def find(self, name: str) -> str | None:
        """Return the text of the first child of that name."""
        return next((child.text for child in self.children if child.name == name), None)

    def all(self, name: str) -> list["Node"]:
        """Return the children of that name."""
        return [child for child in self.children if child.name == name]


def parse(body: bytes, root: str) -> Node:
    """Parse a body whose root element must be `root`.

    Raises:
        Refusal: MalformedXML.
    """
    top = Node("")
    stack = [top]
    parser = ParserCreate()

    def start(name: str, _: dict[str, str]) -> None:
        node = Node(name.rpartition(":")[2])
        stack[-1].children.append(node)
        stack.append(node)

    def text(data: str) -> None:
        stack[-1].text += data

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = text
    try:
        parser.Parse(body, True)
    except ExpatError as error:
        raise Refusal("MalformedXML") from error
    if top.children[0].name != root:
        raise Refusal("MalformedXML")
    return top.children[0]
