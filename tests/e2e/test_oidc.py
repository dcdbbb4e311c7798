# SPDX-License-Identifier: Apache-2.0
"""The keys of an OIDC provider are found where it publishes them: over HTTPS with a certificate that is trusted, within
bounds, and again when it has changed them."""
import contextlib
import json
import shutil
import threading
import time

import botocore.exceptions

from issuer import Issuer, Published
from suite import Suite
from waiting import wait_until

suite = Suite(__file__, engine=False)


class Provider:
    """An issuer that publishes its keys, an IAM provider for it and a role that trusts it."""

    def __init__(self, home, number, path="/ci"):
        address = f"{home.prefix}.254.{number}"
        self.home, self.issuer = home, Issuer(f"https://{address}{path}")
        self.published = Published(address, home.folder)
        self.configuration = f"{path}/.well-known/openid-configuration"
        self.publish()
        account, self.role = home.facts["account_id"], f"ci{number}"
        provider = f"arn:aws:iam::{account}:oidc-provider/{address}{path}"
        self.arn = home.client("iam").create_open_id_connect_provider(
            Url=self.issuer.url, ClientIDList=["sts.amazonaws.com"],
            ThumbprintList=["a" * 40])["OpenIDConnectProviderArn"]
        assert self.arn == provider, self.arn
        home.client("iam").create_role(RoleName=self.role, AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": provider},
                                                     "Action": "sts:AssumeRoleWithWebIdentity"}]}))

    def publish(self):
        host = self.issuer.url.split("/")[2]
        self.published.documents[self.configuration] = json.dumps(
            {"issuer": self.issuer.url, "jwks_uri": f"https://{host}/keys", "response_types_supported": ["id_token"]})
        self.published.documents["/keys"] = self.issuer.jwks()

    def take(self):
        """The code of the refusal and its text; None: the role was given."""
        try:
            self.home.client("sts").assume_role_with_web_identity(
                RoleArn=f"arn:aws:iam::{self.home.facts['account_id']}:role/{self.role}", RoleSessionName="s1",
                WebIdentityToken=self.issuer.token())
            return None
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]


@contextlib.contextmanager
def provider_of(home, number, is_trusted=True):
    provider = Provider(home, number)
    try:
        if is_trusted:
            shutil.copy(provider.published.certificate, home.path / "tls/oidc-ca.pem")
        yield provider
    finally:
        provider.published.close()


@suite.test
def keys_are_discovered_and_kept(home):
    with provider_of(home, 1) as provider:
        assert provider.take() is None
        assert provider.published.asked == [provider.configuration, "/keys"], provider.published.asked
        assert provider.take() is None
        assert len(provider.published.asked) == 2, provider.published.asked
        provider.issuer.new_key("k2")  # not published: and the provider is asked once a minute at most
        assert provider.take()[0] == "InvalidIdentityToken"
        assert len(provider.published.asked) == 2, provider.published.asked
    # What was found serves while the provider is away; keys that are given come before it.
    status, _ = home.admin("POST", "/iam/oidc-keys", {"arn": provider.arn, "jwks": provider.issuer.jwks()})
    assert status == 200 and provider.take() is None


@suite.test
def a_certificate_of_nobody_known_is_not_believed(home):
    with provider_of(home, 2, is_trusted=False) as provider:
        code, text = provider.take()
        assert code == "IDPCommunicationError" and "certificate" in text, (code, text)
        assert not provider.published.asked, provider.published.asked


@suite.test
def a_provider_that_is_away(home):
    with provider_of(home, 3) as provider:
        pass
    code, text = provider.take()
    assert code == "IDPCommunicationError" and "connect" in text.lower(), (code, text)


@suite.test
def what_is_no_discovery_is_not_believed(home):
    cases = (lambda p: "", lambda p: "x" * 300_000, lambda p: json.dumps({"issuer": "https://else.example.com"}),
             lambda p: json.dumps({"issuer": p.issuer.url, "jwks_uri": p.issuer.url.replace("https", "http")}),
             lambda p: json.dumps({"issuer": p.issuer.url, "jwks_uri": f"{p.issuer.url}/not-there"}))
    for number, case in enumerate(cases, 10):
        with provider_of(home, number) as provider:
            provider.published.documents[provider.configuration] = case(provider)
            code, text = provider.take()
            assert code == "IDPCommunicationError", (number, code, text)


@suite.test
def a_slow_provider_holds_up_nobody_else(home):
    released = threading.Event()
    with provider_of(home, 20) as provider:
        def slow():
            released.wait(30)
            return "{}"
        provider.published.documents[provider.configuration] = slow
        outcome = []
        waiting = threading.Thread(target=lambda: outcome.append((provider.take(), time.monotonic())))
        begun = time.monotonic()
        waiting.start()
        wait_until("the provider is asked", lambda: provider.published.asked, 10)
        code, text = provider.take()
        assert code == "IDPCommunicationError" and "being asked" in text, (code, text)
        home.client("sts", home.root_keys).get_caller_identity()
        assert not outcome, "others did not wait"
        waiting.join(20)
        released.set()
        ((code, text), ended), = outcome
        assert code == "IDPCommunicationError" and 4 < ended - begun < 8, (code, text, ended - begun)


if __name__ == "__main__":
    suite.main()
