// SPDX-License-Identifier: Apache-2.0
#include "core/failover/reader_lag.h"

#include <algorithm>

namespace trivet::failover {

std::optional<Millis> ReaderLag::on_report(const Seen& seen, Instant now) {
  if (behind_ && seen.is_writer_serving) {
    *behind_ += since(last_, now);
  }
  last_ = now;
  if (seen.is_receiving && seen.applying == Millis(0)) {
    behind_ = Millis(0);
  }
  if (!behind_) {
    return seen.applying;
  }
  return seen.is_receiving && seen.applying ? std::min(*seen.applying, *behind_) : *behind_;
}

}  // namespace trivet::failover
