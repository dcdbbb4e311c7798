# SPDX-License-Identifier: Apache-2.0
"""A function that wants out. Everything it tries must fail, and the host must not have felt it."""
import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import threading

from bed import Skip, test, wait_until

# Runs the code that an event brings; what it leaves in `result` is the answer.
PRISON = """
    import ctypes, errno, glob, json, os, re, resource, signal, socket, stat, struct, subprocess, sys, time
    libc = ctypes.CDLL(None, use_errno=True)
    kept = {}

    def call(number, *arguments):
        "The name of the error that a system call fails with; what it returned when it did not fail."
        ctypes.set_errno(0)
        value = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
        return errno.errorcode[ctypes.get_errno()] if value == -1 else value

    def attempt(function):
        "The name of the error, or what came out."
        try:
            return function()
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error.errno))

    def handler(event, context):
        space = dict(globals(), event=event, result=None)
        exec(event["code"], space)
        return space["result"]
    """


def prison(bed, name="first", **more):
    """One function for all tests of a kind, so that it stays warm."""
    shared = bed.__dict__.setdefault("prisons", {})
    if name not in shared:
        shared[name] = bed.function(PRISON, timeout_ms=20000, memory_mb=256, **more)
    return shared[name]


def run(bed, code, name="first", **event):
    import textwrap
    return bed.value(prison(bed, name), {"code": textwrap.dedent(code), **event})


@contextlib.contextmanager
def secret_file(folder):
    with tempfile.NamedTemporaryFile(dir=folder, prefix="trivet-secret-", mode="w", delete=False) as file:
        file.write("the host's secret")
    os.chmod(file.name, 0o666)
    try:
        yield file.name
    finally:
        os.unlink(file.name)


@test
def the_hosts_files_are_not_there(bed):
    with secret_file("/tmp") as in_tmp, secret_file(bed.home) as in_home, secret_file("/var/tmp") as in_var:
        found = run(bed, """
            def read(path):
                return attempt(lambda: open(path).read())
            roots = ["", "/proc/1/root", "/proc/self/root", "/proc/self/cwd/../..", "/var/task/../../../../..",
                     f"/proc/{os.getppid()}/root", "/proc/self/fd/../root", "/proc/1/cwd/.."]
            result = {root + path: read(root + path) for root in roots for path in event["paths"]}
            """, paths=[in_tmp, in_home, in_var])
    assert set(found.values()) <= {"ENOENT", "EACCES", "EPERM", "ENOTDIR"}, found
    names = run(bed, """
        result = []
        for folder, folders, files in os.walk("/"):
            if folder.startswith("/proc/"):
                folders.clear()
            result += [os.path.join(folder, name) for name in files + folders
                       if "trivet-secret" in name or name in ("trivet.db", "sealing.key", "trivetd.sock", "shadow")]
        """)
    assert names == [], names


@test
def open_descriptors_lead_nowhere(bed):
    found = run(bed, """
        result = {}
        for fd in os.listdir("/proc/self/fd"):
            try:
                result[fd] = os.readlink(f"/proc/self/fd/{fd}")
            except OSError:
                pass
        """)
    allowed = ("pipe:", "/dev/null", "socket:", "/proc/")
    assert all(target.startswith(allowed) for target in found.values()), found
    assert found["0"] == "/dev/null", found


@test
def nothing_but_tmp_can_be_written(bed):
    found = run(bed, """
        def write(folder):
            return attempt(lambda: open(folder + "/x", "w").close())
        result = {folder: write(folder) for folder in ["", "/bin", "/dev", "/dev/shm", "/etc", "/home", "/lib", "/opt",
            "/proc", "/proc/sys/kernel", "/root", "/run", "/sys", "/usr", "/usr/lib", "/var", "/var/lang",
                "/var/runtime",
            "/var/task", "/etc/trivet"]}
        result["/tmp"] = write("/tmp")
        """)
    assert found.pop("/tmp") is None
    assert set(found.values()) <= {"EROFS", "EACCES", "ENOENT", "EPERM"}, found


@test
def it_is_nobody_with_no_capability(bed):
    found = run(bed, """
        def status_of(pid):
            return dict(line.rstrip("\\n").split(":\\t", 1) for line in open(f"/proc/{pid}/status") if ":\\t" in line)
        status = status_of("self")
        # The one process beside it, bubblewrap's, is of the same user: it must have no more.
        first = status_of(1)
        result = {"first": [first[name] == status[name] for name in ("CapPrm", "CapEff", "CapBnd", "NoNewPrivs",
            "Seccomp",
                                                                     "Uid", "Gid")]}
        result |= {name: status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs",
                                                  "Seccomp", "Uid", "Gid", "Groups")}
        result["setuid"] = attempt(lambda: os.setuid(0))
        result["setgid"] = attempt(lambda: os.setgid(0))
        result["setgroups"] = attempt(lambda: os.setgroups([0]))
        result["suid"] = [path for folder, _, files in os.walk("/usr") for path in (os.path.join(folder,
            n) for n in files)
                          if not os.path.islink(path) and os.lstat(path).st_mode & 0o6000]
        """)
    assert all(int(found[name], 16) == 0 for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")), found
    assert found["NoNewPrivs"] == "1" and found["Seccomp"] == "2", found
    assert found["Uid"].split() == ["993"] * 4 and "0" not in found["Groups"].split(), found
    assert all(found["first"]), found
    assert found["setuid"] in ("EPERM", "EINVAL") and found["setgid"] in ("EPERM", "EINVAL"), found
    assert found["setgroups"] in ("EPERM", "EINVAL") and found["suid"] == [], found


@test
def each_environment_is_a_user_of_its_own(bed):
    run(bed, "result = 1", "first")
    run(bed, "result = 1", "second")
    users = {}
    for pid in bed.processes():
        with contextlib.suppress(OSError):
            users.setdefault(os.stat(f"/proc/{pid}").st_uid, []).append(pid)
    assert len(users) >= 2 and 0 not in users and all(uid >= 1_900_000_000 for uid in users), users


@test
def other_processes_are_neither_seen_nor_reached(bed):
    run(bed, "kept['x'] = 'memory of the second'; result = 1", "second")
    own = subprocess.Popen(["sleep", "600"])
    os_pids = [own.pid, os.getpid(), bed.driver.pid, *bed.processes()]
    try:
        found = run(bed, """
            seen = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
            result = {"seen": seen, "reached": {}}
            for pid in event["pids"]:
                if pid in seen:
                    continue  # a number of ours by chance
                buffer = ctypes.create_string_buffer(8)
                iovec = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
                result["reached"][pid] = [
                    attempt(lambda: os.kill(pid, signal.SIGKILL)),
                    attempt(lambda: open(f"/proc/{pid}/mem", "rb")), attempt(lambda: os.listdir(f"/proc/{pid}")),
                    call(434, pid, 0), call(101, 16, pid, 0, 0), call(310, pid, iovec, 1, iovec, 1, 0),
                    attempt(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))]
            """, pids=os_pids)
        assert len(found["seen"]) <= 3, found  # bubblewrap's own, the runtime
        wrong = {error for errors in found["reached"].values() for error in errors} - {"ESRCH", "ENOENT", "EPERM"}
        assert not wrong, found
        # Everybody that it may signal is its own.
        run(bed, """
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            attempt(lambda: os.kill(-1, signal.SIGTERM))
            result = 1
            """)
        assert own.poll() is None and bed.driver.poll() is None
        assert run(bed, "result = kept.get('x')", "second") == "memory of the second"
    finally:
        own.kill()
        own.wait()


@test
def files_of_other_environments_are_not_there(bed):
    run(bed, "open('/tmp/mine', 'w').write('of the second'); result = 1", "second")
    assert run(bed, "result = [os.listdir('/tmp'), attempt(lambda: open('/tmp/mine').read())]")[1] == "ENOENT"
    assert run(bed, "result = open('/tmp/mine').read()", "second") == "of the second"


@test
def between_processes_nothing_is_shared(bed):
    found = run(bed, """
        # A System V segment and a semaphore of the host's key space, and an abstract socket's name.
        result = [call(29, event["key"], 64, 0), call(64, event["key"], 1, 0)]
        s = socket.socket(socket.AF_UNIX)
        result.append(attempt(lambda: s.connect("\\0trivet-escape")))
        result.append(attempt(lambda: socket.socket(socket.AF_UNIX).connect(event["path"])))
        result.append(attempt(lambda: os.listdir("/dev/mqueue")))
        result.append(call(240, b"/x", 0o102, 0o600, 0))
        """, **host_objects(bed))
    assert set(found) <= {"ENOENT", "ECONNREFUSED", "EPERM", "ENOSYS", "EMFILE", "EACCES"}, found


def host_objects(bed):
    """A shared memory segment, an abstract and a file socket, all open to everybody."""
    import ctypes
    libc = ctypes.CDLL(None)
    key = 0x7E570000 + os.getpid() % 0xFFFF
    assert libc.shmget(key, 64, 0o1666) >= 0
    listeners = bed.__dict__.setdefault("listeners", [])
    path = str(bed.home / "open.sock")
    for name in ("\0trivet-escape", path):
        with contextlib.suppress(OSError):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(name)
            listener.listen()
            listeners.append(listener)
    os.chmod(path, 0o777)
    return {"key": key, "path": path}


@test
def the_hosts_sockets_are_not_reached(bed):
    heard = []
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: heard.append(listener.accept()), daemon=True)
    thread.start()
    addresses = {"127.0.0.1", "127.0.0.2", "169.254.169.254", "10.0.0.1", "192.0.2.1"}
    with contextlib.suppress(OSError):
        addresses.add(socket.gethostbyname(socket.gethostname()))
    found = run(bed, """
        def connect(address):
            s = socket.socket()
            s.settimeout(2)
            try:
                s.connect((address, event["port"]))
                return "connected"
            except TimeoutError:
                return "timed out"
            except OSError as error:
                return errno.errorcode[error.errno]
        result = {address: connect(address) for address in event["addresses"]}
        result["interfaces"] = [name for _, name in socket.if_nameindex()]
        result["routes"] = open("/proc/net/route").read().splitlines()[1:]
        """, port=listener.getsockname()[1], addresses=sorted(addresses))
    assert found.pop("interfaces") == ["lo"] and found.pop("routes") == [], found
    assert set(found.values()) <= {"ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH"}, found
    assert not heard
    listener.close()


@test
def rare_kinds_of_sockets_cannot_be_made(bed):
    found = run(bed, """
        def make(family, kind, protocol=0):
            return attempt(lambda: socket.socket(family, kind, protocol).close())
        result = {"packet": make(17, 3, 0x300), "raw": make(2, 3, 1), "raw6": make(10, 3, 58), "alg": make(38, 5),
                  "vsock": make(40, 1), "audit": make(16, 3, 9), "netfilter": make(16, 3, 12), "uevent": make(16, 3,
                      15),
                  "xdp": make(44, 3), "bluetooth": make(31, 5), "can": make(29, 3, 1), "key": make(15, 3, 2),
                  "tipc": make(30, 5), "rds": make(21, 5)}
        """)
    assert set(found.values()) <= {"EPERM", "EAFNOSUPPORT", "EACCES"}, found


@test
def the_network_cannot_be_changed(bed):
    found = run(bed, """
        import fcntl
        s = socket.socket()
        def ioctl(request, flags=0):
            return attempt(lambda: fcntl.ioctl(s, request, struct.pack("16sH22x", b"lo", flags)))
        result = [ioctl(0x8914, 0), ioctl(0x8916, 0), ioctl(0x8922, 0)]     # flags, address, MTU
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        # RTM_NEWLINK: a veth
        message = struct.pack("IHHIIBBHiII", 32, 16, 0x605, 1, 0, 0, 0, 0, 0, 0, 0)
        netlink.send(message)
        reply = netlink.recv(4096)
        result.append(errno.errorcode[-struct.unpack("i", reply[16:20])[0]])
        result.append(attempt(lambda: s.setsockopt(socket.SOL_SOCKET, 36, 1)))           # SO_MARK
        result.append(attempt(lambda: s.setsockopt(socket.SOL_SOCKET, 32, b"\\0" * 8)))   # SO_SNDBUFFORCE
        """)
    assert set(found) <= {"EPERM", "EACCES", "EOPNOTSUPP"}, found


@test
def there_are_no_mounts_to_make(bed):
    found = run(bed, """
        text = ctypes.c_char_p
        result = {
            "mount": call(165, b"none", b"/tmp", b"tmpfs", 0, 0), "bind": call(165, b"/", b"/tmp", 0, 4096, 0),
            "remount": call(165, 0, b"/", 0, 32, 0), "umount": call(166, b"/proc", 2), "pivot": call(155, b"/tmp",
                b"/tmp"),
            "chroot": call(161, b"/tmp"), "fsopen": call(430, b"tmpfs", 0), "open_tree": call(428, -100, b"/", 1),
            "move_mount": call(429, 0, b"", 0, b"", 0), "mount_setattr": call(442, -100, b"/", 0, 0, 0),
            "fsmount": call(432, 0, 0, 0), "fspick": call(433, -100, b"/", 0)}
        """)
    assert set(found.values()) <= {"EPERM", "ENOSYS"}, found


@test
def there_are_no_namespaces_to_make_or_enter(bed):
    found = run(bed, """
        result = {}
        for name, flag in {"user": 0x10000000, "mount": 0x20000, "net": 0x40000000, "pid": 0x20000000, "uts": 0x4000000,
                           "ipc": 0x8000000, "cgroup": 0x2000000, "time": 0x80}.items():
            result["unshare " + name] = call(272, flag)
            result["clone " + name] = call(56, flag | 17, 0, 0, 0, 0)
        for name in os.listdir("/proc/self/ns"):
            fd = attempt(lambda: os.open("/proc/self/ns/" + name, os.O_RDONLY))
            result["setns " + name] = call(308, fd, 0) if isinstance(fd, int) else fd
            fd = attempt(lambda: os.open("/proc/1/ns/" + name, os.O_RDONLY))
            result["setns 1 " + name] = call(308, fd, 0) if isinstance(fd, int) else fd
        result["clone3"] = call(435, ctypes.create_string_buffer(88), 88)
        """)
    assert set(found.values()) <= {"EPERM", "ENOSYS", "EACCES"}, found


@test
def there_are_no_devices(bed):
    found = run(bed, """
        result = {"names": sorted(os.listdir("/dev"))}
        result["opened"] = {path: attempt(lambda: os.open(path, os.O_RDONLY)) for path in
                            ["/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/loop0",
                                "/dev/loop-control",
                             "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/port", "/dev/mapper/control", "/dev/ptmx1"]}
        for kind, name in ((stat.S_IFCHR, "char"), (stat.S_IFBLK, "block")):
            for major, minor in ((1, 1), (1, 3), (7, 0), (8, 0), (254, 0)):
                result["opened"][f"mknod {name} {major} {minor}"] = attempt(
                    lambda: os.mknod("/tmp/device", kind | 0o666, os.makedev(major, minor)))
        """)
    known = {"null", "zero", "full", "random", "urandom", "tty", "stdin", "stdout", "stderr", "fd", "core", "pts",
        "ptmx",
             "shm"}
    assert set(found["names"]) <= known, found["names"]
    assert set(found["opened"].values()) <= {"ENOENT", "EPERM", "EACCES"}, found["opened"]


@test
def the_kernels_interfaces_are_closed(bed):
    found = run(bed, """
        buffer = ctypes.create_string_buffer(256)
        result = {
            "bpf": call(321, 0, buffer, 128), "perf_event_open": call(298, buffer, 0, -1, -1, 0),
            "add_key": call(248, b"user", b"x", b"y", 1, -2), "keyctl": call(250, 0, -3, 0), "request_key": call(249,
                b"user",
            b"x", 0, 0), "userfaultfd": call(323, 0), "io_uring_setup": call(425, 4, buffer), "kexec_load": call(246,
                0, 0, 0,
            0), "init_module": call(175, buffer, 8, b""), "finit_module": call(313, 0, b"", 0),
                "delete_module": call(176, b"x",
            0), "syslog": call(103, 3, buffer, 256), "swapon": call(167, b"/tmp/x", 0), "reboot": call(169, 0xfee1dead,
            672274793, 0, 0), "iopl": call(172, 3), "ioperm": call(173, 0, 1, 1), "acct": call(163, b"/tmp/x"),
                "quotactl":
            call(179, 0, b"/", 0, 0), "settimeofday": call(164, buffer, 0), "clock_settime": call(227, 0, buffer),
                "adjtimex":
            call(159, buffer), "sethostname": call(170, b"x", 1), "setdomainname": call(171, b"x", 1),
                "name_to_handle_at":
            call(303, -100, b"/", buffer, buffer, 0), "open_by_handle_at": call(304, 0, buffer, 0), "kcmp": call(312,
                1, 1, 0,
            0, 0), "ptrace": call(101, 16, 1, 0, 0), "process_vm_readv": call(310, 1, buffer, 0, buffer, 0, 0),
            "process_vm_writev": call(311, 1, buffer, 0, buffer, 0, 0), "personality": call(135, 0x40000), "vhangup":
            call(153), "nfsservctl": call(180), "fanotify_init": call(300, 0, 0), "move_pages": call(279, 1, 0, 0, 0,
                0, 0),
            "migrate_pages": call(256, 1, 0, 0, 0), "mbind": call(237, 0, 0, 0, 0, 0, 0), "set_mempolicy": call(238,
                0, 0, 0),
            "pidfd_getfd": call(438, 0, 0, 0), "landlock": call(444, 0, 0, 1), "seccomp": call(317, 0, 0, 0),
            "modify_ldt": call(154, 0, buffer, 1), "uselib": call(134, b"/x"), "vm86": call(134, 0), "lookup_dcookie":
            call(212, 0, 0, 0), "memfd_secret": call(447, 0), "process_madvise": call(440, 0, 0, 0, 0, 0),
            "io_setup": call(206, 1, buffer), "remap_file_pages": call(216, 0, 0, 0, 0, 0), "quotactl_fd": call(443,
                0, 0, 0, 0)}
        """)
    assert set(found.values()) <= {"EPERM", "ENOSYS"}, {name: error for name, error in found.items()
                                                        if error not in ("EPERM", "ENOSYS")}


@test
def the_kernels_files_are_closed(bed):
    found = run(bed, """
        result = {"read": {path: attempt(lambda: open(path, "rb").read(16).hex()) for path in
                           ["/proc/kcore", "/proc/kmsg", "/proc/kpagecount", "/proc/1/mem",
                            "/proc/vmallocinfo", "/proc/slabinfo", "/sys/kernel/notes", "/sys/fs/cgroup/cgroup.procs",
                            "/sys/kernel/debug", "/proc/timer_list", "/proc/self/attr/fscreate1"]}}
        result["write"] = {path: attempt(lambda: os.write(os.open(path, os.O_WRONLY), b"-17")) for path in
                           ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
                            "/proc/sys/vm/drop_caches", "/proc/sys/net/ipv4/ip_forward", "/proc/irq/0/smp_affinity",
                            "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups",
                            "/proc/sys/kernel/ns_last_pid", "/proc/sys/user/max_user_namespaces"]}
        result["kallsyms"] = {line.split()[0] for line in open("/proc/kallsyms")} == {"0" * 16} \\
            if os.path.exists("/proc/kallsyms") else True
        result["oom"] = attempt(lambda: os.write(os.open("/proc/self/oom_score_adj", os.O_WRONLY), b"-1000"))
        """)
    closed = {"ENOENT", "EACCES", "EPERM", "EROFS", "ESRCH", "EIO", "ENOTDIR", "EINVAL"}
    assert set(found["read"].values()) <= closed, found["read"]
    assert set(found["write"].values()) <= closed, found["write"]
    assert found["kallsyms"] and found["oom"] in closed, found


@test
def foreign_system_calls_kill(bed):
    """The 32-bit entry, which the filter cannot judge: whoever uses it is killed."""
    if "User Mode Linux" in pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii"):
        raise Skip("this kernel has no 32-bit entry")
    answer = bed.invoke(prison(bed, "third"), {"code": """
import mmap
memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write(b"\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3")   # mov eax, getpid; int 0x80; ret
function = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
result = function()
"""})
    assert answer["function_error"] == "Unhandled" and answer["payload"]["errorType"] == "Runtime.ExitError", answer


@test
def limits_cannot_be_raised(bed):
    found = run(bed, """
        result = {}
        for name in ("NOFILE", "NPROC", "CORE", "MEMLOCK", "MSGQUEUE"):
            which = getattr(resource, "RLIMIT_" + name)
            hard = resource.getrlimit(which)[1]
            try:
                resource.setrlimit(which, (hard * 2 + 1, hard * 2 + 1))
                result[name] = [hard, "raised"]
            except ValueError:
                result[name] = [hard, "refused"]
        """)
    assert all(answer == "refused" and hard >= 0 for hard, answer in found.values()), found
    assert found["NOFILE"][0] == 1024 and found["NPROC"][0] == 1024 and found["CORE"][0] <= 1, found


@test
def tmp_has_its_size_and_no_more(bed):
    found = run(bed, """
        def fill(path):
            with open(path, "wb") as file:
                block = b"x" * (1 << 20)
                count = 0
                while count < 600:
                    file.write(block)
                    count += 1
        result = [attempt(lambda: fill("/tmp/a")), os.stat("/tmp/a").st_size >> 20, attempt(lambda: fill("/tmp/b"))]
        result.append(os.stat("/tmp/b").st_size >> 20)
        os.unlink("/tmp/a"), os.unlink("/tmp/b")
        """, "filler")
    assert found[0] == "ENOSPC" and found[2] == "ENOSPC", found
    assert 500 <= found[1] + found[3] <= 540, found


@test
def programs_in_tmp_gain_nothing(bed):
    found = run(bed, """
        import shutil
        shutil.copy("/usr/bin/id", "/tmp/id") if os.path.exists("/usr/bin/id") else shutil.copy("/bin/cat", "/tmp/id")
        os.chmod("/tmp/id", 0o6755)
        status = subprocess.run(["/tmp/id"] if os.path.exists("/usr/bin/id") else ["/tmp/id", "/proc/self/status"],
                                capture_output=True, text=True)
        mounts = [line.split() for line in open("/proc/self/mounts")]
        result = [status.stdout, {fields[1]: fields[3] for fields in mounts}]
        """)
    assert "uid=0" not in found[0] and "euid=0" not in found[0], found[0]
    for place, options in found[1].items():
        assert place == "/" or "nosuid" in options.split(","), found[1]
        assert place.startswith(("/tmp", "/proc")) or "ro" in options.split(",") or place.startswith("/dev/"), found[1]


@test
def what_is_tried_leaves_the_host_as_it_was(bed):
    """After all of the above: our own processes live, nothing new listens, nothing is mounted."""
    assert bed.driver.poll() is None
    with open("/proc/self/mounts", encoding="utf-8") as file:
        assert not [line for line in file if str(bed.home) in line]
    wait_until("idle environments", lambda: bed.stats()["busy"] == 0, 20)
    owned = [path for path in pathlib.Path("/tmp").iterdir() if path.lstat().st_uid >= 1_900_000_000]
    assert owned == [], owned
