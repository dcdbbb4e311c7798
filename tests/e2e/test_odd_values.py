#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every action of every service, with values that nobody means, of somebody who may do nothing and of root: each gets
an answer that is no failure of ours, and the daemon lives on."""
import json
import random

from botocore import xform_name
import botocore.config
import botocore.exceptions
import botocore.session

from harness import REGION, ROOT
from suite import Suite

suite = Suite(__file__, engine=False)
SEED = 20
ROUNDS = 10  # of each action
SERVICES = ("rds", "ec2", "iam", "sts", "lambda", "logs")
ODD = ("x", "", " ", ":", "/", "://", "https://", "arn:", "arn:aws:iam::123456789012:role/x", "arn:aws:::::::",
       "arn:aws:lambda:us-east-1:123456789012:function:x:1:2", "$LATEST", "*", "-1", "0", "99999999999999999999", "%",
       "%zz", "a" * 300, "\u00e9\u4e16\U0001f512", "a\nb", "{", "{}", '{"Version":"2012-10-17","Statement":[]}', "<&>",
       "sg-", "vpc-0123456789abcdef0", "10.0.0.0/8", "10.0.0.0/99", "../..", "2026-01-01", "true", "default")


class Wishes:
    """Parameters for an action, of its shape and of no sense."""

    def __init__(self, rng):
        self.rng = rng

    def text(self, shape):
        if getattr(shape, "enum", None) and self.rng.random() < 0.8:
            return self.rng.choice(shape.enum)
        return self.rng.choice(ODD)

    def members(self, shape, depth):
        chosen = {}
        for name, member in shape.members.items():
            is_required = name in shape.required_members
            if not getattr(member, "is_streaming", False) and self.rng.random() < (0.9 if is_required else 0.25):
                chosen[name] = self.value(member, depth + 1)
        return chosen

    def value(self, shape, depth=0):
        kind = shape.type_name
        if kind == "structure":
            return self.members(shape, depth) if depth < 5 else {}
        if kind == "list":
            count = self.rng.choice((0, 1, 1, 2)) if depth < 5 else 0
            return [self.value(shape.member, depth + 1) for _ in range(count)]
        if kind == "map":
            count = self.rng.randrange(2)
            return {self.text(shape.key) or "k": self.value(shape.value, depth + 1) for _ in range(count)}
        if kind == "boolean":
            return self.rng.random() < 0.5
        if kind in ("integer", "long"):
            return self.rng.choice((-1, 0, 1, 7, 100, 3306, 65536, 2**31 - 1))
        if kind in ("float", "double"):
            return self.rng.choice((-1.0, 0.0, 0.5))
        if kind == "timestamp":
            return self.rng.choice((0, 1_700_000_000))
        if kind == "blob":
            return self.rng.choice((b"", b"x", b"PK\x05\x06" + bytes(18)))
        return self.text(shape)


def client(home, service, keys):
    session = botocore.session.get_session()
    config = botocore.config.Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=30)
    return session.create_client(service, region_name=REGION, endpoint_url=home.endpoint_url, config=config,
                                 aws_access_key_id=keys[0], aws_secret_access_key=keys[1])


def built(service):
    return sorted(json.loads((ROOT / f"src/api/models/{service}.json").read_text(encoding="utf-8"))["operations"])


def sweep(home, keys, rng, rounds):
    """How many calls had which status."""
    statuses, wishes = {}, Wishes(rng)
    for service in SERVICES:
        caller = client(home, service, keys)
        known = set(caller.meta.service_model.operation_names)
        for action in built(service):
            if action not in known:  # newer than this botocore
                continue
            shape = caller.meta.service_model.operation_model(action).input_shape
            for _ in range(rounds):
                parameters = wishes.value(shape) if shape else {}
                status = call(caller, action, parameters)
                if status:
                    assert status < 500 or status == 501, (service, action, parameters, status)
                    statuses[status] = statuses.get(status, 0) + 1
    return statuses


def call(caller, action, parameters):
    """The answer's status; None when the client itself cannot send such a call."""
    try:
        return getattr(caller, xform_name(action))(**parameters)["ResponseMetadata"]["HTTPStatusCode"]
    except botocore.exceptions.ClientError as error:
        assert "is not built yet" not in str(error), error
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    except (botocore.exceptions.ConnectionError, botocore.exceptions.ConnectionClosedError,
            botocore.exceptions.ReadTimeoutError) as error:
        raise AssertionError(f"{action} {parameters}: {error}") from error
    except Exception:  # noqa: BLE001: whatever its own serializer makes of what nobody means
        return None


@suite.test
def by_somebody_who_may_do_nothing(home):
    iam = home.client("iam")
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]
    statuses = sweep(home, (key["AccessKeyId"], key["SecretAccessKey"]), random.Random(SEED), ROUNDS)
    assert statuses.get(403, 0) > 100, statuses
    return str(statuses)


@suite.test
def by_root(home):
    statuses = sweep(home, home.root_keys[:2], random.Random(SEED + 1), ROUNDS)
    assert statuses.get(400, 0) > 100, statuses
    assert not home.events("api.failure"), home.events("api.failure")
    assert home.client("sts").get_caller_identity()["Arn"].endswith(":root")
    return str(statuses)


if __name__ == "__main__":
    suite.main()
