// SPDX-License-Identifier: Apache-2.0
#include "core/mysql_proto/packet.h"

namespace trivet::mysql_proto {
namespace {

constexpr char kErrorMarker = '\xff';

void append_little_endian(std::string& out, std::size_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(number >> (8 * i) & 0xff));
  }
}

}  // namespace

std::string first_error_packet(std::uint16_t code, std::string_view message) {
  message = message.substr(0, kMessageBytesMax);
  std::string packet;
  append_little_endian(packet, 1 + 2 + message.size(), 3);
  packet.push_back('\0');  // sequence number
  packet.push_back(kErrorMarker);
  append_little_endian(packet, code, 2);
  packet.append(message);
  return packet;
}

}  // namespace trivet::mysql_proto
