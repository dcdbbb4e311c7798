// SPDX-License-Identifier: Apache-2.0
//
// Two things measured in turns (a b, b a, a b, …), each for a slice of time by N threads, so that
// whatever else the machine does meets both alike. Prints one JSON object: what each round counted,
// and the processor time that each watched process took for it.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace trivet::bench {

struct RoundsOptions {
  std::array<std::string, 2> names;
  int threads = 1;
  int rounds = 10;
  int slice_ms = 1'000;
  std::vector<int> watched;  // process ids
};

// One unit of the work of `names[which]` on thread `thread`. Called by one thread at a time for one
// `thread`. Ends the program when something goes wrong.
using Unit = std::function<void(int which, int thread)>;

// Runs one slice of each first, uncounted. Then prints to standard output.
void run_rounds(const RoundsOptions& options, const Unit& unit);

// "12,345" → {12, 345}.
std::vector<int> process_ids(const std::string& text);

}  // namespace trivet::bench
