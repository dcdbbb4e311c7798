// SPDX-License-Identifier: Apache-2.0
#include "core/mysql_proto/packet.h"

#include <gtest/gtest.h>

namespace trivet::mysql_proto {
namespace {

TEST(FirstErrorPacket, HasLengthSequenceMarkerCodeAndMessage) {
  // 3 bytes of length (9), sequence 0, 0xff, 1053 = 0x041d little-endian, "closed".
  EXPECT_EQ(first_error_packet(kServerShutdown, "closed"),
            std::string("\x09\x00\x00\x00\xff\x1d\x04"
                        "closed",
                        13));
}

TEST(FirstErrorPacket, CutsALongMessage) {
  const std::string packet = first_error_packet(kTooManyConnections, std::string(100'000, 'x'));
  ASSERT_EQ(packet.size(), 4 + 3 + kMessageBytesMax);
  EXPECT_EQ(packet.substr(0, 7), std::string("\x03\x02\x00\x00\xff\x10\x04", 7));
}

TEST(FirstErrorPacket, MayBeWithoutAMessage) {
  EXPECT_EQ(first_error_packet(1, ""), std::string("\x03\x00\x00\x00\xff\x01\x00", 7));
}

}  // namespace
}  // namespace trivet::mysql_proto
