# SPDX-License-Identifier: Apache-2.0
"""The bank workload: transfers between accounts, each with a line in a ledger in the same transaction. The total
never changes, in any snapshot, at either endpoint; and the balances are what the ledger says."""
from clients import Client, is_refusal

ACCOUNTS, LEDGER = "chaos.accounts", "chaos.ledger"
COUNT, EACH = 8, 100
TABLES = (
    f"CREATE TABLE {ACCOUNTS} (id INT PRIMARY KEY, balance INT NOT NULL)",
    f"CREATE TABLE {LEDGER} (teller INT, number INT, giver INT, taker INT, amount INT, PRIMARY KEY (teller, number))",
    f"INSERT INTO {ACCOUNTS} VALUES " + ", ".join(f"({account}, {EACH})" for account in range(COUNT)),
)


class Teller(Client):
    def __init__(self, home, gate, host, seed, pause, teller):
        super().__init__(home, gate, host, seed, pause)
        self.teller, self.number = teller, 0
        self.acknowledged, self.refused = set(), set()
        self.last = None

    def operate(self, cursor):
        giver, taker = self.rng.sample(range(COUNT), 2)
        self.number += 1
        number = self.last = self.number
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT id, balance FROM {ACCOUNTS} WHERE id IN ({giver}, {taker}) ORDER BY id FOR UPDATE")
        amount = self.rng.randint(0, max(0, dict(cursor.fetchall())[giver]))
        cursor.execute(f"UPDATE {ACCOUNTS} SET balance = balance - {amount} WHERE id = {giver}")
        cursor.execute(f"UPDATE {ACCOUNTS} SET balance = balance + {amount} WHERE id = {taker}")
        cursor.execute(f"INSERT INTO {LEDGER} VALUES ({self.teller}, {number}, {giver}, {taker}, {amount})")
        cursor.execute("COMMIT")
        self.acknowledged.add(number)
        self.last = None

    def unsettled(self, error):
        if self.last is not None and is_refusal(error):
            self.refused.add(self.last)  # the connection is given up, so nothing of it can be committed
        self.last = None


def snapshot_wrong(rows):
    """Of all (id, balance) at one moment: what is wrong, or None."""
    balances = [int(balance) for _, balance in rows]
    if len(balances) != COUNT or sum(balances) != COUNT * EACH or min(balances) < 0:
        return f"a snapshot of the bank: {balances}, total {sum(balances)} instead of {COUNT * EACH}"
    return None


def read_at_once(cursor):
    cursor.execute(f"SELECT id, balance FROM {ACCOUNTS}")
    return cursor.fetchall()


def read_one_by_one(cursor):
    """In one transaction: what comes in between must not be seen (repeatable read)."""
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    rows = []
    for account in range(COUNT):
        cursor.execute(f"SELECT id, balance FROM {ACCOUNTS} WHERE id = {account}")
        rows += cursor.fetchall()
    cursor.execute("COMMIT")
    return rows


def check_books(sql, tellers):
    """Violations at one member, whose `sql(statement)` gives rows. All tellers are at rest."""
    wrong = []
    rows = sql(f"SELECT id, balance FROM {ACCOUNTS}")
    problem = snapshot_wrong(rows)
    if problem:
        wrong.append(problem)
    expected = dict.fromkeys(range(COUNT), EACH)
    for giver, taker, amount in sql(f"SELECT giver, taker, SUM(amount) FROM {LEDGER} GROUP BY giver, taker"):
        expected[giver] -= int(amount)
        expected[taker] += int(amount)
    if dict(rows) != expected:
        wrong.append(f"balances {dict(rows)} are not what the ledger says: {expected}")
    for teller in tellers:
        there = {number for number, in sql(f"SELECT number FROM {LEDGER} WHERE teller = {teller.teller}")}
        lost = teller.acknowledged - there
        if lost:
            wrong.append(f"acknowledged transfers of teller {teller.teller} are missing: {sorted(lost)[:10]}")
        happened = teller.refused & there
        if happened:
            wrong.append(f"refused transfers of teller {teller.teller} happened: {sorted(happened)[:10]}")
    return wrong
