// SPDX-License-Identifier: Apache-2.0
//
// The block of lines that an installation keeps in the machine's hosts file, as a function of text.
//
//   # BEGIN trivet 4f1c…
//   127.43.0.10 demo.cluster-abc.us-east-1.rds.trivet.internal
//   # END trivet 4f1c…
//
// Taking the block out again gives back every other byte, in whatever order several installations
// come and go. A file that did not end in a newline is remembered as such on the BEGIN line. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace trivet::hosts {

struct Entry {
  std::string address;             // IPv4 or IPv6
  std::vector<std::string> names;  // at least one; letters, digits, '-', '_', '.'
};

// `text` with this installation's block holding `entries`: replaced where it stands, else appended.
// No entries: without a block. Errors: kInvalidArgument for an installation id, address or name
// that would not be one token; kCorrupt when the block is there but damaged (BEGIN without END, or
// twice): the file is a person's, so nothing is guessed.
Result<std::string> with_block(std::string_view text, std::string_view installation,
                               const std::vector<Entry>& entries);
// The same errors. `text` itself when there is no block.
Result<std::string> without_block(std::string_view text, std::string_view installation);

}  // namespace trivet::hosts
