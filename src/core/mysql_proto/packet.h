// SPDX-License-Identifier: Apache-2.0
//
// The one thing that Trivet itself ever says to a MySQL client: a refusal in place of the greeting.
// All else is between the client and its server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trivet::mysql_proto {

// ER_SERVER_SHUTDOWN. Drivers take it for a lost connection (Connector/J maps it to 08S01), which
// applications already retry; ER_UNKNOWN_ERROR (1105) they do not.
inline constexpr std::uint16_t kServerShutdown = 1053;
// ER_CON_COUNT_ERROR, "Too many connections".
inline constexpr std::uint16_t kTooManyConnections = 1040;

// Longest message; what is longer is cut. MySQL's own limit (MYSQL_ERRMSG_SIZE).
inline constexpr std::size_t kMessageBytesMax = 512;

// An ERR packet with its header, as the first packet of a connection (sequence 0). Without an
// SQLSTATE: before the handshake the server does not know whether the client wants one, and mysqld
// leaves it out too ("Page Protocol::ERR_Packet" of MySQL's source documentation).
std::string first_error_packet(std::uint16_t code, std::string_view message);

}  // namespace trivet::mysql_proto
