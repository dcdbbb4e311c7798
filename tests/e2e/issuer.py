# SPDX-License-Identifier: Apache-2.0
"""An OIDC provider: a key, tokens that it signs, and what it publishes over HTTPS under an authority of its own."""
import base64
import contextlib
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Issuer:
    def __init__(self, url):
        self.url = url
        self.new_key("k1")

    def new_key(self, key_id):
        self.key_id = key_id
        self.key = ec.generate_private_key(ec.SECP256R1())

    def jwks(self):
        numbers = self.key.public_key().public_numbers()
        return json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": self.key_id, "use": "sig", "alg": "ES256",
                                     "x": encoded(numbers.x.to_bytes(32, "big")),
                                     "y": encoded(numbers.y.to_bytes(32, "big"))}]})

    def token(self, **claims):
        given = {"iss": self.url, "sub": "repo:us/app:main", "aud": "sts.amazonaws.com",
                 "exp": int(time.time()) + 300, **claims}
        head = json.dumps({"alg": "ES256", "kid": self.key_id}).encode()
        text = encoded(head) + "." + encoded(json.dumps(given).encode())
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return text + "." + encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def self_signed(address, folder):
    """A certificate for the address that signs itself, and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "provider of a test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
                   .sign(key, hashes.SHA256()))
    paths = folder / f"{address}.crt", folder / f"{address}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return paths


class Published:
    """Serves {path: text} at https://ADDRESS; a text that is a function is called, and may take its time."""

    def __init__(self, address, folder):
        self.documents = {}
        self.asked = []
        self.certificate, key = self_signed(address, folder)
        published = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                published.asked.append(self.path)
                text = published.documents.get(self.path)
                text = text() if callable(text) else text
                with contextlib.suppress(OSError):  # who asked may have had enough
                    self.send_response(200 if text is not None else 404)
                    self.end_headers()
                    self.wfile.write((text or "").encode())

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server = http.server.ThreadingHTTPServer((address, 443), Handler, bind_and_activate=True)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
