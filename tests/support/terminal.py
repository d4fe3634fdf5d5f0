"""A terminal: a program that runs on one, and what stands there."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading

from support.service import wait_until


def screen(text):
    """The lines that somebody sees once a terminal has had this text."""
    lines, column = [[]], 0
    for char in text:
        if char == "\n":
            lines.append([])
        elif char == "\r":
            column = 0
        else:
            lines[-1][column:column + 1] = char
            column += 1
    return ["".join(line).rstrip() for line in lines]


class Terminal:
    """A program with a terminal for its input, output and messages, as a
    shell in the foreground starts it."""

    def __init__(self, command, environment, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [str(part) for part in command], env=environment, cwd="/",
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.raw = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self.master)

    def _read(self):
        # EIO: nobody has the terminal open any more.
        with contextlib.suppress(OSError):
            while True:
                self.raw += os.read(self.master, 4096).decode()

    def wait_for(self, words, seconds=20):
        """Until the words have been written, though gone by now."""
        wait_until(lambda: words in self.raw, f"{words!r} on the terminal",
                   seconds)

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")

    def end(self, seconds=30):
        """Its exit status, and the lines that stay on the screen."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status, screen(self.raw)

    def interrupted(self):
        """The same after Ctrl-C, which ends the program."""
        self.press_ctrl_c()
        status, lines = self.end()
        assert status == -signal.SIGINT
        return lines
