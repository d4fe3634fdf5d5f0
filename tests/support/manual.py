"""The blocks of commands and files in a manual page, by the comments above
them: `run NAME`, `file PATH`, `paths of WHAT` or `not run: WHY`."""

import gzip
import pathlib
import re
import typing


class Block(typing.NamedTuple):
    mark: str
    text: str


def blocks(path):
    """Every literal block of the page; the mark of one without is empty."""
    data = pathlib.Path(path).read_bytes()
    page = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    found = re.findall(r'^(?:\.\\" ((?:(?:not )?(?:run|file)|paths)\b.*)\n)?'
                       r"\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", page, re.M)
    return [Block(mark, text.replace("\\e", "\\").replace("\\&", ""))
            for mark, text in found]


def block(path, mark):
    """The text of the one block with this mark."""
    [text] = [text for found, text in blocks(path) if found == mark]
    return text
