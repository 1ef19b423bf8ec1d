"""TLS in front of the node, with certificates made for the test by openssl.

    ca = Authority(folder); proxy = TlsProxy(anvil.port, ca.certificate("localhost"))
"""

import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path, name: str = "ca"):
        self.folder = Path(folder)
        self.name = name
        self.file = self.folder / f"{name}.pem"
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=Test {name}",
            "-keyout", self.folder / f"{name}.key", "-out", self.file,
        )

    def certificate(self, host: str) -> Path:
        """A file with a certificate for host and its key."""
        base = self.folder / f"{self.name}-{host}"
        extensions = base.with_suffix(".ext")
        extensions.write_text(f"subjectAltName=DNS:{host}\n")
        self._openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}",
            "-keyout", base.with_suffix(".key"), "-out", base.with_suffix(".csr"),
        )
        self._openssl(
            "x509", "-req", "-in", base.with_suffix(".csr"), "-CA", self.file, "-CAkey", self.folder / f"{self.name}.key",
            "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", base.with_suffix(".crt"),
        )
        both = base.with_suffix(".pem")
        both.write_bytes(base.with_suffix(".crt").read_bytes() + base.with_suffix(".key").read_bytes())
        return both

    def _openssl(self, *arguments) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class TlsProxy:
    """Speaks TLS on a port of the loopback and passes the bytes on to the node."""

    def __init__(self, upstream_port: int, certificate: Path):
        self._upstream_port = upstream_port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "TlsProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = self._context.wrap_socket(plain, server_side=True)
            server = socket.create_connection(("127.0.0.1", self._upstream_port))
            self._sockets += [client, server]
            threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
            self._copy(server, client)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
