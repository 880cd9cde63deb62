"""What the store remembers of the audit log, so that a cut end shows."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.verify import Anchors
from console.store.jobs import AuditHead, AuditSeal


def load_anchors(session: Session) -> Anchors:
    """Return the newest record and the seals that the store has seen."""
    seals = {row.day: row.seal_sha256 for row in session.scalars(select(AuditSeal))}
    head = session.get(AuditHead, 1)
    if head is None:
        return Anchors(seals=seals)
    return Anchors(head_seq=head.seq, head_line_sha256=head.line_sha256, seals=seals)
