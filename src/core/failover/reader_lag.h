// SPDX-License-Identifier: Apache-2.0
//
// How far a reader may be behind the writer. What the reader itself can tell is wrong twice: idle
// for a minute, the first transaction that arrives looks a minute old, and a reader whose receiver
// stands, be it with its connection, knows of nothing that it lacks. So it counts how long the
// reader has not been seen caught up: while it receives that is the most it can lag, while it does
// not that is what it may lag.
#pragma once

#include <optional>

#include "base/time.h"

namespace trivet::failover {

// Of one reader. Plain value; pure.
class ReaderLag {
 public:
  struct Seen {
    // From the writer of now, and it has what that one had the last time that it was asked before.
    bool is_receiving = false;
    bool is_writer_serving = false;  // while nobody writes, nobody falls behind
    std::optional<Millis> applying;  // what the reader says; nullopt: it cannot tell
  };
  // The lag as of this report; nullopt: not known. `now` does not go back.
  std::optional<Millis> on_report(const Seen& seen, Instant now);

 private:
  std::optional<Millis> behind_;  // since it was seen caught up, without the time nobody wrote
  Instant last_{};
};

}  // namespace trivet::failover
