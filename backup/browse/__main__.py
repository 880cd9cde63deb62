"""``python -m backup.browse DIRECTORY PASSWORD_FILE``: answer the one request of the connection that is stdin."""

import logging
import socket
import sys
from pathlib import Path

from backup.browse.service import serve

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
with socket.socket(fileno=0) as connection:
    serve(connection, Path(sys.argv[1]), Path(sys.argv[2]))
