"""The browser libraries, by a fixed list of names."""

from flask import Blueprint, Response, abort, send_file

from console.web.vendor import CONSOLE, FILES

blueprint = Blueprint("files", __name__)


@blueprint.get("/vendor/<name>")
def vendor(name: str) -> Response:
    """Serve one file of the installed npm packages."""
    if name not in FILES:
        abort(404)
    path = CONSOLE / FILES[name]
    if not path.is_file():
        abort(404)
    return send_file(path, etag=True)
