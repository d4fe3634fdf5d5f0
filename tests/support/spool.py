"""A spool folder as a test sees it."""

import contextlib
import pathlib
import stat


class Spool:
    """A spool folder as a test sees it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def _list(self, folder):
        try:
            return sorted(entry for entry in folder.iterdir()
                          if entry.is_file())
        except FileNotFoundError:
            return []

    def files(self):
        """The whole files, oldest first."""
        return [path for path in self._list(self.path)
                if not path.name.startswith(".")]

    def everything(self):
        return self._list(self.path) + self._list(self.rejected)

    def modes(self):
        """Of all files; the receiver may rename one while we look."""
        seen = set()
        for path in self.everything():
            with contextlib.suppress(FileNotFoundError):
                seen.add(stat.S_IMODE(path.stat().st_mode))
        return seen

    @property
    def rejected(self):
        return self.path / "rejected"

    def rejects(self):
        return [path for path in self._list(self.rejected)
                if path.suffix != ".reason"
                and not path.name.startswith(".")]

    def bytes(self):
        total = 0
        for path in self._list(self.path):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def empty(self):
        return not self.files()
