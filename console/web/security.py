"""Response headers and refusals that hold for every page."""

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from console.web.context import _

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def add_headers(response: Response) -> Response:
    """Set the security headers; keep pages out of every cache, and files with a digest in the browser's."""
    response.headers.update(HEADERS)
    if request.endpoint in {"static", "vendor.file"}:
        kept = "max-age=31536000, immutable" if "v" in request.args else "max-age=3600"
        response.headers["Cache-Control"] = f"private, {kept}"
    else:
        response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    if isinstance(error, CSRFError):
        title = _("This form is too old")
        text = _("Go back, load the page again and send the form once more. Nothing was changed.")
    elif code == 404:
        title = _("There is no such page")
        text = _("The address may be old: records are removed after their retention. Start from the overview.")
    elif code == 403:
        title = _("This is not allowed for your account")
        text = _("Ask the administrator of the console for the role that may do this.")
    elif code >= 500:
        title = _("The console failed to build this page")
        text = _("The cause is in the log of the unit xinglin-console (journalctl -u xinglin-console). Try again.")
    else:
        title = _("The console refused this request")
        text = _("Go back and try again. Reason: {reason}", reason=error.name)
    return render_template("refusal.html", code=code, heading=title, text=text), code


def protect(app: Flask) -> None:
    """Switch on CSRF protection, headers and the pages for refusals."""
    CSRFProtect(app)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, _refuse)
