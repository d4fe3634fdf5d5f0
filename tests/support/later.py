"""What a test does beside what it waits for."""

import threading


class Later(threading.Thread):
    """Run something in the background; result() has what it returned."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.function, self.arguments = function, arguments
        self.value = self.failure = None
        self.start()

    def run(self):
        try:
            self.value = self.function(*self.arguments)
        except Exception as failure:
            self.failure = failure

    def result(self, seconds=30):
        self.join(seconds)
        assert not self.is_alive(), "no answer"
        if self.failure:
            raise self.failure
        return self.value
