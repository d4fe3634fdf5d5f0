"""Throttling: requests in a sliding window (Graph documentation: throttling
limits, sections of change notifications and of call records)."""

import collections
import dataclasses
import math
import threading
import time


@dataclasses.dataclass
class Limit:
    """So many requests in `seconds`: of one app in all tenants, in one, and
    there for each call record or collection. None: without limit."""

    seconds: float
    app: int
    app_in_tenant: int
    each: int = None


class Limits:
    """Settable, `double.limits["list"].app_in_tenant = 3`."""

    def __init__(self):
        self.table = {
            "write": Limit(20, 2000, 500),
            "read": Limit(20, 2000, 500),
            "list": Limit(20, 40, 25),
            "reauthorize": Limit(20, 4000, 1000),
            "record": Limit(20, 15000, 1500, 40),
            "records": Limit(20, None, 40),
            "pstn": Limit(60, None, 200, 50),
        }
        self._windows = collections.defaultdict(collections.deque)
        self._lock = threading.Lock()

    def __getitem__(self, category):
        return self.table[category]

    def lift(self, *categories):
        """These count no more."""
        for category in categories:
            del self.table[category]

    def spend(self, category, tenant_id, client_id, part=""):
        """Counts one request; seconds to wait if it was one too many."""
        limit = self.table.get(category)
        if limit is None:
            return 0
        now = time.monotonic()
        with self._lock:
            waits = [
                self._enter((category, client_id), limit.app,
                            limit.seconds, now),
                self._enter((category, client_id, tenant_id),
                            limit.app_in_tenant, limit.seconds, now),
                self._enter((category, client_id, tenant_id, part),
                            limit.each, limit.seconds, now)]
        return max(waits)

    def _enter(self, key, most, seconds, now):
        if most is None:
            return 0
        window = self._windows[key]
        while window and window[0] <= now - seconds:
            window.popleft()
        if len(window) >= most:
            return max(1, math.ceil(window[0] + seconds - now))
        window.append(now)
        return 0
