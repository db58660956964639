"""A value worked out when it is first asked for, as `functools.cached_property` is from Python 3.12 on: without a lock.

The lock of 3.11 costs more than most of what is worked out here. What it guards against, that two threads work out the
same, does no harm.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801  used as a decorator, like property
    """Decorates a method without arguments; its value replaces it in the instance."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = instance.__dict__[self._name] = self._make(instance)
        return value
