"""Runs a program that may open no netlink socket, as ``RestrictAddressFamilies=`` of the backup's unit has it.

A seccomp filter for x86-64 and arm64: ``socket(AF_NETLINK, …)`` fails with EAFNOSUPPORT, all else is allowed.
"""

import ctypes
import os
import platform
import struct
import sys

SOCKET = {"x86_64": 41, "aarch64": 198}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ERRNO_EAFNOSUPPORT, ALLOW = 0x00050000 | 97, 0x7FFF0000
AF_NETLINK = 16


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def main(argv: list[str]) -> None:
    """Become the program ``argv``."""
    instructions = (
        (LOAD, 0, 0, 0),
        (EQUAL, 0, 3, SOCKET[platform.machine()]),
        (LOAD, 0, 0, 16),
        (EQUAL, 0, 1, AF_NETLINK),
        (RETURN, 0, 0, ERRNO_EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in instructions))
    program = Program(len(instructions), ctypes.cast(code, ctypes.c_void_p).value)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program)):
        raise OSError(ctypes.get_errno(), "prctl")
    os.execvp(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
