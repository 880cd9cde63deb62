"""What can go wrong between us and upsd."""

from enum import StrEnum


class Code(StrEnum):
    """Kinds of failure: ours in lower case, upsd's own (``ERR <code>``, RFC 9271) as it writes them.

    ``NutError.code`` may also hold a word of upsd's that is not listed here.
    """

    REFUSED = "refused"  # nothing listens there, or no way to the host
    TIMED_OUT = "timed_out"
    CLOSED = "closed"  # upsd ended the connection, or an earlier failure did
    BAD_ANSWER = "bad_answer"  # not upsd's protocol, too long, or cut off
    TLS_FAILED = "tls_failed"  # upsd offers no TLS, or the handshake broke
    UNTRUSTED = "untrusted"  # upsd's certificate is not our CA's, has ended, or names another host

    ACCESS_DENIED = "ACCESS-DENIED"
    UNKNOWN_UPS = "UNKNOWN-UPS"
    VAR_NOT_SUPPORTED = "VAR-NOT-SUPPORTED"
    CMD_NOT_SUPPORTED = "CMD-NOT-SUPPORTED"
    INVALID_ARGUMENT = "INVALID-ARGUMENT"
    INVALID_VALUE = "INVALID-VALUE"
    INSTCMD_FAILED = "INSTCMD-FAILED"
    SET_FAILED = "SET-FAILED"
    READONLY = "READONLY"
    TOO_LONG = "TOO-LONG"
    FEATURE_NOT_SUPPORTED = "FEATURE-NOT-SUPPORTED"
    FEATURE_NOT_CONFIGURED = "FEATURE-NOT-CONFIGURED"
    DRIVER_NOT_CONNECTED = "DRIVER-NOT-CONNECTED"
    DATA_STALE = "DATA-STALE"
    INVALID_PASSWORD = "INVALID-PASSWORD"  # noqa: S105 - upsd's word for a failure
    INVALID_USERNAME = "INVALID-USERNAME"
    UNKNOWN_COMMAND = "UNKNOWN-COMMAND"


class NutError(Exception):
    """A failure of one request.  ``code`` is one of ``Code`` or upsd's own word; ``detail`` holds no secret."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
