"""What is wanted of a value and within it: a tree that `walk.py` goes through beside the text.

Invariant: what a tree wants of one element by its index holds what it wants of each. Made of edits in `edits.py`.
"""

from __future__ import annotations

from attrs import Factory, define, frozen


class Meeting(ValueError):
    """Two edits that would change the same value, or one a part of what the other changes."""


@frozen
class Leaf:
    """What happens to one value. ``edit``: the number of the edit; ``text``: what comes, None: the value goes."""

    edit: int
    text: bytes | None


@define
class Wanted:
    """What is wanted of a value: that it changes (``leaf``), or something within it."""

    leaf: Leaf | None = None
    names: dict[bytes, Wanted] = Factory(dict)
    elements: dict[int, Wanted] = Factory(dict)
    each: Wanted | None = None
    added: dict[bytes, Leaf] = Factory(dict)  # members, where they are not there
    before: dict[int, Leaf] = Factory(dict)  # elements, before that of the index
    last: list[Leaf] = Factory(list)  # elements, at the end

    def element(self, index: int) -> Wanted | None:
        """What is wanted of that element of a list."""
        return self.elements.get(index, self.each)

    @property
    def within(self) -> bool:
        """Whether anything is wanted within the value."""
        return bool(self.names or self.elements or self.each or self.before or self.last)


def merged(one: Wanted, other: Wanted) -> Wanted:
    """What both want. Raises `Meeting`."""
    nothing = Wanted()
    if nothing in (one, other):
        return other if one == nothing else one
    if one.leaf or other.leaf or one.before.keys() & other.before.keys():
        raise Meeting("two edits change the same value")
    each = _either(one.each, other.each)
    indices = one.elements.keys() | other.elements.keys()
    elements = {index: _either(one.element(index), other.element(index)) for index in indices}
    names = {name: _either(one.names.get(name), other.names.get(name)) for name in one.names | other.names}
    found = Wanted(
        None,
        {name: wanted for name, wanted in names.items() if wanted},
        {index: wanted for index, wanted in elements.items() if wanted},
        each,
        one.added | other.added,
        one.before | other.before,
        one.last + other.last,
    )
    return _without_loss(found)


def _either(one: Wanted | None, other: Wanted | None) -> Wanted | None:
    return merged(one, other) if one and other else one or other


def _without_loss(found: Wanted) -> Wanted:
    """An element that goes cannot say where another comes."""
    for index in found.before:
        element = found.element(index)
        if element and element.leaf and element.leaf.text is None:
            raise Meeting(f"an element is added where another is removed, at {index}")
    return found


def encoded(name: str) -> bytes:
    """A name as octets, half surrogate pairs included."""
    return name.encode("utf-8", "surrogatepass")
