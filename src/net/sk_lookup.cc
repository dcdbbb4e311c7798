// SPDX-License-Identifier: Apache-2.0
#include "net/sk_lookup.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/file.h"

namespace trivet::net {
namespace {

// More endpoints than a host has addresses in use; an entry costs some bytes.
constexpr std::uint32_t kEntriesMax = 1'024;

// Both as bpf_sk_lookup has them: the address in network order, the port in the machine's.
struct Key {
  std::uint32_t address = 0;
  std::uint32_t port = 0;
};

Result<Key> key_of(const HostPort& at) {
  const auto address = ipv4_of(at.host);
  if (!address) {
    return make_error(Errc::kInvalidArgument, "'" + at.host + "' is not an IPv4 address");
  }
  return Key{.address = *address, .port = at.port};
}

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

Error steering_error(const std::string& what, int number) {
  if (number == EPERM || number == EACCES) {
    return make_error(Errc::kDenied,
                      errno_message(what, number) + "; it needs CAP_BPF and CAP_NET_ADMIN");
  }
  if (number == EINVAL || number == ENOSYS) {
    return make_error(Errc::kUnavailable, errno_message(what, number) + "; it needs Linux 5.9");
  }
  return make_error(Errc::kUnavailable, errno_message(what, number));
}

bpf_attr nothing() {
  bpf_attr out;
  std::memset(&out, 0,
              sizeof out);  // the kernel refuses what is set in the parts of other commands
  return out;
}

Result<Fd> make_map() {
  bpf_attr a = nothing();
  a.map_type = BPF_MAP_TYPE_SOCKHASH;
  a.key_size = sizeof(Key);
  a.value_size = sizeof(std::uint64_t);
  a.max_entries = kEntriesMax;
  Fd map(bpf(BPF_MAP_CREATE, a));
  if (!map && errno == EPERM) {
    // Before 5.11 maps count as locked memory, of which the usual limit allows too little.
    const rlimit unlimited{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    setrlimit(RLIMIT_MEMLOCK, &unlimited);
    map = Fd(bpf(BPF_MAP_CREATE, a));
  }
  if (!map) {
    return steering_error("make a BPF map of sockets", errno);
  }
  return map;
}

constexpr bpf_insn instruction(int code, int to, int from, int offset, int number) {
  bpf_insn out{};
  out.code = static_cast<std::uint8_t>(code);
  out.dst_reg = static_cast<std::uint8_t>(to) & 0xf;
  out.src_reg = static_cast<std::uint8_t>(from) & 0xf;
  out.off = static_cast<std::int16_t>(offset);
  out.imm = number;
  return out;
}
constexpr bpf_insn set(int to, int number) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, number);
}
constexpr bpf_insn copy(int to, int from) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
constexpr bpf_insn load(int to, int from, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, static_cast<int>(offset), 0);
}
constexpr bpf_insn store(int to, int offset, int from) {
  return instruction(BPF_STX | BPF_MEM | BPF_W, to, from, offset, 0);
}
constexpr bpf_insn call(int function) {
  return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function);
}
// Jumps over `count` instructions when `reg` is, or is not, `number`.
constexpr bpf_insn skip_unless(int reg, int number, int count) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, count, number);
}
constexpr bpf_insn skip_if(int reg, int number, int count) {
  return instruction(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, count, number);
}

// r0: what a call returned; r1 to r3: its arguments; r6 and r7 survive calls; r10: the stack's top.
Result<Fd> load_program(int map) {
  constexpr int kKey = -static_cast<int>(sizeof(Key));
  const std::array program = {
      copy(6, 1),  // r6: struct bpf_sk_lookup*
      load(1, 6, offsetof(bpf_sk_lookup, protocol)),
      skip_unless(1, IPPROTO_TCP, 19),  // to the end
      load(1, 6, offsetof(bpf_sk_lookup, family)),
      skip_unless(1, AF_INET, 17),
      load(1, 6, offsetof(bpf_sk_lookup, local_ip4)),
      store(10, kKey + static_cast<int>(offsetof(Key, address)), 1),
      load(1, 6, offsetof(bpf_sk_lookup, local_port)),
      store(10, kKey + static_cast<int>(offsetof(Key, port)), 1),
      instruction(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),  // takes two places
      instruction(0, 0, 0, 0, 0),
      copy(2, 10),
      instruction(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, kKey),
      call(BPF_FUNC_map_lookup_elem),
      skip_if(0, 0, 7),
      copy(7, 0),  // r7: the socket, referenced
      copy(1, 6),
      copy(2, 7),
      set(3, 0),
      call(BPF_FUNC_sk_assign),
      copy(1, 7),
      call(BPF_FUNC_sk_release),
      set(0, SK_PASS),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  bpf_attr a = nothing();
  a.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
  a.expected_attach_type = BPF_SK_LOOKUP;
  a.insns = address_of(program.data());
  a.insn_cnt = static_cast<std::uint32_t>(program.size());
  a.license = address_of("Apache-2.0");
  Fd loaded(bpf(BPF_PROG_LOAD, a));
  if (!loaded) {
    return steering_error("load a BPF program of type sk_lookup", errno);
  }
  return loaded;
}

Result<Fd> link_to_namespace(int program) {
  const Fd name_space(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!name_space) {
    return steering_error("open the network namespace", errno);
  }
  bpf_attr a = nothing();
  a.link_create.prog_fd = static_cast<std::uint32_t>(program);
  a.link_create.target_fd = static_cast<std::uint32_t>(name_space.get());
  a.link_create.attach_type = BPF_SK_LOOKUP;
  Fd link(bpf(BPF_LINK_CREATE, a));
  if (!link) {
    return steering_error("attach a BPF program to the network namespace", errno);
  }
  return link;
}

}  // namespace

Result<SkLookup> SkLookup::attach() {
  SkLookup out;
  TRIVET_TRY(out.map_, make_map());
  TRIVET_TRY(const Fd program, load_program(out.map_.get()));
  TRIVET_TRY(out.link_, link_to_namespace(program.get()));
  return out;
}

Status SkLookup::put(const HostPort& at, int listening) {
  TRIVET_TRY(const Key key, key_of(at));
  const auto value = static_cast<std::uint64_t>(listening);
  bpf_attr a = nothing();
  a.map_fd = static_cast<std::uint32_t>(map_.get());
  a.key = address_of(&key);
  a.value = address_of(&value);
  a.flags = BPF_ANY;
  if (bpf(BPF_MAP_UPDATE_ELEM, a) != 0) {
    return steering_error("steer " + to_string(at), errno);
  }
  return ok();
}

void SkLookup::remove(const HostPort& at) {
  const auto key = key_of(at);
  if (!key) {
    return;
  }
  bpf_attr a = nothing();
  a.map_fd = static_cast<std::uint32_t>(map_.get());
  a.key = address_of(&*key);
  // The one error there is says that nothing stands there: the socket was closed.
  static_cast<void>(bpf(BPF_MAP_DELETE_ELEM, a));
}

}  // namespace trivet::net
