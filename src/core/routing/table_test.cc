// SPDX-License-Identifier: Apache-2.0
#include "core/routing/table.h"

#include <gtest/gtest.h>

namespace trivet::routing {
namespace {

const ClusterResourceId kCluster("cluster-A");
const ClusterResourceId kOther("cluster-B");
const Address kWriterEndpoint{"127.41.0.1", 3306};
const Address kReaderEndpoint{"127.41.0.2", 3306};
const Address kA{"127.41.1.1", 3306};
const Address kB{"127.41.1.2", 3306};
const Address kC{"127.41.1.3", 3306};
const Listener kWriter{kWriterEndpoint, kCluster, EndpointKind::kWriter};
const Listener kReader{kReaderEndpoint, kCluster, EndpointKind::kReader};

ClusterRoute route() {
  ClusterRoute r;
  r.cluster = kCluster;
  r.term = Term(3);
  r.writer = kA;
  r.readers = {kB, kC};
  return r;
}

EndpointTable table(ClusterRoute r) {
  auto made = EndpointTable::make({kWriter, kReader}, {std::move(r)});
  EXPECT_TRUE(made.has_value());
  return *made;
}

TEST(EndpointTable, SendsTheWriterEndpointToTheWriter) {
  EXPECT_EQ(table(route()).pick(kWriterEndpoint, {{kA, 1000}}), kA);
}

TEST(EndpointTable, HasNoBackendForTheWriterEndpointWithoutAWriter) {
  ClusterRoute r = route();
  r.writer.reset();
  EXPECT_EQ(table(r).pick(kWriterEndpoint, {}), std::nullopt);
}

TEST(EndpointTable, SendsAReaderToTheOneWithFewestConnections) {
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {{kB, 2}, {kC, 1}}), kC);
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {{kB, 1}, {kC, 2}}), kB);
}

TEST(EndpointTable, TakesTheFirstOfEqualReaders) {
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {}), kB);
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {{kB, 5}, {kC, 5}}), kB);
}

TEST(EndpointTable, CountsAnUnknownReaderAsIdle) {
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {{kB, 1}}), kC);
}

TEST(EndpointTable, LeavesOutReadersThatDidNotAccept) {
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {}, {kB}), kC);
  EXPECT_EQ(table(route()).pick(kReaderEndpoint, {}, {kB, kC}), std::nullopt);
}

TEST(EndpointTable, DoesNotSendReadersToTheWriterUnlessAllowed) {
  ClusterRoute r = route();
  r.readers.clear();
  EXPECT_EQ(table(r).pick(kReaderEndpoint, {}), std::nullopt);
  r.readers_fall_back_to_writer = true;
  EXPECT_EQ(table(r).pick(kReaderEndpoint, {}), kA);
  EXPECT_EQ(table(r).pick(kReaderEndpoint, {}, {kA}), std::nullopt);
  r.writer.reset();
  EXPECT_EQ(table(r).pick(kReaderEndpoint, {}), std::nullopt);
}

TEST(EndpointTable, HasNoBackendForAnUnknownAddress) {
  EXPECT_EQ(table(route()).pick({"127.41.0.1", 3307}, {}), std::nullopt);
  EXPECT_EQ(EndpointTable().pick(kWriterEndpoint, {}), std::nullopt);
}

TEST(EndpointTable, RefusesContradictions) {
  const auto code = [](std::vector<Listener> listeners, std::vector<ClusterRoute> clusters) {
    const auto made = EndpointTable::make(std::move(listeners), std::move(clusters));
    return made ? std::optional<Errc>() : made.error().code;
  };
  Listener twice = kReader;
  twice.address = kWriterEndpoint;
  EXPECT_EQ(code({kWriter, twice}, {route()}), Errc::kInvalidArgument);
  EXPECT_EQ(code({kWriter}, {route(), route()}), Errc::kInvalidArgument);
  EXPECT_EQ(code({kWriter}, {}), Errc::kInvalidArgument);
  EXPECT_EQ(code({}, {route()}), std::nullopt);
}

TEST(EndpointTable, KeepsAWriterConnectionOnlyWithinItsTerm) {
  ClusterRoute r = route();
  EXPECT_TRUE(table(r).keeps(kWriter, Term(3), kA));
  EXPECT_FALSE(table(r).keeps(kWriter, Term(2), kA));
  EXPECT_FALSE(table(r).keeps(kWriter, Term(3), kB));
  r.writer.reset();
  EXPECT_FALSE(table(r).keeps(kWriter, Term(3), kA));
}

TEST(EndpointTable, KeepsAReaderConnectionAcrossTermsWhileTheReaderIsListed) {
  ClusterRoute r = route();
  r.term = Term(4);
  EXPECT_TRUE(table(r).keeps(kReader, Term(3), kB));
  r.writer = kB;  // promoted: no reader any more
  r.readers = {kC};
  EXPECT_FALSE(table(r).keeps(kReader, Term(3), kB));
  EXPECT_TRUE(table(r).keeps(kReader, Term(3), kC));
}

TEST(EndpointTable, KeepsAFallenBackReaderOnTheWriterOnlyInItsTerm) {
  ClusterRoute r = route();
  r.readers.clear();
  EXPECT_FALSE(table(r).keeps(kReader, Term(3), kA));
  r.readers_fall_back_to_writer = true;
  EXPECT_TRUE(table(r).keeps(kReader, Term(3), kA));
  EXPECT_FALSE(table(r).keeps(kReader, Term(2), kA));
}

TEST(EndpointTable, KeepsNoConnectionOfAnEndpointThatIsGoneOrAnother) {
  const auto only_reader = EndpointTable::make({kReader}, {route()});
  ASSERT_TRUE(only_reader.has_value());
  EXPECT_FALSE(only_reader->keeps(kWriter, Term(3), kA));
  Listener changed = kWriter;
  changed.cluster = kOther;
  EXPECT_FALSE(table(route()).keeps(changed, Term(3), kA));
}

TEST(EndpointTable, IgnoresAnOlderTermOfTheSameCluster) {
  ClusterRoute old = route();
  old.term = Term(2);
  old.writer = kC;
  ClusterRoute other;
  other.cluster = kOther;
  other.term = Term(1);
  const auto next = EndpointTable::make({kWriter}, {old, other});
  ASSERT_TRUE(next.has_value());
  const EndpointTable merged = without_older_terms(table(route()), *next);
  EXPECT_EQ(*merged.find_cluster(kCluster), route());
  EXPECT_EQ(*merged.find_cluster(kOther), other);
  EXPECT_EQ(merged.listeners(), next->listeners());
}

TEST(EndpointTable, TakesTheSameAndANewerTerm) {
  ClusterRoute same = route();
  same.writer.reset();
  EXPECT_EQ(*without_older_terms(table(route()), table(same)).find_cluster(kCluster), same);
  ClusterRoute newer = route();
  newer.term = Term(4);
  newer.writer = kB;
  EXPECT_EQ(*without_older_terms(table(route()), table(newer)).find_cluster(kCluster), newer);
}

TEST(EndpointTable, ForgetsTheTermOfAClusterThatIsGone) {
  ClusterRoute low = route();
  low.term = Term(1);
  const EndpointTable gone = without_older_terms(table(route()), EndpointTable());
  EXPECT_EQ(*without_older_terms(gone, table(low)).find_cluster(kCluster), low);
}

TEST(Address, IsWrittenWithBracketsWhenItIsIpv6) {
  EXPECT_EQ(to_string(Address{"::1", 3306}), "[::1]:3306");
  EXPECT_EQ(to_string(kA), "127.41.1.1:3306");
}

}  // namespace
}  // namespace trivet::routing
