"""A strict double of Microsoft's side, on loopback and over real TLS.

The identity platform's token endpoint, and Graph's subscriptions, call
records and logs of phone calls. It answers as they are documented to answer,
makes trouble where a test asks for it, and writes down whatever a well-behaved
client would not have done.

    with GraphDouble(folder) as double:
        double.register(tenant_id, client_id, secret="…")
        double.fail("create", lost=True)
        ...
        assert double.violations == []
"""

from .double import GraphDouble
from .front import Refusal, Route
from .tls import SecureSite

__all__ = ["GraphDouble", "Refusal", "Route", "SecureSite"]
