"""Files that are written at the end of some work: whether they can be is known before it begins."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

import typer

_STREAMS: Final = (1, 2)
"""Descriptors of standard output and standard error."""


@dataclass(frozen=True, slots=True)
class Output:
    """A file that will be written, whole, in place of one that may be there.

    :ivar option: with which option it was asked for.
    """

    option: str
    path: Path

    @classmethod
    def ready(cls, option: str, path: Path) -> Self:
        """One that can be written; a file that is there is not touched.

        :raises typer.BadParameter: it cannot.
        """
        output = cls(option, path)
        try:
            output._try_out()
        except (OSError, ValueError) as error:  # a zero byte in the name is a ValueError
            raise typer.BadParameter(f"{option} = {path}: {cannot_be_written(error)}") from None
        return output

    def write(self, content: str | bytes) -> str | None:
        """Write it; what was there stays until the new one is complete, and its mode after that.

        :returns: why that could not be done; None if it was.
        """
        data = (
            content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        )
        try:
            if self._is_plain():
                self._replace(data)
            else:
                with self._opened() as file:
                    file.write(data)
        except OSError as error:
            return cannot_be_written(error)
        return None

    def discard(self) -> None:
        """Remove the file that is there, if it is one."""
        if self._is_plain():
            self._target.unlink(missing_ok=True)

    @property
    def _target(self) -> Path:
        """Where the path leads."""
        return Path(os.path.realpath(self.path))

    @property
    def _beside(self) -> Path:
        """Where it is written first."""
        return self._target.with_name(f".pump-sim-{os.getpid()}.part")

    def _is_plain(self) -> bool:
        """Whether it is a file, or will be one, that may be replaced by another.

        Neither a device nor a pipe is, nor a file that stands behind one, or behind a stream of
        this process: whoever opened that would be left with the old one.
        """
        if self.path.is_relative_to("/dev") or self._stream() is not None:
            return False
        return self.path.is_file() or not (self.path.exists() or self._target.is_symlink())

    def _stream(self) -> int | None:
        """The stream of this process that goes into this very file."""
        for each in _STREAMS:
            try:
                if os.path.samestat(os.fstat(each), self.path.stat()):
                    return each
            except OSError:  # nothing is there, or the stream is closed
                continue
        return None

    def _try_out(self) -> None:
        if self._is_plain():
            self._beside.open("xb").close()
            self._beside.unlink()
            if not self._target.exists():
                return
        elif self.path.is_fifo():  # which would wait for its reader
            return
        os.close(os.open(self.path, os.O_WRONLY))

    def _replace(self, data: bytes) -> None:
        target, beside = self._target, self._beside
        try:
            beside.write_bytes(data)
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)

    def _opened(self) -> BinaryIO:
        """What is no plain file; a stream goes on where it is, and is not emptied."""
        stream = self._stream()
        return self.path.open("wb") if stream is None else os.fdopen(os.dup(stream), "wb")


def outputs(wanted: Mapping[str, Path | None]) -> tuple[Output, ...]:
    """The files that are wanted, by their options.

    :raises typer.BadParameter: one cannot be written, or two are the same.
    """
    found: dict[str, Output] = {}  # by where they lead, whatever links are between
    for option, path in wanted.items():
        if path is None:
            continue
        output = Output.ready(option, path)
        other = found.setdefault(os.path.realpath(path), output)
        if other is not output:
            raise typer.BadParameter(f"{option} = {path}: that file is written by {other.option}")
    return tuple(found.values())


def cannot_be_written(error: OSError | ValueError) -> str:
    """Why something cannot be written, as everybody says it."""
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return f"it cannot be written: {why}"
