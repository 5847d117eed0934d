"""An attribute that is computed when it is first read: `functools.cached_property` without its lock.

Python 3.11's takes a lock each time, which costs more than most of what is computed here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class lazy(Generic[Value]):  # noqa: N801  (used as a decorator, as property is)
    """Decorates a method without arguments of a class without slots. The value is kept in the instance."""

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> lazy[Value]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Any:
        """Compute and keep it; from then on the instance's own entry is found first."""
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._function(instance)
        return value
