# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4 by hand, from AWS's description: for what the SDKs refuse to make (other times, regions,
bodies) and as a second opinion beside theirs."""
import datetime
import hashlib
import hmac
import urllib.parse

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)


def quote(text):
    return urllib.parse.quote(text, safe="-_.~")


def _digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _signature(secret, scope, amz_date, canonical_request):
    day, region, service, terminator = scope.split("/")
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, terminator):
        key = _digest(key, part)
    text = "\n".join(["AWS4-HMAC-SHA256", amz_date, scope, hashlib.sha256(canonical_request.encode()).hexdigest()])
    return _digest(key, text).hex()


def database_token(keys, host, port, user, region, when=None, expires=900):
    """A login token as generate_db_auth_token makes it. `keys`: access key id, secret, session token or None."""
    when = when or utc_now()
    amz_date = when.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{when:%Y%m%d}/{region}/rds-db/aws4_request"
    access_key_id, secret, session_token = keys
    query = {"Action": "connect", "DBUser": user, "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
             "X-Amz-Credential": f"{access_key_id}/{scope}", "X-Amz-Date": amz_date, "X-Amz-Expires": str(expires),
             "X-Amz-SignedHeaders": "host"}
    if session_token:
        query["X-Amz-Security-Token"] = session_token
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(query.items()))
    request = "\n".join(["GET", "/", text, f"host:{host}:{port}", "", "host", EMPTY_SHA256])
    return f"{host}:{port}/?{text}&X-Amz-Signature={_signature(secret, scope, amz_date, request)}"


def signed_headers(keys, host, body, service, region, when=None, content_type=None):
    """The headers of a signed POST to / of `host` ("address:port")."""
    when = when or utc_now()
    amz_date = when.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{when:%Y%m%d}/{region}/{service}/aws4_request"
    access_key_id, secret, session_token = keys
    headers = {"host": host, "x-amz-date": amz_date}
    if content_type:
        headers["content-type"] = content_type
    if session_token:
        headers["x-amz-security-token"] = session_token
    names = ";".join(sorted(headers))
    request = "\n".join(["POST", "/", "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names,
                         hashlib.sha256(body).hexdigest()])
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={access_key_id}/{scope}, SignedHeaders={names}, "
                                f"Signature={_signature(secret, scope, amz_date, request)}")
    return headers
