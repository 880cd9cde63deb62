"""``/healthz``: says that the web process answers, and nothing else."""

from flask import Blueprint, Response

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> Response:
    """Answer without touching the store, so that a probe tells a dead process from a slow disk."""
    return Response("ok\n", mimetype="text/plain")
