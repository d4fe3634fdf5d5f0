"""nginx, a receiver and a database: the whole way of a notification."""

import contextlib

from support.nginx import Nginx
from support.notification import JSON_TYPE, collection
from support.receiver import Receiver


class Site:
    """nginx, a receiver and a database: the whole way of a notification."""

    def __init__(self, folder, database, *settings, port=None):
        self.database = database
        self.receiver = Receiver(folder, database.environment(), *settings)
        self.nginx = Nginx(folder, self.receiver.path, port)
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.receiver)
            stack.enter_context(self.nginx)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *failure):
        return self._stack.__exit__(*failure)

    def post(self, body, target="/callhook", **headers):
        return self.nginx.request("POST", target, body,
                                  {**JSON_TYPE, **headers})

    def send(self, *items):
        """The items as one notification, and the answer."""
        return self.post(collection(*items))

    def subscribe(self, **details):
        return self.database.subscribe(**details)

    def rows(self, subscription=None):
        return self.database.rows(subscription)
