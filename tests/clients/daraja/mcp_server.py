"""Starts mpesa-daraja-mcp as it comes, but for where Safaricom is, TLS for its tunnel, and how often it looks."""

import os
import ssl
from http.server import ThreadingHTTPServer

from mpesa_mcp import cli, client, receiver, server


class TlsServer(ThreadingHTTPServer):
    """Its receiver wants a tunnel before it; this is the tunnel."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # the receiver's own arguments
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.environ["TUNNEL_CERTIFICATE"], os.environ["TUNNEL_KEY"])
        self.socket = context.wrap_socket(self.socket, server_side=True)


client.BASE_URLS["sandbox"] = os.environ["SAFARICOM"]
receiver.ThreadingHTTPServer = TlsServer
server.STK_POLL_S = 0.1  # two seconds, for people
cli.entry()
