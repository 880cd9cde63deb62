"""What every action on accounts needs: the store, the audit log, the time, and where the request came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from console.audit.log import AuditLog


@dataclass(frozen=True)
class Access:
    """One request (or command) that deals with accounts.  Whoever made it commits ``session``."""

    session: Session
    audit: AuditLog
    now: datetime
    address: str = "-"  # the client's network address

    def record(self, actor: str, action: str, target: str, result: str = "success", **detail: Any) -> None:  # noqa: ANN401 — values of the audit log
        """Write an audit record with the client's address; raises ``AuditError``."""
        values: Mapping[str, Any] = {"address": self.address, **detail}
        self.audit.append(actor=actor, action=action, target=target, result=result, detail=values)
