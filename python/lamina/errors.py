"""Exceptions: one class for each status of lamina.h, all of them lamina.Error, with the library's message.

Where Python has an exception of that meaning the class is one of those, too: `except ValueError` catches a ShapeError.
"""


__all__ = ["Error", "OutOfMemoryError", "ArgumentError", "ShapeError", "NotationError", "OptionError", "ReadError",
           "FormatError", "VersionError", "WriteError", "BusyError", "DeviceError", "DivergedError", "CheckError",
           "DtypeError"]


class Error(Exception):
    """What is wrong, in one line (a NotationError has three: message, text, caret)."""


class OutOfMemoryError(Error, MemoryError):
    """Out of memory."""


class ArgumentError(Error, ValueError):
    """An argument is not one that the function takes."""


class ShapeError(Error, ValueError):
    """Shapes do not fit."""


class NotationError(Error, ValueError):
    """A mistake in the notation of a network; the message shows the place."""


class OptionError(Error, ValueError):
    """An unknown option, or a value that it does not take; the message has the nearest name."""


class ReadError(Error, OSError):
    """An input is missing or cannot be read."""


class FormatError(Error, ValueError):
    """A damaged or foreign file, or a label or target that is out of range."""


class VersionError(FormatError):
    """A file that a newer version wrote."""


class WriteError(Error, OSError):
    """An output cannot be written."""


class BusyError(Error, RuntimeError):
    """In use: by another thread, or by another process (a run folder)."""


class DeviceError(Error, NotImplementedError):
    """A device that this build or this machine does not have, or an array that lies on one."""


class DivergedError(Error, ArithmeticError):
    """The loss is not finite; the message names step and layer."""


class CheckError(Error):
    """A gradient check failed."""


class DtypeError(Error, TypeError):
    """An array of a type that the argument does not take. Raised by this package, not by the library."""


BY_STATUS = {
    -1: OutOfMemoryError,
    -2: ArgumentError,
    -3: ShapeError,
    -4: NotationError,
    -5: OptionError,
    -6: ReadError,
    -7: FormatError,
    -8: VersionError,
    -9: WriteError,
    -10: BusyError,
    -11: DeviceError,
    -12: DivergedError,
    -13: CheckError,
}
