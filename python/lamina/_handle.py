"""Objects of the C library that Python owns."""
from ctypes import byref, c_void_p

from ._binding import call


class Handle:
    """An object of the library; its memory goes with the last reference. `keeps` is what the object borrows."""

    def __init__(self, new, free, *args, keeps=()):
        self.pointer, self._free, self._keeps = c_void_p(), free, keeps
        call(new, byref(self.pointer), *args)

    @classmethod
    def of(cls, pointer, free):
        """Takes over an object that is there."""
        handle = cls.__new__(cls)
        handle.pointer, handle._free, handle._keeps = pointer, free, ()
        return handle

    def keep(self, *objects):
        """Keep more of what it borrows."""
        self._keeps = (*self._keeps, *objects)

    def __del__(self):
        if self.pointer:
            self._free(self.pointer)
