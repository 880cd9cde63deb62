"""审计: the audit log day by day, its verification, and how to check it without this console."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock

from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from console.anchors import load_anchors
from console.audit.files import AuditFiles
from console.audit.record import Record, parse
from console.audit.verify import Anchors, Question, Report, verify
from console.i18n import N_
from console.store.models import Role
from console.web.context import audit, now, store
from console.web.visitor import Visitor

blueprint = Blueprint("audit", __name__, url_prefix="/audit")
LISTED = 200
READERS = (Role.ADMINISTRATOR, Role.SECURITY, Role.AUDITOR)
# Past this age the page says that the check is old; checking again is one press of a button.
FRESH = timedelta(hours=24)
VERIFIED = "xinglin-audit-report"
FINDINGS = {Question.INTACT: N_("Altered"), Question.COMPLETE: N_("Missing")}


@dataclass(frozen=True)
class Checked:
    """A verification of the whole log and when it was made."""

    at: datetime
    report: Report

    @property
    def intact(self) -> bool:
        """Return whether nothing was altered."""
        return self.report.holds(Question.INTACT)

    @property
    def complete(self) -> bool:
        """Return whether nothing is missing."""
        return self.report.holds(Question.COMPLETE)


class LastCheck:
    """The newest verification of this process.  One runs at a time."""

    def __init__(self) -> None:
        self.newest: Checked | None = None
        self._lock = Lock()

    def run(self, files: AuditFiles, moment: datetime, anchors: Anchors) -> Checked:
        """Verify the whole log now."""
        with self._lock:
            self.newest = Checked(moment, verify(files, moment, anchors))
            return self.newest


def install(app: Flask) -> None:
    """Give the app its place for the newest verification."""
    app.extensions[VERIFIED] = LastCheck()


def last_check() -> LastCheck:
    """Return the running app's newest verification."""
    found: LastCheck = current_app.extensions[VERIFIED]
    return found


@blueprint.before_request
def only_readers() -> None:
    """Keep the audit log from accounts whose role has nothing to do with it."""
    if not may_read(current_user):
        abort(403)


def may_read(visitor: Visitor) -> bool:
    """Return whether a visitor's role may see the audit log."""
    return visitor.is_authenticated and visitor.role in READERS


def day_records(files: AuditFiles, day: date) -> list[Record]:
    """Return the records of one day, newest first."""
    try:
        lines = files.log(day).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [record for line in reversed(lines) if (record := parse(line)) is not None]


@blueprint.get("/")
def show() -> str:
    """Show one day of the log, by default the newest, with the state of the whole."""
    files = audit().files
    days, sealed = files.log_days(), set(files.seal_days())
    wanted = request.args.get("day", "")
    chosen = next((day for day in days if day.isoformat() == wanted), days[-1] if days else now().date())
    records = day_records(files, chosen)
    before = request.args.get("before", type=int)
    older = [record for record in records if before is None or record.seq < before]
    return render_template(
        "audit.html",
        days=list(reversed(days)),
        sealed=sealed,
        chosen=chosen,
        records=older[:LISTED],
        more=older[LISTED - 1].seq if len(older) > LISTED else None,
        checked=last_check().newest,
        fresh=FRESH,
        newest_seal=max(sealed, default=None),
        root=files.root,
        findings=FINDINGS,
    )


@blueprint.post("/verify")
def check() -> AnyResponse:
    """Verify the whole log now, against the seals that the store remembers."""
    done = last_check().run(audit().files, now(), load_anchors(store()))
    result = "success" if done.intact and done.complete else "failure"
    detail = {"records": done.report.records, "sealed_days": done.report.sealed_days}
    audit().append(
        actor=current_user.username, action="audit.verified", target="audit log", result=result, detail=detail
    )
    return redirect(url_for("audit.show"))


@blueprint.get("/files/<name>")
def export(name: str) -> Response:
    """Give out one file of the log as it is: a day, its seal, its signature, or the public key."""
    files = audit().files
    offered = {files.public_key.name: files.public_key}
    for day in {*files.log_days(), *files.seal_days()}:
        offered |= {path.name: path for path in (files.log(day), files.seal(day), files.signature(day))}
    if name not in offered or not offered[name].is_file():
        abort(404)
    audit().append(actor=current_user.username, action="audit.exported", target=name)
    answer = Response(offered[name].read_bytes(), mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
