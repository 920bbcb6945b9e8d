"""What is kept in memory, while there is room."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Kept[K: Hashable, V]:
    """At most `room` bytes of values; the one that was not asked for longest makes place. For any thread."""

    room: int
    _values: OrderedDict[K, tuple[V, int]] = field(default_factory=OrderedDict[K, tuple[V, int]])
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: K) -> V | None:
        """The value, null when there is none any more."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of so many bytes in place of the former one."""
        with self._lock:
            self._remove(key)
            self._values[key] = (value, size)
            self._bytes += size
            while self._bytes > self.room:
                self._remove(next(iter(self._values)))

    def pop(self, key: K) -> V | None:
        """The value, which is kept no more."""
        with self._lock:
            return self._remove(key)

    def _remove(self, key: K) -> V | None:
        value, size = self._values.pop(key, (None, 0))
        self._bytes -= size
        return value
