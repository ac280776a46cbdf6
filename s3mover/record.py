"""`Record`, an immutable record for modules that define many: like a frozen dataclass, but cheap to import.

`dataclasses` generates and compiles six methods for each class, which takes 0.7 ms (Python 3.11, two cores); for the
events that was a tenth of a start.
"""

from dataclasses import FrozenInstanceError
from typing import Any, ClassVar, Never, NoReturn, dataclass_transform


@dataclass_transform(frozen_default=True)
class Record:
    """Base of immutable records. The annotated attributes of a subclass are its fields, in order, after its parent's.

    A value assigned to a field in the class is its default. Records are equal if their types and values are.
    """

    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        annotated = cls.__annotations__.items()
        fields = tuple(name for name, kind in annotated if not _is_class_variable(kind))
        cls.__match_args__ += fields  # type: ignore[misc]  # mypy knows it from class bodies only

    def __init__(self, *values: object, **named: object) -> None:
        fields = self.__match_args__
        if named or len(values) != len(fields):
            self.__dict__.update(self._bound(values, named))
        else:
            self.__dict__.update(zip(fields, values, strict=True))

    def _bound(self, values: tuple[object, ...], named: dict[str, object]) -> dict[str, object]:
        """Return the given values by name; the others keep the default of the class.

        Raises:
            TypeError: a value is missing, or is given twice or for no field.
        """
        fields = self.__match_args__
        bound = dict(zip(fields, values, strict=False)) | named
        missing = [name for name in fields if name not in bound and not hasattr(self, name)]
        if missing or len(bound) != len(values) + len(named) or not bound.keys() <= set(fields):
            raise TypeError(
                f"{type(self).__name__}({', '.join(fields)}): got {len(values)} values and {sorted(named)}"
            )
        return bound

    def __setattr__(self, name: str, value: Never) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        fields = zip(self.__match_args__, self._values(), strict=True)
        return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in fields)})"

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])


def _is_class_variable(annotation: object) -> bool:
    return annotation is ClassVar or getattr(annotation, "__origin__", None) is ClassVar
