"""Imitates the command line of Huawei's VRP: prompt, echo by the terminal, paging, the complaint about a wrong word.

A stand-in: the device itself cannot run here.  Its configuration is the file given; started by a real sshd.
"""

import sys
from pathlib import Path

PAGE = 24


def main(configuration: Path) -> None:
    """Answer until ``quit``."""
    paging = True
    print("Info: The max number of VTY users is 5.", end="\r\n")
    while True:
        print("<SW-1>", end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() == "quit":
            return
        match line.strip():
            case "screen-length 0 temporary":
                paging = False
                print("Info: The configuration takes effect on the current user terminal interface only.")
            case "undo terminal monitor":
                print("Info: Current terminal monitor is off.")
            case "display current-configuration":
                show(configuration.read_text(encoding="utf-8").splitlines(), paging=paging)
            case _:
                print("             ^\nError: Unrecognized command found at '^' position.")


def show(lines: list[str], *, paging: bool) -> None:
    """Print, and with paging wait for a key after each page."""
    for number, text in enumerate(lines, 1):
        print(text)
        if paging and number % PAGE == 0:
            print("  ---- More ----", end="", flush=True)
            sys.stdin.read(1)
            print("\x1b[42D                                          \x1b[42D", end="")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
