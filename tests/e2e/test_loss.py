# SPDX-License-Identifier: Apache-2.0
"""Two disks are gone at once: the cluster waits for ever, and an operator may say that it goes on without them."""
import json
import pathlib
import signal
import subprocess

from harness import BIN, kill
from load import Writers
from suite import Suite
from waiting import wait_until


suite = Suite(__file__, in_order=True)


@suite.setup
def one_cluster(home):
    cluster = home.create_cluster("demo", DatabaseName="mydb")
    home.shared["host"] = cluster["Endpoint"]
    home.wait_whole()


def trivet(home, *words, **more):
    return subprocess.run([BIN / "trivet", "--home", home.path, *words], check=False, capture_output=True, text=True,
                          timeout=200, **more)


def take_disk(home, member):
    data = next(home.path.glob(f"clusters/*/{member['identifier']}/data"))
    data.rename(pathlib.Path(home.folder) / f"gone-{member['identifier']}")


@suite.test
def with_a_writer_there_is_nothing_to_lose(home):
    refused = trivet(home, "failover", "demo", "--allow-data-loss", "--yes")
    assert refused.returncode != 0 and "demo has a writer: nothing has to be lost" in refused.stderr, refused
    refused = trivet(home, "failover", "demo", "--yes")
    assert refused.returncode != 0 and "--allow-data-loss" in refused.stderr, refused


@suite.test
def it_waits_and_names_whom_for(home):
    writer, (left, lost) = home.writer(), home.readers()
    home.shared["left"], home.shared["lost"], home.shared["former"] = left, lost, writer
    with Writers(home, home.shared["host"], 2) as load:
        wait_until("some acknowledged rows", lambda: load.count() > 200, 60)
        kill(home.daemon.pid, signal.SIGSTOP)  # or it would let the one that is left receive again
        home.admin_sql(left, "STOP REPLICA IO_THREAD")
        received = load.count()
        wait_until("rows that only the two have", lambda: load.count() > received + 50, 60)
        for member in (writer, lost):
            kill(member["pid"])
            take_disk(home, member)
        kill(home.daemon.pid, signal.SIGCONT)
    home.shared["load"] = load
    before = home.shared["size"] = home.log_size()
    wait_until("an offer", lambda: home.admin("GET", "/clusters/demo/loss")[0] == 200, 90)
    assert not home.events("failover.loss_accepted", before)
    assert lost["identifier"] in home.cluster_status()["waiting_for"], home.cluster_status()
    refused = trivet(home, "failover", "demo", "--allow-data-loss", stdin=subprocess.DEVNULL)
    assert refused.returncode != 0 and "with --yes" in refused.stderr, refused
    assert lost["identifier"] in refused.stderr and "last heard of" in refused.stderr, refused
    refused = trivet(home, "failover", "demo", "--allow-data-loss", "--yes", "--to", lost["identifier"])
    assert refused.returncode != 0 and "who could write: " + left["identifier"] in refused.stderr, refused
    assert home.cluster_status()["writer"] is None


@suite.test
def on_an_operators_word_it_goes_on_with_what_is_left(home):
    done = trivet(home, "failover", "demo", "--allow-data-loss", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["writer"] == home.shared["left"]["identifier"], told
    home.wait_whole()
    events = json.loads(trivet(home, "events", "demo", "--json").stdout)["events"]
    assert any("accepted the loss of data: " + told["writer"] in event["message"] for event in events), events
    kept = home.sql(home.shared["host"], "SELECT COUNT(*) FROM load_test.rows")[0][0]
    home.sql(home.shared["host"], "CREATE TABLE mydb.after_it (id INT PRIMARY KEY)")
    for member in home.readers():
        wait_until("the same rows at the others", lambda member=member: home.sql(
            member["address"], "SELECT COUNT(*) FROM load_test.rows")[0][0] == kept, 30)
    lost = home.shared["load"].lost(home.shared["host"])
    assert 50 <= len(lost) <= home.shared["load"].count() - kept, (len(lost), kept)
    return f"{kept} rows kept, {len(lost)} acknowledged ones given up, {told['lost_count']} of them known before"


@suite.test
def and_nobody_is_asked_again(home):
    before = home.log_size()
    kill(home.writer()["pid"])
    home.wait_event("failover.completed", before, 60)
    home.wait_whole()
    assert not home.events("failover.loss_accepted", before)


if __name__ == "__main__":
    suite.main()
