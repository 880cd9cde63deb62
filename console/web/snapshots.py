"""备份快照: the sealed sets of a host, what is in them, and one file of them for who needs it back."""

import logging
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, abort, current_app, render_template, request
from flask_login import current_user

from backup.browse.client import BrowseClient
from backup.browse.protocol import Listed
from backup.causes import explain
from backup.errors import BackupError
from console.audit.log import AuditError, AuditLog
from console.config import ConsoleConfig
from console.i18n import N_
from console.store.models import Role
from console.web.attachment import disposition
from console.web.browsing import Browsing, Opened
from console.web.context import _, audit, config, store
from console.web.sets import Reports, SealedSet, sealed_sets

logger = logging.getLogger(__name__)
blueprint = Blueprint("snapshots", __name__, url_prefix="/backups/snapshots")
BROWSING = "xinglin-browsing"
# Everybody may see which backups there are; their content is for those who work with it, and leaves by one role only.
BROWSERS = (Role.ADMINISTRATOR, Role.OPERATOR)
DOWNLOADERS = (Role.ADMINISTRATOR,)
LISTED = 400
REASON = (4, 300)
KINDS = {"symlink": N_("Link"), "dir": N_("Directory"), "file": N_("File")}
STATUS = {"not_in_snapshot": 404, "snapshot_gone": 404, "browse_refused": 404}


@dataclass(frozen=True)
class Inside:
    """A place inside a set: the snapshot of the set, or of one of its parts."""

    host: str
    sealed: SealedSet
    snapshot: Listed

    @property
    def is_dump(self) -> bool:
        """Return whether this is a part of its own, such as a database's dump."""
        return self.snapshot.id != self.sealed.id


def install(app: Flask, settings: ConsoleConfig) -> None:
    """Give the app its way to the browse service."""
    app.extensions[BROWSING] = Browsing(BrowseClient(settings.browse_socket))


def browsing() -> Browsing:
    """Return the running app's way to the browse service."""
    found: Browsing = current_app.extensions[BROWSING]
    return found


def _is_one_of(roles: tuple[Role, ...]) -> bool:
    return current_user.role in roles


def _sets(host: str) -> list[SealedSet]:
    if host not in {item.name for item in config().hosts}:
        abort(404)
    return sealed_sets(browsing().snapshots(host))


def _inside(host: str, snapshot: str) -> Inside:
    """Return the place of a snapshot; only what belongs to a sealed set can be looked into."""
    for sealed in _sets(host):
        for member in (sealed.sealing, *sealed.parts):
            if member.id == snapshot:
                return Inside(host, sealed, member)
    raise BackupError("snapshot_gone", f"{host}: {snapshot[:12]}", "no sealed backup has this snapshot")


def crumbs(path: str) -> list[tuple[str, str]]:
    """Return (name, path) of each directory on the way to ``path``, without the root."""
    names = path.strip("/").split("/") if path.strip("/") else []
    return [(name, "/" + "/".join(names[: index + 1])) for index, name in enumerate(names)]


@blueprint.errorhandler(BackupError)
def explained(error: BackupError) -> tuple[str, int]:
    """Tell what is wrong and what to do."""
    code = error.cause.code
    return render_template("snapshot_problem.html", cause=explain(error.cause, _)), STATUS.get(code, 503)


@blueprint.get("/<host>/")
def show(host: str) -> str:
    """List the sealed sets of a host, newest first, of one policy or of all."""
    every = _sets(host)
    policies = sorted({item.policy for item in every})
    chosen = request.args.get("policy")
    wanted = [item for item in every if chosen not in policies or item.policy == chosen]
    reports = Reports(store(), host)
    return render_template(
        "snapshots.html",
        host=host,
        sets=[(item, reports.of(item)) for item in wanted[:LISTED]],
        policies=policies,
        chosen=chosen if chosen in policies else None,
        may_browse=_is_one_of(BROWSERS),
    )


@blueprint.get("/<host>/<snapshot>/")
def browse(host: str, snapshot: str) -> str:
    """Show what a set holds, or one directory of it."""
    if not _is_one_of(BROWSERS):
        abort(403)
    inside = _inside(host, snapshot)
    path = request.args.get("path")
    listing = None if path is None else browsing().list(host, snapshot, path, request.args.get("after", ""))
    return render_template(
        "snapshot.html",
        inside=inside,
        path=path,
        listing=listing,
        crumbs=crumbs(path or ""),
        kinds=KINDS,
        report=Reports(store(), host).of(inside.sealed),
        may_download=_is_one_of(DOWNLOADERS),
    )


@blueprint.get("/<host>/<snapshot>/file")
def file(host: str, snapshot: str) -> str:
    """Show one file and ask why it is needed."""
    return _file_page(host, snapshot, request.args.get("path", ""), [])


def _file_page(host: str, snapshot: str, path: str, problems: list[str]) -> str:
    if not _is_one_of(DOWNLOADERS):
        abort(403)
    inside = _inside(host, snapshot)
    return render_template(
        "snapshot_file.html",
        inside=inside,
        path=path,
        entry=browsing().entry(host, snapshot, path),
        crumbs=crumbs(path.rpartition("/")[0]),
        problems=problems,
        reason=request.form.get("reason", ""),
        longest=REASON[1],
    )


@blueprint.post("/<host>/<snapshot>/file")
def download(host: str, snapshot: str) -> tuple[str, int] | Response:
    """Send one file, after the audit log knows who wanted it and why."""
    if not _is_one_of(DOWNLOADERS):
        abort(403)
    path, reason = request.form.get("path", ""), " ".join(request.form.get("reason", "").split())
    if not REASON[0] <= len(reason) <= REASON[1]:
        problem = _("Say in {low} to {high} characters what the file is needed for.", low=REASON[0], high=REASON[1])
        return _file_page(host, snapshot, path, [problem]), 422
    _inside(host, snapshot)
    noted = {"address": request.remote_addr or "-", "snapshot": snapshot, "path": path, "reason": reason}
    log, actor = audit(), current_user.username
    try:
        opened = browsing().open(host, snapshot, path)
    except BackupError as error:
        noted["code"] = error.cause.code
        log.append(actor=actor, action="backup.downloaded", target=host, result="failure", detail=noted)
        raise
    try:
        detail = {**noted, "bytes": opened.entry.size}
        begun = log.append(actor=actor, action="backup.downloaded", target=host, detail=detail)
    except BaseException:
        opened.close()
        raise
    opened.on_close(lambda: _note_end(log, actor, host, opened, begun.seq))
    answer = Response(opened, mimetype="application/octet-stream", direct_passthrough=True)
    answer.content_length = opened.entry.size
    answer.headers["Content-Disposition"] = disposition(opened.entry.name)
    return answer


def _note_end(log: AuditLog, actor: str, host: str, opened: Opened, begun: int) -> None:
    result = "success" if opened.is_complete else "failure"
    detail = {"record": begun, "bytes": opened.sent_bytes, "size": opened.entry.size}
    try:
        log.append(actor=actor, action="backup.download_ended", target=host, result=result, detail=detail)
    except AuditError:
        logger.exception("the end of a download could not be recorded")
