// SPDX-License-Identifier: Apache-2.0
//
// Reads the vector files beside this one.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace trivet {

inline nlohmann::json read_vectors(const std::string& name) {
  std::ifstream file(std::string(TRIVET_VECTORS_DIR) + "/" + name);
  nlohmann::json out = nlohmann::json::parse(file, nullptr, false);
  EXPECT_TRUE(out.is_object()) << name;
  return out;
}

}  // namespace trivet
