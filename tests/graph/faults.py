"""Trouble on demand, queued for an endpoint and, if wanted, one tenant."""

import collections
import dataclasses
import json
import threading

from support.notification import ABSENT

from .web import Answer


@dataclasses.dataclass
class Fault:
    """What goes wrong, in any combination that makes sense.

    Without status, redirect or close the endpoint does its work, and only
    the answer suffers."""

    status: int = None          # answered instead of doing the work
    worked: bool = False        # with status: but the work is done
    code: str = None            # in the error's body
    codes: tuple = ()           # error_codes of the identity platform
    message: str = "made to fail"
    retry_after: object = None  # seconds, or a date as text
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = None          # instead of the one there would be
    content_type: str = None
    malformed: bool = False     # no JSON
    padding: int = 0            # that many further bytes of white space
    delay: float = 0            # seconds before the answer
    drip: float = 0             # seconds for the body
    cut: bool = False           # closed amid the body
    close: bool = False         # closed without doing anything
    lost: bool = False          # the work is done, then closed
    redirect: bool = False      # 302 (or status) to the other host
    elsewhere: bool = False     # list: @odata.nextLink to the other host
    hide: object = None         # list: without these ids; True: with none
    unchanged: bool = False     # patch: 200, but nothing was done
    roles: tuple = None         # token: with these roles
    expires_in: object = None   # token: any value, or servers.ABSENT
    skip: bool = False          # handshake: taken for passed
    edit: object = None         # a function that changes the JSON answer
    used: int = 0               # how often it has struck

    @property
    def works(self):
        """Whether the endpoint does its work."""
        if self.worked or self.lost:
            return True
        return not (self.status or self.redirect or self.close)

    def spoil(self, answer, error, other_url, target):
        """The answer as it goes out. error: makes one of the endpoint's."""
        if self.close or self.lost:
            return Answer(drop=True, delay=self.delay)
        if self.redirect:
            answer = Answer(self.status or 302,
                            headers={"Location": other_url + target})
        elif self.status:
            answer = error(self.status, self.code, self.message, self.codes)
        elif answer.status in (200, 201):
            answer.body = self._changed(answer.body, other_url)
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(self.retry_after)
        if self.body is not None:
            answer.body = self.body
        if self.malformed:
            answer.body = answer.body[:-1] + b',"":}'
        answer.body += b" " * self.padding
        if self.content_type:
            answer.headers["Content-Type"] = self.content_type
        answer.headers.update(self.headers)
        answer.delay, answer.drip = self.delay, self.drip
        answer.cut = self.cut
        return answer

    def _changed(self, body, other_url):
        content = json.loads(body)
        if self.elsewhere:
            content["@odata.nextLink"] = f"{other_url}/v1.0/subscriptions"
        if self.hide is not None:
            content["value"] = [
                entry for entry in content["value"]
                if self.hide is not True and entry["id"] not in self.hide]
        if self.expires_in is ABSENT:
            content.pop("expires_in")
        elif self.expires_in is not None:
            content["expires_in"] = self.expires_in
        if self.edit:
            self.edit(content)
        return json.dumps(content).encode()


class Faults:
    """The queues: for each request the oldest fault that fits."""

    def __init__(self):
        self._queues = collections.defaultdict(list)
        self._lock = threading.Lock()

    def add(self, endpoint, fault, tenant_id, times, after):
        """times: None is for ever. after: so many go well before."""
        with self._lock:
            self._queues[endpoint].append([fault, tenant_id, times, after])
        return fault

    def clear(self, endpoint=None):
        with self._lock:
            if endpoint is None:
                self._queues.clear()
            else:
                self._queues.pop(endpoint, None)

    def take(self, endpoint, tenant_id):
        with self._lock:
            queue = self._queues.get(endpoint, ())
            for entry in queue:
                fault, wanted, times, after = entry
                if wanted not in (None, tenant_id):
                    continue
                if after:
                    entry[3] -= 1
                    return None
                if times is not None:
                    entry[2] -= 1
                    if entry[2] == 0:
                        queue.remove(entry)
                fault.used += 1
                return fault
        return None
